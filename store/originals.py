"""Originals: the bytes that versions of documents were read from, kept where a face draws their pages."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

import numpy as np

from state.documents import Page
from store.database import Connection


class StoredPage(NamedTuple):
    """A page of a version: its place and lines, the hash of what the version was read from, and where that was."""

    page: Page
    content_hash: bytes
    source: str


async def keep_original(connection: Connection, document_id: UUID, content_hash: bytes, content: bytes) -> bool:
    """Keep the bytes of a document's current version, if it was read from them; return whether there is an original."""
    cursor = await connection.execute(
        """insert into originals (document_id, version, content)
           select id, version, %(content)s from documents where id = %(id)s and content_hash = %(hash)s
           on conflict do nothing""",
        {"id": document_id, "hash": content_hash, "content": content},
        binary=True,
    )
    return bool(cursor.rowcount)


async def has_original(connection: Connection, document_id: UUID, content_hash: bytes) -> bool:
    """Return whether the current version of a document, if it was read from bytes of that hash, has its original."""
    cursor = await connection.execute(
        """select from originals o join documents d on d.id = o.document_id and d.version = o.version
           where d.id = %s and d.content_hash = %s""",
        (document_id, content_hash),
    )
    return await cursor.fetchone() is not None


async def original_of(connection: Connection, document_id: UUID, version: int) -> bytes | None:
    """Return what a version was read from, None if that is not kept or not visible."""
    cursor = connection.cursor(binary=True)
    await cursor.execute(
        "select content from originals where document_id = %s and version = %s", (document_id, version)
    )
    row = await cursor.fetchone()
    return bytes(row[0]) if row else None


async def stored_page(
    connection: Connection, document_id: UUID, version: int, place: int, number: int | None = None
) -> StoredPage | None:
    """Return a page of a version by its number, or the one on which character ``place`` is; None without pages."""
    cursor = connection.cursor(binary=True)
    await cursor.execute(
        """select p.number, p.start_char, p.end_char, p.width, p.height, p.lines, v.content_hash, d.source
           from document_pages p join document_versions v on v.document_id = p.document_id and v.version = p.version
           join documents d on d.id = p.document_id
           where p.document_id = %(id)s and p.version = %(version)s
           and (p.number = %(number)s or %(number)s::integer is null and p.start_char <= %(place)s)
           order by p.start_char desc, p.end_char desc limit 1""",
        {"id": document_id, "version": version, "place": place, "number": number},
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    number, start, end, width, height, lines, content_hash, source = row
    boxes = np.frombuffer(lines, dtype="<f4").reshape(-1, 6).tolist()
    places = tuple((int(first), int(last), *box) for first, last, *box in boxes)
    return StoredPage(Page(number, start, end, width, height, places), bytes(content_hash), source)
