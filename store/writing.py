"""Writing documents: a batch of them in one transaction, each with everything that a search needs of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import numpy as np
import numpy.typing as npt
from pgvector import HalfVector
from psycopg import sql

from state.documents import Chunk, Mention, Name, Page
from store import duplicates, postings
from store.database import Connection

_NAMESPACE = UUID("6f7c5a52-5d0c-5b0e-9f0e-0f6f6f746e6f")


@dataclass(frozen=True, slots=True)
class PreparedDocument:
    """A document ready to be stored. ``chunk_terms`` and ``vectors`` (n × dimension) go with ``chunks`` row by row."""

    source: str
    type: str
    title: str
    language: str
    text: str
    content_hash: bytes
    size: int
    modified: datetime | None
    tags: tuple[str, ...]
    pages: tuple[Page, ...]
    chunks: tuple[Chunk, ...]
    chunk_terms: tuple[tuple[str, ...], ...]
    names: tuple[Name, ...]
    mentions: tuple[Mention, ...]
    minhash: bytes
    vectors: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Target:
    """Where documents go: collection, access list, embedding space, and the parts that made their chunks."""

    tenant: str
    collection_id: int
    collection: str
    access_list_id: int
    space_id: int
    indexed_by: str


def document_id(tenant: str, collection: str, source: str) -> UUID:
    """Return the stable id of a source in a collection."""
    return uuid5(_NAMESPACE, "\x1f".join((tenant, collection, source)))


async def ensure_target(
    connection: Connection, tenant: str, collection: str, grantees: Sequence[str], space: tuple[str, int], indexed_by: str
) -> Target:
    """Return where to write, making the collection, the access list and the embedding space if they are new."""
    await connection.execute(
        "insert into collections (tenant_id, name) values (current_tenant(), %s) on conflict do nothing", (collection,)
    )
    row = await _one(connection, "select id from collections where name = %s", collection)
    collection_id = row[0]
    fingerprint = "\x1f".join(sorted(set(grantees)))
    await connection.execute(
        "insert into access_lists (tenant_id, fingerprint) values (current_tenant(), %s) on conflict do nothing",
        (fingerprint,),
    )
    access_list_id = (await _one(connection, "select id from access_lists where fingerprint = %s", fingerprint))[0]
    await connection.execute(
        """insert into access_grants (access_list_id, tenant_id, grantee)
           select %s, current_tenant(), unnest(%s::text[]) on conflict do nothing""",
        (access_list_id, sorted(set(grantees))),
    )
    space_id = (await _one(connection, "select ensure_embedding_space(%s, %s)", *space))[0]
    return Target(tenant, collection_id, collection, access_list_id, space_id, indexed_by)


async def write_documents(connection: Connection, target: Target, documents: Sequence[PreparedDocument]) -> int:
    """Store documents as new versions in the caller's transaction; return how many were new or changed.

    A document that another process has stored in the meantime, from the same bytes, is left as it is.
    """
    row = await _one(connection, "select next_slot from tenants where id = current_tenant() for update")
    slot = row[0]
    terms: list[tuple[str, ...]] = []
    first_slot, written = slot, 0
    for document in documents:
        if await _already_stored(connection, target, document):
            continue
        identity, version = await _upsert(connection, target, document, slot)
        await _write_text(connection, identity, version, document)
        chunk_ids = await _write_chunks(connection, target, identity, version, document, slot)
        await _write_vectors(connection, target, identity, chunk_ids, document.vectors)
        await _write_names(connection, target, identity, chunk_ids, document)
        await duplicates.remember(connection, target.collection_id, identity, document.minhash)
        terms.extend(document.chunk_terms)
        slot += len(document.chunks)
        written += 1
    if written:
        await postings.append(connection, target.collection_id, first_slot, terms)
        await connection.execute("update tenants set next_slot = %s where id = current_tenant()", (slot,))
        await connection.execute("update collections set epoch = epoch + 1 where id = %s", (target.collection_id,))
    return written


async def _one(connection: Connection, statement: str, *parameters: Any) -> tuple[Any, ...]:
    row = await (await connection.execute(statement, parameters)).fetchone()
    if row is None:
        raise LookupError(f"no row from: {statement}")
    return tuple(row)


async def _already_stored(connection: Connection, target: Target, document: PreparedDocument) -> bool:
    cursor = await connection.execute(
        """select 1 from documents where collection_id = %s and source = %s and content_hash = %s
           and indexed_by = %s and access_list_id = %s""",
        (target.collection_id, document.source, document.content_hash, target.indexed_by, target.access_list_id),
    )
    return await cursor.fetchone() is not None


async def _upsert(
    connection: Connection, target: Target, document: PreparedDocument, first_slot: int
) -> tuple[UUID, int]:
    """Write the document's row and clear what its former version left behind; return its id and version."""
    identity = document_id(target.tenant, target.collection, document.source)
    counts = np.asarray([len(terms) for terms in document.chunk_terms], dtype="<i4").tobytes()
    duplicate, similarity = await duplicates.original_of(connection, target.collection_id, identity, document.minhash)
    row = await _one(
        connection,
        """insert into documents as d (id, tenant_id, collection_id, access_list_id, source, type, title, language,
               version, content_hash, size, page_count, modified_at, indexed_by, first_slot, term_counts, minhash,
               duplicate_of, duplicate_similarity)
           values (%s, current_tenant(), %s, %s, %s, %s, %s, %s, 1, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
           on conflict (id) do update set
               access_list_id = excluded.access_list_id, type = excluded.type, title = excluded.title,
               language = excluded.language, content_hash = excluded.content_hash, size = excluded.size,
               page_count = excluded.page_count, modified_at = excluded.modified_at, indexed_at = now(),
               indexed_by = excluded.indexed_by, first_slot = excluded.first_slot,
               term_counts = excluded.term_counts, minhash = excluded.minhash, duplicate_of = excluded.duplicate_of,
               duplicate_similarity = excluded.duplicate_similarity,
               linked = false, version = d.version + 1
           returning version""",
        identity, target.collection_id, target.access_list_id, document.source, document.type, document.title,
        document.language, document.content_hash, document.size, len(document.pages), document.modified,
        target.indexed_by, first_slot, counts, document.minhash, duplicate, similarity,
    )  # fmt: skip
    if row[0] > 1:
        # Who referred to the old chunks must be linked again; the links themselves go with the chunks.
        await connection.execute(
            """update documents set linked = false
               where id in (select document_id from links where to_document_id = %s)""",
            (identity,),
        )
        for table in ("chunks", "names", "document_tags", "document_bands"):
            statement = sql.SQL("delete from {} where document_id = %s").format(sql.Identifier(table))
            await connection.execute(statement, (identity,))
    return identity, row[0]


async def _write_text(connection: Connection, identity: UUID, version: int, document: PreparedDocument) -> None:
    await connection.execute(
        """insert into document_versions (document_id, version, content_hash, title, text)
           values (%s, %s, %s, %s, %s)""",
        (identity, version, document.content_hash, document.title, document.text),
    )
    async with connection.cursor() as cursor:
        if document.pages:
            await cursor.executemany(
                """insert into document_pages (document_id, version, number, start_char, end_char, width, height, lines)
                   values (%s, %s, %s, %s, %s, %s, %s, %s)""",
                [
                    (identity, version, page.number, page.start, page.end, page.width, page.height,
                     np.asarray(page.lines, dtype="<f4").tobytes())
                    for page in document.pages
                ],
            )  # fmt: skip
        if document.tags:
            await cursor.executemany(
                "insert into document_tags (document_id, tag) values (%s, %s)",
                [(identity, tag) for tag in sorted(set(document.tags))],
            )


async def _write_chunks(
    connection: Connection, target: Target, identity: UUID, version: int, document: PreparedDocument, slot: int
) -> list[int]:
    cursor = await connection.execute(
        "select nextval('chunk_ids'), current_tenant() from generate_series(1, %s)", (len(document.chunks),)
    )
    keys = await cursor.fetchall()
    async with connection.cursor() as writer:
        await writer.executemany(
            """insert into chunks (id, tenant_id, collection_id, access_list_id, document_id, version, slot, ordinal,
                   start_char, end_char, first_page, last_page, headings, sentence_bounds, token_count, text)
               values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            [
                (chunk_id, tenant_id, target.collection_id, target.access_list_id, identity, version,
                 slot + chunk.ordinal, chunk.ordinal, chunk.start, chunk.end, chunk.first_page, chunk.last_page,
                 list(chunk.headings), [edge for sentence in chunk.sentences for edge in sentence],
                 chunk.token_count, document.text[chunk.start : chunk.end])
                for (chunk_id, tenant_id), chunk in zip(keys, document.chunks, strict=True)
            ],
        )  # fmt: skip
    return [key[0] for key in keys]


async def _write_vectors(
    connection: Connection, target: Target, identity: UUID, chunk_ids: Sequence[int], vectors: npt.NDArray[np.float32]
) -> None:
    statement = sql.SQL(
        """insert into {} (chunk_id, tenant_id, collection_id, access_list_id, document_id, embedding)
           values (%b, current_tenant(), %b, %b, %b, %b)"""
    ).format(sql.Identifier(f"embeddings_{target.space_id}"))
    async with connection.cursor() as cursor:
        await cursor.executemany(
            statement,
            [
                (chunk_id, target.collection_id, target.access_list_id, identity, HalfVector(vector))
                for chunk_id, vector in zip(chunk_ids, vectors, strict=True)
            ],
        )


async def _write_names(
    connection: Connection, target: Target, identity: UUID, chunk_ids: Sequence[int], document: PreparedDocument
) -> None:
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "insert into names (collection_id, document_id, chunk_id, kind, key) values (%s, %s, %s, %s, %s)",
            [
                (target.collection_id, identity, None if name.ordinal is None else chunk_ids[name.ordinal], name.kind,
                 name.key)
                for name in document.names
            ],
        )  # fmt: skip
        await cursor.executemany(
            "insert into mentions (document_id, chunk_id, kind, key) values (%s, %s, %s, %s)",
            [(identity, chunk_ids[mention.ordinal], mention.kind, mention.key) for mention in document.mentions],
        )
