"""Where a document is parsed: a few small ones of plain text in this process, all others in workers."""

from __future__ import annotations

import asyncio
from pathlib import PurePath

from ingest.changes import Change
from ingest.loaders.kinds import EXTENSIONS
from ingest.prepare import Draft, prepare
from ingest.upload_names import UPLOAD
from ingest.workers import Workers
from state.ports import TokenCounter

FEW = 300
"""Documents for which starting workers does not pay: two seconds, in which one core parses several hundred."""
_SMALL = 64_000  # bytes
_PLAIN = frozenset({"text", "markdown", "code", "csv", "json", "jsonl", "notebook"})


class Parsing:
    """Parses documents for one run; ``expected`` is how many are sure to be new."""

    def __init__(self, counter: TokenCounter, most_workers: int, expected: int) -> None:
        self._counter = counter
        self._workers = Workers(counter, most_workers)
        self._few_left = FEW - expected

    async def prepare(self, change: Change) -> Draft:
        """Parse, split and index a source. Raises `UnreadableDocument`."""
        self._few_left -= 1
        if self._few_left < 0 or not _is_harmless(change):
            return await self._workers.prepare(change)
        return await asyncio.to_thread(prepare, change.source, change.content_hash, self._counter)

    async def close(self) -> None:
        """End the workers, whatever they are at."""
        await asyncio.to_thread(self._workers.close)


def _is_harmless(change: Change) -> bool:
    """Whether a file or record is small, and read by code that neither crashes, nor unpacks much, nor takes long."""
    uri = change.source.uri
    if uri.startswith(UPLOAD):  # anybody's, and its name may say text where its bytes are a PDF
        return False
    is_plain = "/" not in uri or EXTENSIONS.get(PurePath(uri).suffix.lower()) in _PLAIN
    return is_plain and change.source.size <= _SMALL
