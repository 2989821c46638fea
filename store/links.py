"""The link graph: which chunk names or points to which document or chunk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from store.database import Connection


class NameRow(NamedTuple):
    """A stored name: ``chunk_id`` is None where it stands for the document as a whole."""

    kind: str
    key: str
    document_id: UUID
    chunk_id: int | None


class LinkRow(NamedTuple):
    """A link from a chunk to a document, or to a chunk of it."""

    document_id: UUID
    chunk_id: int
    kind: str
    key: str
    to_document_id: UUID
    to_chunk_id: int | None


async def names_of_collection(connection: Connection, collection_id: int) -> list[NameRow]:
    """Return the visible names of a collection."""
    cursor = await connection.execute(
        "select kind, key, document_id, chunk_id from names where collection_id = %s", (collection_id,)
    )
    return [NameRow(*row) for row in await cursor.fetchall()]


async def unlinked_documents(connection: Connection, collection_id: int) -> list[tuple[UUID, str]]:
    """Return id and source of the documents whose links are still to be made."""
    cursor = await connection.execute(
        "select id, source from documents where collection_id = %s and not linked", (collection_id,)
    )
    return [(row[0], row[1]) for row in await cursor.fetchall()]


async def sources_of_collection(connection: Connection, collection_id: int) -> dict[str, UUID]:
    """Return the visible documents of a collection: id by source."""
    cursor = await connection.execute("select source, id from documents where collection_id = %s", (collection_id,))
    return {row[0]: row[1] for row in await cursor.fetchall()}


async def chunk_texts(connection: Connection, document_id: UUID) -> list[tuple[int, str]]:
    """Return a document's chunks in order: id and text."""
    cursor = await connection.execute(
        "select id, text from chunks where document_id = %s order by ordinal", (document_id,)
    )
    return [(row[0], row[1]) for row in await cursor.fetchall()]


async def mentions_of(connection: Connection, document_id: UUID) -> list[tuple[int, str, str]]:
    """Return a document's explicit references: chunk id, kind, key."""
    cursor = await connection.execute(
        "select chunk_id, kind, key from mentions where document_id = %s", (document_id,)
    )
    return [(row[0], row[1], row[2]) for row in await cursor.fetchall()]


async def replace_links(connection: Connection, document_ids: Sequence[UUID], links: Iterable[LinkRow]) -> int:
    """Replace the links out of these documents and mark them as linked; return how many links there are."""
    await connection.execute("delete from links where document_id = any(%s)", (list(document_ids),))
    rows = list(links)
    async with connection.cursor() as cursor:
        await cursor.executemany(
            """insert into links (document_id, chunk_id, kind, key, to_document_id, to_chunk_id)
               values (%s, %s, %s, %s, %s, %s)""",
            rows,
        )
    await connection.execute("update documents set linked = true where id = any(%s)", (list(document_ids),))
    return len(rows)


async def links_from(connection: Connection, chunk_ids: Sequence[int]) -> list[LinkRow]:
    """Return the links out of chunks whose targets are visible too."""
    cursor = await connection.execute(
        """select l.document_id, l.chunk_id, l.kind, l.key, l.to_document_id, l.to_chunk_id
           from links l join documents target on target.id = l.to_document_id where l.chunk_id = any(%s)""",
        (list(chunk_ids),),
    )
    return [LinkRow(*row) for row in await cursor.fetchall()]
