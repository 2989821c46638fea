"""Reading documents in: unchanged ones cost a hash, changed ones become new versions, gone ones leave.

One batch is parsed ahead in a thread while another is embedded and written; each batch is one transaction, so that a
document is searchable as a whole or not at all, whenever the run ends.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Literal, NamedTuple
from uuid import UUID

import numpy as np
import psycopg

from ingest.linking import link_collection
from ingest.prepare import SPLITTER_VERSION, Draft, prepare
from ingest.sources import Found
from state.documents import Source
from state.errors import NotPermitted, UnreadableDocument
from state.ports import Embedder, TokenCounter, Vectors
from state.principal import EVERYONE, Principal
from store import postings, vectors
from store.database import Database
from store.documents import StoredSource, delete_documents, set_access, set_tags, stored_sources
from store.targets import Target, ensure_space, ensure_target
from store.writing import PreparedDocument, write_documents

BATCH_CHUNKS = 256  # chunks embedded and written together: seconds of work, which an interruption waits for

# What one document can do wrong while the others are fine: rights, and data that the database cannot hold.
_REFUSED = (psycopg.errors.InsufficientPrivilege, psycopg.DataError, UnicodeEncodeError)

OnProgress = Callable[["Progress"], None]

Stage = Literal["found", "unchanged", "indexed", "failed", "linking"]


class Progress(NamedTuple):
    """One step of a run: the stage reached, how many documents it is about, how many chunks they have."""

    stage: Stage
    documents: int = 1
    chunks: int = 0


@dataclass(slots=True)
class IngestReport:
    """What a run did. ``failed`` holds (file, reason); ``chunks`` counts newly written ones.

    ``indexed`` counts documents that are new or changed, be it in their access list or tags only.
    """

    files: int = 0
    indexed: int = 0
    unchanged: int = 0
    deleted: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    chunks: int = 0
    links: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Ingester:
    """Reads sources into a collection on behalf of a principal."""

    database: Database
    embedder: Embedder
    counter: TokenCounter
    principal: Principal

    async def ingest(
        self,
        found: Found,
        collection: str,
        *,
        access: Sequence[str] = (EVERYONE,),
        on_progress: OnProgress = lambda _: None,
    ) -> IngestReport:
        """Bring a collection up to date with the sources found. A failing source does not stop the others.

        Raises:
            NotPermitted: the principal may not write.
            StoreUnavailable, StoreMisconfigured: the database cannot be used; what was written so far stays.
            ModelUnavailable: something is to be embedded and the model cannot be loaded.
        """
        if not self.principal.can_write:
            raise NotPermitted(f"{self.principal.user} may not read documents in; ask someone who may.")
        started = time.monotonic()
        report = IngestReport(files=len(found.sources), failed=list(found.failed))
        on_progress(Progress("found", len(found.sources)))
        target = await self._target(collection, access)
        async with self.database.session(self.principal) as connection:
            stored = await stored_sources(connection, target.collection_id)
        await self._delete_gone(found, stored, report)
        run = _Run(self, target, stored, report, on_progress)
        await run.read(found.sources)
        on_progress(Progress("linking"))
        report.links = await link_collection(self.database, self.principal, target.collection_id)
        if report.chunks:
            async with self.database.session(self.principal, write=True) as connection:
                await postings.compact(connection, target.collection_id)
            async with self.database.session(self.principal, write=True) as connection:
                await vectors.ensure_index(connection, target.space_id)
        report.seconds = round(time.monotonic() - started, 3)
        return report

    async def _target(self, collection: str, access: Sequence[str]) -> Target:
        grantees = access if EVERYONE in access else {*access, f"user:{self.principal.user}"}
        indexed_by = f"splitter {SPLITTER_VERSION}, {self.embedder.space}"
        async with self.database.session(self.principal, write=True) as connection:
            space = await ensure_space(connection, self.embedder.space, self.embedder.dimension)
        async with self.database.session(self.principal, write=True) as connection:
            tenant = self.principal.tenant
            return await ensure_target(connection, tenant, collection, sorted(grantees), space, indexed_by)

    async def _delete_gone(self, found: Found, stored: dict[str, StoredSource], report: IngestReport) -> None:
        here = {source.uri for source in found.sources}
        unreadable = [path for path, _ in found.failed]
        gone = [
            row.id
            for uri, row in stored.items()
            if uri not in here and _is_below(uri, found.roots) and not _is_below(uri, unreadable)
        ]
        if gone:
            async with self.database.session(self.principal, write=True) as connection:
                report.deleted = await delete_documents(connection, gone)


@dataclass(slots=True)
class _Run:
    """One run over sources, with what it has to know and where it reports."""

    ingester: Ingester
    target: Target
    stored: dict[str, StoredSource]
    report: IngestReport
    on_progress: OnProgress
    regranted: list[UUID] = field(default_factory=list)
    retagged: dict[UUID, tuple[str, ...]] = field(default_factory=dict)

    async def read(self, sources: Sequence[Source]) -> None:
        """Embed and write batch by batch, with the next batch being parsed meanwhile."""
        async with aclosing(self._batches(sources)) as batches:
            ahead = asyncio.create_task(_next(batches))
            try:
                while batch := await ahead:
                    ahead = asyncio.create_task(_next(batches))
                    await self._write(batch)
            finally:
                ahead.cancel()
                await asyncio.wait([ahead])
        await self._change_access_and_tags()

    async def _batches(self, sources: Sequence[Source]) -> AsyncGenerator[list[Draft], None]:
        """Yield what is new or changed, parsed, in batches of about `BATCH_CHUNKS` chunks."""
        batch: list[Draft] = []
        chunks = 0
        for source in sources:
            try:
                draft = await asyncio.to_thread(self._draft, source)
            except UnreadableDocument as error:
                self._failed(source.uri, str(error))
                continue
            if draft is None:
                self._unchanged(source)
                continue
            batch.append(draft)
            chunks += len(draft.inputs)
            if chunks >= BATCH_CHUNKS:
                yield batch
                batch, chunks = [], 0
        if batch:
            yield batch

    def _draft(self, source: Source) -> Draft | None:
        """Return the document to write, None if its text is unchanged. Raises `UnreadableDocument`."""
        digest = source.content_hash()
        stored = self.stored.get(source.uri)
        if stored and stored.content_hash == digest and stored.indexed_by == self.target.indexed_by:
            return None
        return prepare(source, digest, self.ingester.counter)

    def _unchanged(self, source: Source) -> None:
        stored = self.stored[source.uri]
        regranted = stored.access_list_id != self.target.access_list_id
        retagged = bool(source.tags) and sorted(set(source.tags)) != sorted(stored.tags)
        if regranted:
            self.regranted.append(stored.id)
        if retagged:
            self.retagged[stored.id] = source.tags
        self.report.indexed += regranted or retagged
        self.report.unchanged += not (regranted or retagged)
        self.on_progress(Progress("unchanged"))

    def _failed(self, uri: str, reason: str) -> None:
        self.report.failed.append((uri, reason))
        self.on_progress(Progress("failed"))

    async def _change_access_and_tags(self) -> None:
        if self.regranted or self.retagged:
            async with self.ingester.database.session(self.ingester.principal, write=True) as connection:
                await set_access(connection, self.regranted, self.target.access_list_id)
                await set_tags(connection, self.retagged)

    async def _write(self, batch: list[Draft]) -> None:
        """Embed a batch and write it; if it is refused, write its documents one by one to find the one at fault."""
        embedded = await self._embedded([text for draft in batch for text in draft.inputs])
        documents, row = [], 0
        for draft in batch:
            documents.append(draft.with_vectors(embedded[row : row + len(draft.inputs)]))
            row += len(draft.inputs)
        try:
            await self._store(documents)
        except _REFUSED:
            for document in documents:
                try:
                    await self._store([document])
                except _REFUSED as error:
                    self._failed(document.source, _reason(error))

    async def _embedded(self, inputs: Sequence[str]) -> Vectors:
        """Embed in slices: a thread cannot be interrupted, so a long document must not be one call."""
        embed = self.ingester.embedder.embed
        slices = [inputs[start : start + BATCH_CHUNKS] for start in range(0, len(inputs), BATCH_CHUNKS)]
        return np.concatenate([await asyncio.to_thread(embed, part) for part in slices])

    async def _store(self, documents: list[PreparedDocument]) -> None:
        async with self.ingester.database.session(self.ingester.principal, write=True) as connection:
            written = await write_documents(connection, self.target, documents)
        chunks = sum(len(document.chunks) for document in written)
        self.report.indexed += len(written)
        self.report.unchanged += len(documents) - len(written)
        self.report.chunks += chunks
        self.on_progress(Progress("indexed", len(documents), chunks))


async def _next(batches: AsyncIterator[list[Draft]]) -> list[Draft]:
    return await anext(batches, [])


def _is_below(uri: str, roots: Sequence[str]) -> bool:
    return any(uri == root or uri.startswith(root.rstrip("/") + "/") for root in roots)


def _reason(error: Exception) -> str:
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return "this file was read in by someone else, and you may not change it"
    reason = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return f"the database refused it: {reason or error}"
