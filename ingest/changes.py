"""Finding what is new or changed: every source is hashed, few at a time, and compared with what is stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from ingest.report import Tally
from state.documents import Source
from state.errors import UnreadableDocument
from state.principal import Principal
from store.database import Database
from store.documents import StoredSource, set_access, set_tags
from store.targets import Target

# Hashed in one go of a thread: going to and fro costs more than hashing a small file.
_SOURCES_AT_ONCE = 64
_BYTES_AT_ONCE = 8_000_000


class Change(NamedTuple):
    """A source whose content is not stored yet, and the hash of that content."""

    source: Source
    content_hash: bytes


@dataclass(slots=True)
class Changes:
    """Sorts sources out: those to be read, and those of which at most the access list or the tags are new."""

    target: Target
    stored: dict[str, StoredSource]
    tally: Tally
    _regranted: list[UUID] = field(default_factory=list)
    _retagged: dict[UUID, tuple[str, ...]] = field(default_factory=dict)

    async def find(self, sources: Sequence[Source]) -> AsyncGenerator[Change, None]:
        """Yield what has to be read; the others are counted, those that cannot be read too."""
        for part in _parts(sources):
            for source, found in await asyncio.to_thread(_hashed, part):
                if isinstance(found, UnreadableDocument):
                    self.tally.failed(source.uri, str(found))
                elif self._is_stored(source, found):
                    self._pass_over(source)
                else:
                    yield Change(source, found)

    async def change_access_and_tags(self, database: Database, principal: Principal) -> None:
        """Give the documents that were passed over their new access list and tags."""
        if self._regranted or self._retagged:
            async with database.session(principal, write=True) as connection:
                await set_access(connection, self._regranted, self.target.access_list_id)
                await set_tags(connection, self._retagged)

    def _is_stored(self, source: Source, content_hash: bytes) -> bool:
        stored = self.stored.get(source.uri)
        wanted = (content_hash, self.target.indexed_by)
        return stored is not None and (stored.content_hash, stored.indexed_by) == wanted

    def _pass_over(self, source: Source) -> None:
        stored = self.stored[source.uri]
        regranted = stored.access_list_id != self.target.access_list_id
        retagged = bool(source.tags) and sorted(set(source.tags)) != sorted(stored.tags)
        if regranted:
            self._regranted.append(stored.id)
        if retagged:
            self._retagged[stored.id] = source.tags
        self.tally.passed_over(source.uri, regranted_or_retagged=regranted or retagged)


def _parts(sources: Sequence[Source]) -> Iterator[list[Source]]:
    """Yield the sources in small parts; one of unknown size (a web page is fetched now, and held) goes alone."""
    part: list[Source] = []
    size = 0
    for source in sources:
        weight = source.size or _BYTES_AT_ONCE
        if part and (len(part) == _SOURCES_AT_ONCE or size + weight > _BYTES_AT_ONCE):
            yield part
            part, size = [], 0
        part.append(source)
        size += weight
    if part:
        yield part


def _hashed(sources: Sequence[Source]) -> list[tuple[Source, bytes | UnreadableDocument]]:
    found: list[tuple[Source, bytes | UnreadableDocument]] = []
    for source in sources:
        try:
            found.append((source, source.content_hash()))
        except UnreadableDocument as error:
            found.append((source, error))
    return found
