"""Stored documents: what is there, its text, and its end."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from state.errors import NotFound
from store import duplicates
from store.database import Connection
from store.epochs import note_changes, note_departures, raise_epochs
from store.texts import text_of


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """A stored document without its text; ``access`` are the grantees who may read it.

    ``quarantined`` counts its chunks that were put aside, 0 for who may not see them.
    """

    id: UUID
    collection: str
    source: str
    type: str
    title: str
    language: str
    version: int
    content_hash: str
    size: int
    page_count: int
    chunks: int
    characters: int
    modified_at: datetime | None
    created_at: datetime
    indexed_at: datetime
    duplicate_of: UUID | None
    quarantined: int
    access: list[str]
    tags: list[str]


_SELECT = """
    select d.id, c.name as collection, d.source, d.type, d.title, d.language, d.version,
           encode(d.content_hash, 'hex') as content_hash, d.size, d.page_count, length(d.term_counts) / 4 as chunks,
           (select sum(length(t.text))::integer from document_texts t
            where t.document_id = d.id and t.version = d.version) as characters,
           d.modified_at, d.created_at, d.indexed_at, d.duplicate_of,
           (select count(*)::integer from chunks k where k.document_id = d.id and k.quarantined) as quarantined,
           array(select grantee from access_grants g where g.access_list_id = d.access_list_id order by 1) as access,
           array(select tag from document_tags t where t.document_id = d.id order by 1) as tags
    from documents d join collections c on c.id = d.collection_id"""


async def list_documents(
    connection: Connection, collections: Sequence[str] = (), *, most: int | None = None, skip: int = 0
) -> list[DocumentInfo]:
    """Return the visible documents, by collection and source: at most ``most`` of them after the first ``skip``."""
    async with connection.cursor(row_factory=class_row(DocumentInfo)) as cursor:
        await cursor.execute(
            f"""{_SELECT} where %(names)s::text[] is null or c.name = any(%(names)s)
                order by c.name, d.source limit %(most)s offset %(skip)s""",
            {"names": list(collections) or None, "most": most, "skip": skip},
        )
        return await cursor.fetchall()


async def get_document(connection: Connection, document_id: UUID) -> DocumentInfo:
    """Return one document. Raises `NotFound`."""
    async with connection.cursor(row_factory=class_row(DocumentInfo)) as cursor:
        await cursor.execute(f"{_SELECT} where d.id = %s", (document_id,))
        found = await cursor.fetchone()
    if found is None:
        raise NotFound(f"There is no document {document_id}; `footnote docs list` shows what there is.")
    return found


async def document_text(connection: Connection, document_id: UUID, version: int | None = None) -> str:
    """Return the stored text of a version (the current one if None). Raises `NotFound`."""
    cursor = await connection.execute("select version from documents where id = %s", (document_id,))
    row = await cursor.fetchone()
    text = await text_of(connection, document_id, row[0] if version is None else version) if row else None
    if text is None:
        wanted = f"document {document_id}" + (f" version {version}" if version is not None else "")
        raise NotFound(f"There is no {wanted}; `footnote docs list` shows what there is.")
    return text


async def lock_tenant(connection: Connection) -> tuple[int, int]:
    """Let this transaction alone write documents of its tenant until it ends; return tenant id and next free slot.

    Slots, versions, duplicates and links are settled one transaction after another; readers are never kept waiting.
    """
    # Not `for update`: every row that refers to a tenant, a receipt say, would wait for it.
    cursor = await connection.execute(
        "select id, next_slot from tenants where id = (select current_tenant()) for no key update"
    )
    row = await cursor.fetchone()
    return (row[0], row[1]) if row else (0, 0)


async def delete_documents(connection: Connection, document_ids: Sequence[UUID]) -> int:
    """Delete documents with all that was made from them; return how many there were to delete."""
    ids = list(document_ids)
    await lock_tenant(connection)
    copies = await duplicates.copies_of(connection, ids)
    await connection.execute(
        """update documents set linked = false
           where id in (select document_id from links where to_document_id = any(%(ids)s)) and id <> all(%(ids)s)""",
        {"ids": ids},
    )
    await raise_epochs(connection, ids)
    await note_departures(connection, ids, gone=True)
    deleted = (await connection.execute("delete from documents where id = any(%s)", (ids,))).rowcount
    await duplicates.mark_again(connection, copies)
    return deleted


@dataclass(frozen=True, slots=True)
class StoredSource:
    """What decides whether a source must be read again, or only its access list or tags changed."""

    id: UUID
    source: str
    content_hash: bytes
    indexed_by: str
    access_list_id: int
    tags: list[str]


async def stored_sources(
    connection: Connection, collection_id: int, only: Sequence[UUID] | None = None
) -> dict[str, StoredSource]:
    """Return the visible documents of a collection by their source, of all of them or of ``only`` these ids."""
    async with connection.cursor(row_factory=class_row(StoredSource), binary=True) as cursor:
        await cursor.execute(
            """select id, source, content_hash, indexed_by, access_list_id,
                      array(select tag from document_tags t where t.document_id = d.id order by 1) as tags
               from documents d
               where collection_id = %(collection)s and (%(only)s::uuid[] is null or id = any(%(only)s))""",
            {"collection": collection_id, "only": None if only is None else list(only)},
        )
        return {row.source: row for row in await cursor.fetchall()}


async def access_of(connection: Connection, document_ids: Sequence[UUID]) -> dict[UUID, tuple[str, ...]]:
    """Return who may read each of the documents that are visible."""
    cursor = await connection.execute(
        """select d.id, array(select grantee from access_grants g where g.access_list_id = d.access_list_id order by 1)
           from documents d where d.id = any(%s)""",
        (list(document_ids),),
    )
    return {row[0]: tuple(row[1]) for row in await cursor.fetchall()}


async def set_access(connection: Connection, document_ids: Sequence[UUID], access_list_id: int) -> None:
    """Put documents, with their texts, chunks and vectors, under another access list. Their versions stay."""
    await lock_tenant(connection)
    await raise_epochs(connection, document_ids)
    await note_departures(connection, document_ids, gone=False)
    spaces = await (await connection.execute("select id from embedding_spaces")).fetchall()
    tables = ["chunks", "document_texts", *(f"embeddings_{space[0]}" for space in spaces), "documents"]
    for table in tables:
        statement = sql.SQL("update {} set access_list_id = %s where {} = any(%s)")
        names = sql.Identifier(table), sql.Identifier("id" if table == "documents" else "document_id")
        await connection.execute(statement.format(*names), (access_list_id, list(document_ids)))
    await note_changes(connection, document_ids)


async def set_tags(connection: Connection, tags: Mapping[UUID, Collection[str]]) -> None:
    """Replace the tags of documents."""
    await connection.execute("delete from document_tags where document_id = any(%s)", (list(tags),))
    rows = sorted((document_id, tag) for document_id, own in tags.items() for tag in set(own))
    await connection.execute(
        "insert into document_tags (document_id, tag) select * from unnest(%s::uuid[], %s::text[])",
        ([row[0] for row in rows], [row[1] for row in rows]),
    )
    await raise_epochs(connection, list(tags))
    await note_changes(connection, list(tags))
