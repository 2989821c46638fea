"""Reading documents in: unchanged ones cost a hash, changed ones become new versions, gone ones leave.

Parsing runs ahead in a thread while vectors are made and batches are written; each batch is one transaction, so
that a document is searchable as a whole or not at all, whenever the run ends.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import psycopg

from ingest.linking import link_collection
from ingest.prepare import SPLITTER_VERSION, Draft, prepare
from ingest.sources import Found
from state.documents import Source
from state.errors import UnreadableDocument
from state.ports import Embedder, TokenCounter
from state.principal import EVERYONE, Principal
from store import postings
from store.database import Database
from store.documents import StoredSource, delete_documents, stored_sources
from store.writing import PreparedDocument, Target, ensure_target, write_documents

BATCH_CHUNKS = 256  # chunks embedded and written together
_AHEAD = 64  # parsed documents that may wait to be embedded

# What one document can do wrong while the others are fine: rights, and data that the database cannot hold.
_REFUSED = (psycopg.errors.InsufficientPrivilege, psycopg.DataError)

Stage = Literal["found", "unchanged", "indexed", "failed", "linking"]


class Progress(NamedTuple):
    """One step of a run: the stage reached, how many documents it is about, how many chunks they have."""

    stage: Stage
    documents: int = 1
    chunks: int = 0


@dataclass(slots=True)
class IngestReport:
    """What a run did. ``failed`` holds (file, reason); ``chunks`` counts newly written ones."""

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
        on_progress: Callable[[Progress], None] = lambda _: None,
    ) -> IngestReport:
        """Bring a collection up to date with the sources found. A failing source does not stop the others."""
        started = time.monotonic()
        report = IngestReport(files=len(found.sources), failed=list(found.failed))
        on_progress(Progress("found", len(found.sources)))
        target = await self._target(collection, access)
        async with self.database.session(self.principal) as connection:
            stored = await stored_sources(connection, target.collection_id)
        await self._delete_gone(found, stored, report)
        await self._read(found.sources, target, stored, report, on_progress)
        on_progress(Progress("linking"))
        report.links = await link_collection(self.database, self.principal, target.collection_id)
        async with self.database.session(self.principal, write=True) as connection:
            await postings.compact(connection, target.collection_id)
        report.seconds = round(time.monotonic() - started, 3)
        return report

    async def _target(self, collection: str, access: Sequence[str]) -> Target:
        grantees = access if EVERYONE in access else {*access, f"user:{self.principal.user}"}
        space = (self.embedder.space, self.embedder.dimension)
        async with self.database.session(self.principal, write=True) as connection:
            return await ensure_target(
                connection, self.principal.tenant, collection, sorted(grantees), space,
                f"splitter {SPLITTER_VERSION}, {self.embedder.space}",
            )  # fmt: skip

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

    async def _read(
        self,
        sources: Sequence[Source],
        target: Target,
        stored: dict[str, StoredSource],
        report: IngestReport,
        on_progress: Callable[[Progress], None],
    ) -> None:
        """Parse ahead in a thread; embed and write batch by batch."""
        queue: asyncio.Queue[Draft | tuple[str, str] | None] = asyncio.Queue(maxsize=_AHEAD)

        async def parse() -> None:
            for source in sources:
                await queue.put(await asyncio.to_thread(self._draft, source, target, stored.get(source.uri)))
            await queue.put(None)

        async with asyncio.TaskGroup() as group:
            group.create_task(parse())
            batch: list[Draft] = []
            while (item := await queue.get()) is not None:
                if isinstance(item, Draft):
                    batch.append(item)
                elif item[1]:
                    report.failed.append(item)
                    on_progress(Progress("failed"))
                else:
                    report.unchanged += 1
                    on_progress(Progress("unchanged"))
                if sum(len(draft.inputs) for draft in batch) >= BATCH_CHUNKS:
                    await self._write(batch, target, report, on_progress)
                    batch = []
            await self._write(batch, target, report, on_progress)

    def _draft(self, source: Source, target: Target, stored: StoredSource | None) -> Draft | tuple[str, str]:
        """Return the document to write, or (uri, "") if it is unchanged, or (uri, reason) if it cannot be read."""
        try:
            digest = source.content_hash()
            if (
                stored is not None
                and stored.content_hash == digest
                and stored.indexed_by == target.indexed_by
                and stored.access_list_id == target.access_list_id
            ):
                return source.uri, ""
            return prepare(source, digest, self.counter)
        except UnreadableDocument as error:
            return source.uri, str(error)

    async def _write(
        self,
        batch: list[Draft],
        target: Target,
        report: IngestReport,
        on_progress: Callable[[Progress], None],
    ) -> None:
        """Embed a batch and write it; if it fails, write its documents one by one to find the one at fault."""
        if not batch:
            return
        inputs = [text for draft in batch for text in draft.inputs]
        vectors = await asyncio.to_thread(self.embedder.embed, inputs)
        documents, row = [], 0
        for draft in batch:
            documents.append(draft.with_vectors(vectors[row : row + len(draft.inputs)]))
            row += len(draft.inputs)
        try:
            await self._store(documents, target, report, on_progress)
        except _REFUSED:
            for document in documents:
                try:
                    await self._store([document], target, report, on_progress)
                except _REFUSED as error:
                    report.failed.append((document.source, _reason(error)))
                    on_progress(Progress("failed"))

    async def _store(
        self,
        documents: list[PreparedDocument],
        target: Target,
        report: IngestReport,
        on_progress: Callable[[Progress], None],
    ) -> None:
        async with self.database.session(self.principal, write=True) as connection:
            written = await write_documents(connection, target, documents)
        report.indexed += written
        report.unchanged += len(documents) - written
        chunks = sum(len(document.chunks) for document in documents)
        report.chunks += chunks
        on_progress(Progress("indexed", len(documents), chunks))


def _is_below(uri: str, roots: Sequence[str]) -> bool:
    return any(uri == root or uri.startswith(root.rstrip("/") + "/") for root in roots)


def _reason(error: psycopg.Error) -> str:
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return "this file was read in by someone else, and you may not change it"
    return f"the database refused it: {error.diag.message_primary or error}"
