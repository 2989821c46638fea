"""Reading documents in: unchanged ones cost a hash, changed ones become new versions, gone ones leave."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.changes import Changes
from ingest.linking import link_collection
from ingest.parsing import Parsing
from ingest.prepare import SPLITTER_VERSION
from ingest.report import IngestReport, OnProgress, Progress, Tally
from ingest.run import Run
from ingest.sources import Found
from ingest.storing import Storer
from observe import metrics
from settings import settings
from state.errors import NotPermitted
from state.ports import Embedder, TokenCounter
from state.principal import EVERYONE, Principal
from store import vectors
from store.compaction import tidy
from store.database import Database
from store.documents import StoredSource, delete_documents, stored_sources
from store.targets import Target, document_id, ensure_space, ensure_target

BATCH_CHUNKS = 256  # chunks embedded and written together: seconds of work, which an interruption waits for
MOST_WORKERS = 4  # one parses several hundred small documents a second


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
            # Without roots nothing can be gone: only those that came matter, in however large a collection.
            name = target.tenant, target.collection
            only = None if found.roots else [document_id(*name, source.uri) for source in found.sources]
            stored = await stored_sources(connection, target.collection_id, only)
        await self._delete_gone(found, stored, report)
        await self._read(found, target, stored, Tally(report, on_progress))
        on_progress(Progress("linking"))
        report.links = await link_collection(self.database, self.principal, target.collection_id)
        if report.chunks or report.deleted:
            await tidy(self.database, self.principal, target.collection_id)
            async with self.database.session(self.principal, write=True) as connection:
                await vectors.ensure_index(connection, target.space_id)
        report.failed.sort()
        report.seconds = round(time.monotonic() - started, 3)
        metrics.ingested(
            indexed=report.indexed, unchanged=report.unchanged, deleted=report.deleted, failed=len(report.failed),
            chunks=report.chunks, seconds=report.seconds,
        )  # fmt: skip
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

    async def _read(self, found: Found, target: Target, stored: dict[str, StoredSource], tally: Tally) -> None:
        """Parse, embed and write what is new or changed."""
        workers = min(settings().threads, MOST_WORKERS)
        changes = Changes(target, stored, tally)
        parsing = Parsing(self.counter, workers, sum(source.uri not in stored for source in found.sources))
        storer = Storer(self.database, self.principal, target, tally)
        try:
            await Run(changes, parsing, self.embedder, storer, tally, workers, BATCH_CHUNKS).read(found.sources)
        finally:
            await parsing.close()
        await changes.change_access_and_tags(self.database, self.principal)


def _is_below(uri: str, roots: Sequence[str]) -> bool:
    return any(uri == root or uri.startswith(root.rstrip("/") + "/") for root in roots)


__all__ = ["BATCH_CHUNKS", "IngestReport", "Ingester", "Progress"]
