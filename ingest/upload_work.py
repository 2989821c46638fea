"""One upload on its way: how its files fare, noted while it is worked at, and their originals."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID

from ingest.pipeline import Ingester
from ingest.report import Progress
from ingest.sources import Found
from state.documents import Source
from state.errors import FootnoteError
from state.principal import Principal
from store.database import Database
from store.documents import access_of
from store.jobs import FileState, JobFile, Jobs, JobState, interrupted
from store.originals import has_original, keep_original
from store.targets import document_id
from text.normalise import clean_text

BEAT_SECONDS: Final = 5.0
"""How often a job is noted to be alive (see `store.jobs.SILENT_SECONDS`), whatever its files do."""
TELL_SECONDS: Final = 0.2
"""The least time between two notes of a job: a hundred small files are read within a second."""
PAUSES: Final = (1.0, 3.0, 0.0)
"""Seconds between the tries to note how a job has ended."""
MOST_REASON: Final = 500  # characters
_HEAD = 1024  # bytes in which a PDF says that it is one
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Work:
    """A job under way: its files by number, and of those to be read where they lie and what they become.

    Files go under ``access``, or if that is None under that which their document has, or if it is new under ``usual``.
    """

    id: UUID
    principal: Principal
    collection: str
    access: tuple[str, ...] | None
    usual: tuple[str, ...]
    files: dict[int, JobFile]
    paths: dict[int, Path] = field(default_factory=dict)
    sources: dict[int, Source] = field(default_factory=dict)
    _unnoted: set[int] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _stored: asyncio.Queue[tuple[int, FileState] | None] = field(default_factory=asyncio.Queue)

    async def done(self, jobs: Jobs, ingester: Ingester, turns: asyncio.Semaphore) -> None:
        """Read the files in when it is this job's turn, noting all the while how they fare."""
        telling = asyncio.create_task(self._tell(jobs))
        try:
            async with turns:
                await self._read_in(ingester)
        except FootnoteError as error:
            self._give_up(str(error))
        except Exception as error:
            # Whatever it is, who waits for the job is to be told. Not the error's words: they may be a document's.
            _log.error("upload %s ended unexpectedly: %s", self.id, type(error).__name__)
            self._give_up("reading it in failed unexpectedly; upload it again, or tell who runs this server")
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)  # or its last note might come after the final one
            await self._note_end(jobs)

    async def _read_in(self, ingester: Ingester) -> None:
        for access, numbers in (await self._by_access(ingester.database)).items():
            found = Found(sources=[self.sources[number] for number in numbers])
            keeping = asyncio.create_task(self._keep_originals(ingester.database))
            try:
                await ingester.ingest(found, self.collection, access=access, on_progress=self._follow)
            finally:
                self._stored.put_nowait(None)
                await keeping

    async def _by_access(self, database: Database) -> dict[tuple[str, ...], list[int]]:
        """Return which files go under which access list."""
        ids = {number: self._document(number) for number in self.sources}
        stored: dict[UUID, tuple[str, ...]] = {}
        if self.access is None:
            async with database.session(self.principal) as connection:
                stored = await access_of(connection, list(ids.values()))
        lists: dict[tuple[str, ...], list[int]] = {}
        for number, identity in ids.items():
            access = stored.get(identity, self.usual) if self.access is None else self.access
            lists.setdefault(access, []).append(number)
        return lists

    def _follow(self, step: Progress) -> None:
        """Take over what a run of ingestion tells of its documents."""
        numbers = {source.uri: number for number, source in self.sources.items()}
        for number in (numbers[uri] for uri in step.sources):
            if step.stage == "reading":
                self._set(number, "reading")
            elif step.stage == "failed":
                self._set(number, "failed", step.reason)
            else:
                self._stored.put_nowait((number, "done" if step.stage == "indexed" else "unchanged"))

    async def _keep_originals(self, database: Database) -> None:
        """Keep the originals of PDFs that are stored: only with its original is one done."""
        while (stored := await self._stored.get()) is not None:
            number, state = stored
            content = await asyncio.to_thread(_pdf, self.paths[number])
            if content is not None:
                await self._keep_original(database, number, content)
            self._set(number, state)

    async def _keep_original(self, database: Database, number: int, content: bytes) -> None:
        identity = self._document(number)
        content_hash = await asyncio.to_thread(lambda: hashlib.sha256(content).digest())
        async with database.session(self.principal) as connection:
            is_there = await has_original(connection, identity, content_hash)
        if not is_there:
            async with database.session(self.principal, write=True) as connection:
                await keep_original(connection, identity, content_hash, content)

    def _document(self, number: int) -> UUID:
        """Return the id of the document that a file is, or becomes."""
        return document_id(self.principal.tenant, self.collection, self.sources[number].uri)

    def _set(self, number: int, state: FileState, reason: str = "") -> None:
        identity = self._document(number) if state in ("done", "unchanged") else None
        name = self.files[number].name
        reason = clean_text(reason)[:MOST_REASON]  # a parser may quote what is in the file
        self.files[number] = JobFile(name=name, state=state, reason=reason, document_id=identity)
        self._unnoted.add(number)
        self._changed.set()

    def _give_up(self, reason: str) -> None:
        for number, file in self.files.items():
            if file.state in ("waiting", "reading"):
                self._set(number, "failed", reason)

    async def _note_end(self, jobs: Jobs) -> None:
        """Note how the job has ended; if the database stays away, it is seen later that nobody works at it."""
        self.files = {number: interrupted(file) for number, file in self.files.items()}
        state: JobState = "failed" if any(file.state == "failed" for file in self.files.values()) else "done"
        for pause in PAUSES:
            try:
                await jobs.note(self.principal, self.id, self.files, state)
                return
            except FootnoteError:
                await asyncio.sleep(pause)

    async def _tell(self, jobs: Jobs) -> None:
        """Note how the files fare as it changes, and now and then that the job is alive."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), BEAT_SECONDS)
            self._changed.clear()
            numbers, self._unnoted = self._unnoted, set()
            try:
                await jobs.note(self.principal, self.id, {number: self.files[number] for number in numbers})
            except FootnoteError:  # the database is away: what was not noted is with the next note
                self._unnoted |= numbers
            await asyncio.sleep(TELL_SECONDS)


def _pdf(path: Path) -> bytes | None:
    """Return a file's bytes if they are a PDF."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
        return head + file.read() if head.lstrip().startswith(b"%PDF-") else None
