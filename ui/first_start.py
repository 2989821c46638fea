"""The first screen: a question to begin with; on an empty shelf the sample documents are read in first, visibly."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from graph.application import Application
from ingest.pipeline import Progress
from ingest.sources import find_sources
from settings import settings
from state.errors import FootnoteError
from state.principal import EVERYONE, Principal
from store.documents import list_documents

_LOG = logging.getLogger(__name__)

SAMPLES: Final = Path(__file__).parent.parent / "samples"
COLLECTION: Final = "samples"
_EXAMPLES: Final = (
    ("A code", "What does ERR-41 mean and what should I do?"),
    ("A rule that changed", "How much does Fulmar pay per kilometre for my own car, and since when?"),
    ("A comparison", "How do the Gannet WX-200 and the Storm Petrel WX-400 differ in wind range and accuracy?"),
    ("Steps to follow", "How do I replace the battery pack of a station?"),
    ("Two documents at once", "Why was firmware v2.1.2 withdrawn?"),
    ("Not in there", "What was Fulmar's turnover in 2025?"),
)  # fmt: skip
_TICK = 0.25  # seconds between two looks at how far the reading is


@dataclass
class Reading:
    """How far the samples are read in: documents in all and done, and why it failed if it did."""

    documents: int = 0
    done: int = 0
    problem: str = ""

    def move(self, step: Progress) -> None:
        """Take a step of the ingestion in."""
        if step.stage == "found":
            self.documents = step.documents
        elif step.stage != "linking":
            self.done += step.documents


_reading: dict[int, tuple[asyncio.Task[None], Reading]] = {}  # by application: several tabs watch the same one


async def welcome(application: Application, principal: Principal) -> AsyncIterator[str]:
    """Yield the first screen. For the local user of an empty shelf, the samples are read in meanwhile."""
    configuration = settings()
    async with application.database.session(principal) as connection:
        documents = await list_documents(connection, most=1)
        samples = await list_documents(connection, [COLLECTION], most=1)
    if documents and not _being_read(application):
        yield _first_screen(bool(samples))
        return
    own = (principal.tenant, principal.user) == (configuration.tenant, configuration.user)
    if not (own and principal.can_write and SAMPLES.is_dir()):
        yield _empty()
        return
    task, reading = _begun(application, principal)
    while not task.done():
        yield _progress(reading)
        await asyncio.wait({task}, timeout=_TICK)
    yield _first_screen(samples=True) if not reading.problem else _empty(reading.problem)


def _being_read(application: Application) -> bool:
    return id(application) in _reading and not _reading[id(application)][0].done()


def _begun(application: Application, principal: Principal) -> tuple[asyncio.Task[None], Reading]:
    """Return the reading of the samples that goes on, or begin it; it outlives the tab that began it."""
    key = id(application)
    if not _being_read(application):
        reading = Reading()
        _reading[key] = (asyncio.create_task(_read(application, principal, reading)), reading)
    return _reading[key]


async def _read(application: Application, principal: Principal, reading: Reading) -> None:
    try:
        found = await asyncio.to_thread(
            find_sources, [str(SAMPLES)], max_bytes=int(settings().max_file_mb * 1e6), tags=()
        )
        await application.ingester(principal).ingest(found, COLLECTION, access=[EVERYONE], on_progress=reading.move)
    except FootnoteError as error:
        reading.problem = str(error)


def _first_screen(samples: bool) -> str:
    if not samples:
        return _hero("Ask your documents.", "Every sentence of the answer shows where it stands.")
    chips = "".join(
        f'<li><button type="button" class="fn-example" data-fn="ask" data-question="{escape(question)}">'
        f"<small>{escape(kind)}</small><span>{escape(question)}</span></button></li>"
        for kind, question in _EXAMPLES
    )
    return _hero(
        "What would you like to know?",
        "Thirteen documents of Fulmar Weatherworks, an invented maker of weather stations, are ready to be asked. "
        "Add your own under Documents.",
        f'<ul class="fn-examples" aria-label="Questions to begin with">{chips}</ul>',
    )


def _empty(problem: str = "") -> str:
    told = f'<p class="fn-problem" role="alert">{escape(problem)}</p>' if problem else ""
    return _hero(
        "Nothing to ask yet.",
        "No documents are here that you may read. Add some under Documents, and ask as soon as they are read in.",
        told,
    )


def _progress(reading: Reading) -> str:
    most = max(reading.documents, 1)
    told = f"{reading.done} of {reading.documents} documents" if reading.documents else "Looking for documents…"
    return _hero(
        "One moment: reading the sample documents.",
        "This happens once. They are read, cut into passages and indexed on this machine; nothing leaves it.",
        f'<div class="fn-progress"><progress max="{most}" value="{reading.done}" aria-label="Documents read in">'
        f"</progress><span>{told}</span></div>",
    )


def _hero(title: str, words: str, more: str = "") -> str:
    return f'<section class="fn-hero"><h2>{escape(title)}</h2><p>{escape(words)}</p>{more}</section>'
