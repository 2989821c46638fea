"""Parsing in processes apart: the same results, and what a document can do to them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from ingest import parsing, workers
from ingest.pipeline import Ingester, IngestReport
from ingest.sources import Found, find_sources
from ingest.web import _Page
from ingest.web_connection import is_public
from models.tokenizer import ModelTokenCounter
from state.documents import ParsedDocument, Source
from state.principal import Principal
from store.database import Database
from tests.ingest import hostile
from tests.ingest.hostile import source
from tests.ingest.reader import HashingEmbedder, many_notes, rows_of, start_reader

SAMPLES = Path(__file__).parents[2] / "samples"
Read = Callable[..., Any]


@pytest.fixture
def read(database: Database, counter: ModelTokenCounter, local: Principal) -> Read:
    async def read_in(sources: list[Source], collection: str = "default") -> IngestReport:
        return await Ingester(database, HashingEmbedder(), counter, local).ingest(Found(sources=sources), collection)

    return read_in


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parse every document in a worker."""
    monkeypatch.setattr(parsing, "FEW", 0)


def _alive(folder: Path) -> list[psutil.Process]:
    """Return the processes that left a trace, and those that made them, if they do not end within two seconds."""
    found = []
    for pid in {int(pid) for path in folder.iterdir() for pid in (path.name, path.read_text())} - {os.getpid()}:
        with contextlib.suppress(psutil.NoSuchProcess):
            found.append(psutil.Process(pid))
    return psutil.wait_procs(found, timeout=2)[1]


async def test_documents_come_out_the_same_with_and_without_workers(
    database: Database, read: Read, local: Principal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many_notes(tmp_path, 12)
    sources = find_sources([str(SAMPLES), str(tmp_path)], max_bytes=10**7).sources
    monkeypatch.setattr(parsing, "FEW", 10**6)
    monkeypatch.setattr(parsing, "_is_harmless", lambda change: True)
    here = await read(sources, "here")
    monkeypatch.setattr(parsing, "FEW", 0)
    apart = await read(sources, "apart")
    assert (here.indexed, here.chunks, here.links, here.failed) == (25, apart.chunks, apart.links, apart.failed)
    for statement in (
        """select d.source, d.title, d.language, d.type, d.content_hash, d.term_counts, d.minhash, d.page_count,
                  ordinal, start_char, end_char, headings, sentence_bounds, token_count, first_page, last_page
           from chunks c join documents d on d.id = c.document_id where d.collection_id = %s""",
        """select d.source, n.kind, n.key from names n join documents d on d.id = n.document_id
           where d.collection_id = %s""",
        """select d.source, l.kind, l.key, t.source from links l join documents d on d.id = l.document_id
           join documents t on t.id = l.to_document_id where d.collection_id = %s""",
    ):
        first, second = [
            sorted(await rows_of(database, local, statement, number), key=repr)
            for number, in await rows_of(database, local, "select id from collections order by name desc")
        ]  # fmt: skip
        assert first == second and first
    again = await read(sources, "apart")
    assert (again.unchanged, again.indexed) == (25, 0)


@pytest.mark.usefixtures("apart")
async def test_a_document_that_kills_its_parser_is_named_and_the_others_go_on(
    read: Read, database: Database, local: Principal
) -> None:
    harm: dict[str, Callable[[], ParsedDocument]] = {
        "crash": hostile.crash, "leave": hostile.leave, "devour": hostile.devour, "stubborn": hostile.stubborn,
    }  # fmt: skip
    sources = [source(f"folder/{name}", parse) for name, parse in harm.items()]
    sources += [source(f"good {number}", partial(hostile.text, f"Text {number}.")) for number in range(20)]
    report = await read(sources)
    reasons = dict(report.failed)
    assert report.indexed == 20 and len(reasons) == 4
    assert "crash (SIGSEGV)" in reasons["folder/crash"]
    assert "crash (exit status 7)" in reasons["folder/leave"]
    assert "crash (exit status 1)" in reasons["folder/stubborn"]
    assert "more than 600 MB of memory" in reasons["folder/devour"]
    assert all(reason.startswith(name.removeprefix("folder/")) for name, reason in reasons.items())
    assert await rows_of(database, local, "select count(*) from documents") == [(20,)]


@pytest.mark.usefixtures("apart")
async def test_a_document_that_hangs_its_parser_is_named_after_its_time(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "SECONDS", 3.0)
    report = await read([source("folder/hang", partial(hostile.hang, str(tmp_path)))])
    [(_, reason)] = report.failed
    assert reason.startswith("hang was not parsed within 3 seconds")
    assert _alive(tmp_path) == []


async def test_few_small_files_start_no_process_and_many_do(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsing, "FEW", 20)

    def sources(count: int) -> list[Source]:
        files = [tmp_path / f"{count}-{number}.md" for number in range(count)]
        return [source(str(file), partial(hostile.parent, str(tmp_path), f"About {file}.")) for file in files]

    await read(sources(5))
    assert [path.name for path in tmp_path.iterdir()] == [str(os.getpid())]
    await read(sources(25))
    assert len(list(tmp_path.iterdir())) > 1


@pytest.mark.usefixtures("apart")
async def test_sources_that_cannot_be_sent_to_a_worker_are_parsed_here(read: Read) -> None:
    sources = [source(f"n{number}", lambda: hostile.text("Some text.")) for number in range(5)]
    assert (await read(sources)).indexed == 5


@pytest.mark.usefixtures("apart")
async def test_without_workers_to_be_had_documents_are_parsed_here(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    sources = [source(f"n{number}", partial(hostile.text, f"Text {number}.")) for number in range(5)]
    assert (await read(sources)).indexed == 5


@pytest.mark.usefixtures("apart")
async def test_a_cancelled_run_leaves_no_worker_behind(read: Read, tmp_path: Path) -> None:
    task = asyncio.create_task(read([source("hang", partial(hostile.hang, str(tmp_path)))]))
    while not list(tmp_path.glob("[0-9]*")):
        await asyncio.sleep(0.02)
    started = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - started < 1
    assert _alive(tmp_path) == []


async def test_a_killed_run_leaves_no_worker_behind(conninfo: str, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    many_notes(tmp_path / "notes", parsing.FEW + 10)
    process = await start_reader(conninfo, tmp_path / "notes", 0.5, 6)
    deadline = time.monotonic() + 30
    family: list[psutil.Process] = []
    while len(family) < 2 and time.monotonic() < deadline:
        family = psutil.Process(process.pid).children(recursive=True)
        await asyncio.sleep(0.05)
    assert len(family) >= 2, "the process that forks, and what it forked"
    process.send_signal(signal.SIGKILL)
    await process.communicate()
    _, alive = await asyncio.to_thread(psutil.wait_procs, family, timeout=5)
    assert alive == []


def test_a_web_page_that_was_fetched_is_not_kept_when_it_goes_to_a_worker() -> None:
    page = _Page("http://example.org/a.txt", 1000, 1.0, is_public, (Path("a.txt"), b"Fetched text."))
    sent = pickle.loads(pickle.dumps(page.parse))
    assert page.file is None
    assert sent().text == "Fetched text."


@pytest.mark.usefixtures("apart")
async def test_a_worker_that_parsed_a_large_document_is_replaced(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_LARGE", 10)
    texts = [f"About document {number}." for number in range(6)]
    report = await read([source(text, partial(hostile.parent, str(tmp_path), text)) for text in texts])
    assert report.indexed == len(list(tmp_path.iterdir())) == 6, "a process each"
