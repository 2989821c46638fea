"""A page of a PDF as a picture, with the cited characters marked on it."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final
from uuid import UUID

from settings import settings
from state.errors import NotFound
from state.principal import Principal
from store.database import Database
from store.originals import StoredPage, original_of, stored_page
from store.texts import slice_of
from tools.page_drawer import PageDrawer
from tools.page_marks import Box, CitedLine
from tools.screening import Screen

MOST_BYTES: Final = 32_000_000
"""Pictures kept in memory in all: most have about a quarter of a megabyte."""


@dataclass(slots=True)
class _Pictures:
    """The pictures drawn last, by the hash of the PDF, the page and what is marked on it.

    Who asks has been found to see the document before: its hash, which leads here, is only known from its row.
    """

    kept: OrderedDict[tuple[object, ...], bytes] = field(default_factory=OrderedDict)
    size: int = 0
    lock: Lock = field(default_factory=Lock)

    def get(self, key: tuple[object, ...]) -> bytes | None:
        with self.lock:
            if (picture := self.kept.get(key)) is not None:
                self.kept.move_to_end(key)
            return picture

    def put(self, key: tuple[object, ...], picture: bytes) -> None:
        with self.lock:
            self.size += len(picture) - len(self.kept.pop(key, b""))
            self.kept[key] = picture
            while self.size > MOST_BYTES:
                self.size -= len(self.kept.popitem(last=False)[1])


_pictures = _Pictures()
_drawer = PageDrawer()
# Of its own: pages that are slow to draw wait for each other here, and not in the threads that everything else needs.
_drawing = ThreadPoolExecutor(1, "footnote-pages")


async def page_image(
    database: Database,
    principal: Principal,
    document_id: UUID,
    version: int,
    page: int | None,
    start: int,
    end: int,
    screen: Screen,
) -> bytes:
    """Return a page of a document's version as PNG, 2 pixels a point, with characters ``start`` to ``end`` marked.

    With ``page`` None it is the one on which the first of them is. Of a span over several pages, that part is marked
    which is on this one. Lines that hold what ``screen`` does not let show are painted over, whole: where in a line
    a character stands is not always known.

    Raises:
        NotFound: the document is gone or not the principal's to see, has no such page, or its original is not there.
        UnreadableDocument: the original is encrypted or damaged, or takes too much to be drawn.
    """
    async with database.session(principal) as connection:
        stored = await stored_page(connection, document_id, version, start, page)
        if stored is None:
            raise NotFound("There is no such page of a document that you may see.")
        first = min((line[0] for line in stored.page.lines), default=0)
        last = max((line[1] for line in stored.page.lines), default=0)
        text = await slice_of(connection, document_id, version, first, last) or ""
        sensitive = await asyncio.to_thread(screen.hidden, text)
        hidden = [
            line[2:]
            for line in stored.page.lines
            if any(one.start < line[1] - first and one.end > line[0] - first for one in sensitive)
        ]
        lines = [
            CitedLine(
                line[2:],
                text[line[0] - first : line[1] - first],
                max(start, line[0]) - line[0],
                min(end, line[1]) - line[0],
            )
            for line in stored.page.lines
            if line[0] < end and line[1] > start
        ]
        key = (stored.content_hash, stored.page.number, tuple(lines), tuple(hidden))
        if (picture := _pictures.get(key)) is not None:
            return picture
        pdf = await original_of(connection, document_id, version)
    picture = await asyncio.get_running_loop().run_in_executor(_drawing, _drawn, stored, pdf, lines, hidden)
    _pictures.put(key, picture)
    return picture


def _drawn(stored: StoredPage, pdf: bytes | None, lines: Sequence[CitedLine], hidden: Sequence[Box]) -> bytes:
    name = stored.source.rsplit("/", 1)[-1]
    pdf = pdf or _still_on_disk(stored)
    if pdf is None:
        raise NotFound(f"The original of {name} is not kept, so its pages cannot be drawn: upload it once more.")
    return _drawer.draw(pdf, stored.page.number, lines, hidden, name)


def _still_on_disk(stored: StoredPage) -> bytes | None:
    """Return the file that the version was read from, None if it is gone or another by now."""
    path = Path(stored.source)
    if "://" in stored.source or not path.is_absolute():
        return None
    try:
        if not path.is_file() or path.stat().st_size > settings().max_file_mb * 1e6:
            return None
        content = path.read_bytes()
    except OSError:
        return None
    return content if hashlib.sha256(content).digest() == stored.content_hash else None
