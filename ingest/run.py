"""One run over sources as a line of stages that work at the same time: hash, parse, embed, write.

Between the stages are bounded queues, and `Room` bounds what is on its way from the parser to the database, so that
memory does not grow with the number of documents or their size: a stage that is ahead waits. A document can be searched
once the transaction of its batch is committed.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import numpy as np

from ingest.changes import Change, Changes
from ingest.parsing import Parsing
from ingest.prepare import Draft
from ingest.report import Tally
from ingest.room import Room
from ingest.storing import Storer
from state.documents import Source
from state.errors import UnreadableDocument
from state.ports import Embedder, Vectors
from store.writing import PreparedDocument

ROOM = 2_000_000
"""Characters of documents on their way at once, at about 15 bytes each; a batch has a quarter of a million."""
BATCH_SECONDS = 0.2
"""How long a batch waits for more documents when parsing is slower than embedding."""
AHEAD = 64
"""Documents on their way through the parsers, done or not: a slow one keeps those behind it waiting, no more."""

TIDY_BATCHES = 32
"""Batches after which posting blocks are merged, so that searches during a long run stay fast."""

Batch = list[Draft]
Failed = tuple[str, str]  # a document and why it cannot be read
Parsed = asyncio.Queue[asyncio.Task[Draft | Failed] | None]


@dataclass(slots=True)
class Run:
    """The stages of one run and what is between them; ``batch_chunks`` is how many chunks are embedded together."""

    changes: Changes
    parsing: Parsing
    embedder: Embedder
    storer: Storer
    tally: Tally
    parsers: int
    batch_chunks: int
    _room: Room = field(default_factory=lambda: Room(ROOM))
    _opening: asyncio.Task[None] | None = None
    _coming: asyncio.Task[Draft | Failed | None] | None = None

    async def read(self, sources: Sequence[Source]) -> None:
        """Bring everything that is new or changed into the database. The first failure of a stage ends the run."""
        changed: asyncio.Queue[Change | None] = asyncio.Queue(self.parsers)
        parsed: Parsed = asyncio.Queue(AHEAD)
        embedded: asyncio.Queue[list[PreparedDocument] | None] = asyncio.Queue(1)
        try:
            async with asyncio.TaskGroup() as stages:
                stages.create_task(self._hash(sources, changed))
                stages.create_task(self._parse(changed, parsed))
                stages.create_task(self._embed(parsed, embedded))
                stages.create_task(self._write(embedded))
        except BaseExceptionGroup as failures:
            first = _first(failures)
            raise first from first.__cause__
        finally:
            if self._coming is not None:
                self._coming.cancel()
            if self._opening is not None:  # its failure matters only to who has something to embed
                await asyncio.gather(self._opening, return_exceptions=True)

    async def _hash(self, sources: Sequence[Source], changed: asyncio.Queue[Change | None]) -> None:
        async with aclosing(self.changes.find(sources)) as found:
            async for change in found:
                if self._opening is None:  # loaded while the first documents are parsed
                    self._opening = asyncio.create_task(asyncio.to_thread(self.embedder.open))
                await changed.put(change)
        await changed.put(None)

    async def _parse(self, changed: asyncio.Queue[Change | None], parsed: Parsed) -> None:
        """Parse documents side by side and hand them on in their order, so that every run stores them alike."""
        async with asyncio.TaskGroup() as parsers:
            while (change := await changed.get()) is not None:
                await self._room.take(change.source.size)
                await parsed.put(parsers.create_task(self._draft(change)))
        await parsed.put(None)

    async def _draft(self, change: Change) -> Draft | Failed:
        self.tally.reading(change.source.uri)
        try:
            draft = await self.parsing.prepare(change)
        except UnreadableDocument as error:
            await self._room.give(change.source.size)
            return change.source.uri, str(error)
        await self._room.give(change.source.size - len(draft.document.text))
        return draft

    async def _embed(self, parsed: Parsed, embedded: asyncio.Queue[list[PreparedDocument] | None]) -> None:
        more = True
        while more:
            batch, more = await self._batch(parsed)
            if batch:
                assert self._opening is not None
                await asyncio.shield(self._opening)
                vectors = await self._vectors([text for draft in batch for text in draft.inputs])
                documents, row = [], 0
                for draft in batch:
                    documents.append(draft.with_vectors(vectors[row : row + len(draft.inputs)]))
                    row += len(draft.inputs)
                await embedded.put(documents)
        await embedded.put(None)

    async def _batch(self, parsed: Parsed) -> tuple[Batch, bool]:
        """Return documents of about `batch_chunks` chunks, fewer if they are slow to come, and whether more follow."""
        batch: Batch = []
        chunks = 0
        until: float | None = None
        while chunks < self.batch_chunks:
            self._coming = self._coming or asyncio.create_task(_next(parsed))
            await asyncio.wait([self._coming], timeout=None if until is None else max(0.0, until - time.monotonic()))
            if not self._coming.done():
                return batch, True
            draft, self._coming = self._coming.result(), None
            if draft is None:
                return batch, False
            if isinstance(draft, tuple):
                self.tally.failed(*draft)
                continue
            until = until or time.monotonic() + BATCH_SECONDS
            batch.append(draft)
            chunks += len(draft.inputs)
        return batch, True

    async def _vectors(self, inputs: Sequence[str]) -> Vectors:
        """Embed in slices: a thread cannot be interrupted, so a long document must not be one call."""
        slices = [inputs[start : start + self.batch_chunks] for start in range(0, len(inputs), self.batch_chunks)]
        return np.concatenate([await asyncio.to_thread(self.embedder.embed, part) for part in slices])

    async def _write(self, embedded: asyncio.Queue[list[PreparedDocument] | None]) -> None:
        for number in itertools.count(1):
            if (documents := await embedded.get()) is None:
                return
            await self.storer.store(documents)
            if number % TIDY_BATCHES == 0:
                await self.storer.tidy()
            await self._room.give(sum(len(document.text) for document in documents))


async def _next(parsed: Parsed) -> Draft | Failed | None:
    """Return the next document's draft or failure, None after the last."""
    parsing = await parsed.get()
    return None if parsing is None else await parsing


def _first(failure: BaseException) -> BaseException:
    """Return the failure that ended a group of tasks; the others, if any, follow from it."""
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return failure
