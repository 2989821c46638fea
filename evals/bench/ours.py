"""What this project does with a set: how fast it is searchable, how well and how fast it is searched and answered."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from evals.bench.memory import watched_memory
from evals.retrieval import MODES, Retrieval
from evals.runs.evaluation import Conditions, Target
from evals.runs.experiment import run_evaluation
from evals.runs.timing import latency
from evals.scratch import scratch_database
from evals.sets.beir import EvaluationSet, read_beir
from ingest.pipeline import Ingester
from ingest.sources import Found
from models.embedder import SentenceTransformerEmbedder
from models.tokenizer import ModelTokenCounter
from settings import Settings, settings
from state.principal import Principal, local_principal
from state.run import RunContext
from store.database import Database
from tools.search import Searcher

_ASKED = 50  # questions put to the whole graph; one takes as long as ten searches
_WARM_UP = 3
_STARTS = 5  # of a process, the median of which counts
_COMMAND = (sys.executable, "-c", "from cli.main import main; main()")


async def measure_ours(folder: Path) -> dict[str, Any]:
    """Read a set into a scratch database, search it in every mode, ask it, and start the command on it.

    Returns quality and latency by mode; ``ask`` and ``ask rerank`` with latency; ``ingest_per_s`` in passages (rows of
    the set, however many chunks they become), ``memory_gb``, ``help_s`` and ``search_s``. Raises `UnreadableSet`.
    """
    evaluated = read_beir(folder)
    configuration = settings()
    principal = local_principal(configuration)
    async with scratch_database(configuration) as database:
        embedder = SentenceTransformerEmbedder(configuration)
        await asyncio.to_thread(embedder.open)
        ingester = Ingester(database, embedder, ModelTokenCounter(configuration), principal)
        _tell(f"Reading {len(evaluated.sources)} passages in …")
        with watched_memory() as peak:
            report = await ingester.ingest(Found(sources=evaluated.sources), "bench")
        _tell(f"Searching for {len(evaluated.questions)} questions …")
        modes: dict[str, dict[str, float]] = {}
        searcher = Searcher(database, embedder)
        for mode in MODES:  # one after the other, as each peer is asked for nothing else meanwhile
            here = _SearchedHere(Conditions(configuration), mode, searcher, principal)
            modes |= here.by_mode(await run_evaluation(here, [folder], {}))
        del embedder, ingester, searcher, here  # the application loads its own
        return {
            **modes,
            **await _asked(database, principal, configuration, evaluated),
            **await _started(database, configuration, evaluated.questions[0][1]),
            "passages": len(evaluated.sources),
            "questions": len(evaluated.questions),
            "chunks": report.chunks,
            "ingest_per_s": round(len(evaluated.sources) / report.seconds, 1),
            "memory_gb": round(peak.bytes / 1e9, 2),
        }


class _SearchedHere(Retrieval):
    """The evaluation of retrieval by one mode over what has been read in."""

    def __init__(self, conditions: Conditions, mode: str, searcher: Searcher, principal: Principal) -> None:
        super().__init__(conditions, (mode,))
        self._parts = searcher, principal, searcher.embedder

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[Target]:
        """Search the database that is open."""
        yield self.searching(*self._parts)


async def _asked(
    database: Database, principal: Principal, configuration: Settings, evaluated: EvaluationSet
) -> dict[str, dict[str, float]]:
    """Put questions to the whole graph, without and with the reranker."""
    from graph.app import open_application

    @asynccontextmanager
    async def opened(_: Settings) -> AsyncIterator[Database]:
        yield database

    questions = [text for _, text in evaluated.questions]
    found = {}
    _tell(f"Asking {min(_ASKED, len(questions))} of them …")
    async with open_application(configuration, opened) as application:
        for name, context in (("ask", RunContext(rerank=False)), ("ask rerank", RunContext(rerank=True))):
            for question in questions[-_WARM_UP:]:
                await application.ask(principal, question, context=context)
            spent = []
            for question in questions[:_ASKED]:
                started = time.perf_counter()
                await application.ask(principal, question, context=context)
                spent.append((time.perf_counter() - started) * 1000)
            found[name] = latency(spent)
    return found


async def _started(database: Database, configuration: Settings, question: str) -> dict[str, float]:
    """Return the seconds that two commands take, the start of the process included, on a server that is up."""
    async with database.session(local_principal(configuration)) as connection:
        row = await (await connection.execute("select current_database()")).fetchone()
    assert row is not None
    place = ["-u", "DATABASE_URL", "-u", "FOOTNOTE_DATABASE_URL"]
    place += [f"FOOTNOTE_HOME={configuration.home}", f"FOOTNOTE_DATABASE_NAME={row[0]}"]
    search = ["search", "--mode", "lexical", "--json", "--", question]
    return {
        "help_s": await asyncio.to_thread(_seconds, ["env", *place, *_COMMAND, "--help"]),
        "search_s": await asyncio.to_thread(_seconds, ["env", *place, *_COMMAND, *search]),
    }


def _tell(stage: str) -> None:
    print(stage, file=sys.stderr)  # noqa: T201


def _seconds(command: Sequence[str]) -> float:
    spent = []
    for _ in range(_STARTS):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        spent.append(time.perf_counter() - started)
    return round(statistics.median(spent), 2)
