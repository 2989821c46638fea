"""The link graph: which chunk names or points to which document or chunk."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import unquote, urldefrag, urljoin, urlsplit
from uuid import UUID

from store.database import Connection
from store.documents import lock_tenant
from store.texts import CHUNK_TEXT, PIECE_OF_CHUNK

_WEB = ("http", "https")


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


async def unlinked_documents(connection: Connection, collection_id: int) -> dict[UUID, int]:
    """Return the documents whose links are still to be made: their versions by id."""
    cursor = await connection.execute(
        "select id, version from documents where collection_id = %s and not linked", (collection_id,)
    )
    return {row[0]: row[1] for row in await cursor.fetchall()}


async def languages_of_linked(connection: Connection, collection_id: int) -> list[str]:
    """Return the languages of a collection's documents whose links are made; empty if there is none."""
    cursor = await connection.execute(
        "select distinct language from documents where collection_id = %s and linked order by 1", (collection_id,)
    )
    return [row[0] for row in await cursor.fetchall()]


async def chunk_texts(connection: Connection, document_ids: Sequence[UUID]) -> list[tuple[UUID, int, str]]:
    """Return the chunks of documents: document id, chunk id and text."""
    cursor = await connection.execute(
        f"""select c.document_id, c.id, {CHUNK_TEXT} from chunks c join {PIECE_OF_CHUNK} on true
            where c.document_id = any(%s) order by c.document_id, c.ordinal""",
        (list(document_ids),),
    )
    return await cursor.fetchall()


class Reference(NamedTuple):
    """An explicit reference as it is written.

    ``target`` is the document that a hyperlink leads to, ``page_chunk`` the first chunk of the page that it names.
    """

    document_id: UUID
    chunk_id: int
    kind: str
    key: str
    target: UUID | None
    page_chunk: int | None


# `#page=3` is how PDFs are linked into (RFC 8118).
_REFERENCES = """
    select m.document_id, m.chunk_id, m.kind, m.key, m.target,
           (select c.id from chunks c where c.document_id = m.target
            and substring(m.key from '#page=(\\d{1,6})')::integer between c.first_page and c.last_page
            order by c.ordinal limit 1)
    from mentions m"""


async def references_of(connection: Connection, document_ids: Sequence[UUID]) -> list[Reference]:
    """Return the explicit references of documents, hyperlinks only if their targets are there."""
    cursor = await connection.execute(
        f"""{_REFERENCES} where m.document_id = any(%s)
             and (m.kind <> 'hyperlink' or exists (select from documents d where d.id = m.target))""",
        (list(document_ids),),
    )
    return [Reference(*row) for row in await cursor.fetchall()]


async def hyperlinks_to(connection: Connection, document_ids: Sequence[UUID]) -> list[Reference]:
    """Return the hyperlinks that lead to documents, from wherever they are."""
    cursor = await connection.execute(f"{_REFERENCES} where m.target = any(%s)", (list(document_ids),))
    return [Reference(*row) for row in await cursor.fetchall()]


async def write_links(connection: Connection, documents: Mapping[UUID, int], links: Iterable[LinkRow]) -> int:
    """Replace the links out of ``documents`` (versions by id), mark them as linked, add links of others to them.

    What has changed since the links were found is left for the next time: a document that has another version or is
    linked by now, a chunk that is gone. Returns how many links were written.
    """
    await lock_tenant(connection)
    cursor = await connection.execute(
        """update documents d set linked = true from unnest(%s::uuid[], %s::integer[]) as p (id, version)
           where d.id = p.id and d.version = p.version and not d.linked returning d.id""",
        (list(documents), list(documents.values())),
    )
    fresh = {row[0] for row in await cursor.fetchall()}
    await connection.execute("delete from links where document_id = any(%s)", (list(fresh),))
    rows = [link for link in links if link.document_id in fresh or link.document_id not in documents]
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[]] * 6
    cursor = await connection.execute(
        """insert into links (document_id, chunk_id, kind, key, to_document_id, to_chunk_id)
           select l.* from unnest(%s::uuid[], %s::bigint[], %s::text[], %s::text[], %s::uuid[], %s::bigint[])
               as l (document_id, chunk_id, kind, key, to_document_id, to_chunk_id)
           where exists (select from chunks c where c.id = l.chunk_id)
             and exists (select from documents d where d.id = l.to_document_id)
             and (l.to_chunk_id is null or exists (select from chunks c where c.id = l.to_chunk_id))
           on conflict do nothing""",
        columns,
    )
    return cursor.rowcount


async def drop_links(connection: Connection, names: Iterable[NameRow]) -> None:
    """Delete the links that were made because of these names."""
    rows = list(names)
    await connection.execute(
        """delete from links l using unnest(%s::uuid[], %s::text[], %s::text[]) as n (document_id, kind, key)
           where l.to_document_id = n.document_id and l.kind = n.kind and l.key = n.key""",
        ([row.document_id for row in rows], [row.kind for row in rows], [row.key for row in rows]),
    )


def link_target(source: str, target: str) -> str | None:
    """Return the URI that a hyperlink written in ``source`` leads to, without its anchor; None if to no document."""
    path = urldefrag(target).url.strip()
    if not path:
        return source
    scheme = urlsplit(path).scheme
    if urlsplit(source).scheme in _WEB:
        path, scheme = urljoin(source, path), urlsplit(source).scheme
    if scheme in _WEB:
        return path
    if scheme not in ("", "file"):
        return None
    where, parted, place = source.rpartition("://")  # of an uploaded file: beside it lie those of the same user
    return where + parted + posixpath.normpath(posixpath.join(posixpath.dirname(place), unquote(urlsplit(path).path)))
