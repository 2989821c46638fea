"""Writing batches of documents: each in one transaction, and one by one when the database refuses one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from ingest.report import Tally
from state.errors import StoreUnavailable
from state.principal import Principal
from store.compaction import tidy
from store.database import Database
from store.targets import Target
from store.writing import PreparedDocument, write_documents

# What one document can do wrong while the others are fine: rights, and data that the database cannot hold.
_REFUSED = (psycopg.errors.InsufficientPrivilege, psycopg.DataError, UnicodeEncodeError)


@dataclass(frozen=True, slots=True)
class Storer:
    """Writes documents to a target on behalf of a principal."""

    database: Database
    principal: Principal
    target: Target
    tally: Tally

    async def store(self, documents: Sequence[PreparedDocument]) -> None:
        """Write a batch; refused, its documents go one by one, to find the one at fault.

        Raises:
            StoreUnavailable: the database is gone, and not back when asked once more.
        """
        try:
            await self._store(documents)
        except _REFUSED:
            for document in documents:
                try:
                    await self._store([document])
                except _REFUSED as error:
                    self.tally.failed(document.source, _reason(error))

    async def tidy(self) -> None:
        """Merge the postings' small blocks, or purge them if many of their chunks are gone."""
        await tidy(self.database, self.principal, self.target.collection_id)

    async def _store(self, documents: Sequence[PreparedDocument]) -> None:
        try:
            written = await self._written(documents)
        except StoreUnavailable:
            # The server may have been restarted. One transaction was lost; writing it twice would change nothing.
            written = await self._written(documents)
        chunks = [chunk for document in written for chunk in document.chunks]
        sources = [document.source for document in documents]
        self.tally.stored(sources, len(written), len(chunks), sum(chunk.quarantined for chunk in chunks))

    async def _written(self, documents: Sequence[PreparedDocument]) -> list[PreparedDocument]:
        async with self.database.session(self.principal, write=True) as connection:
            return await write_documents(connection, self.target, documents)


def _reason(error: Exception) -> str:
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return "this file was read in by someone else, and you may not change it"
    reason = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return f"the database refused it: {reason or error}"
