"""The link graph of a collection: chunks are linked to what they name or point to.

Two directions keep it complete when documents come one after another: documents that are new or changed are searched
for all names, and the chunks of all others, found through their posting lists, for the new documents' names.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from urllib.parse import unquote, urldefrag, urlsplit
from uuid import UUID

import numpy as np

from ingest.names import NameMatcher
from state.filters import Filters
from state.principal import Principal
from store import links, passages, postings
from store.corpus import Corpus, CorpusCache
from store.database import Connection, Database
from store.links import LinkRow, NameRow
from text.normalise import name_key
from text.tokens import query_terms

_DOCUMENTS_AT_ONCE = 200
_MOST_TARGETS = 5  # a name that more documents than this bear tells nothing


async def link_collection(database: Database, principal: Principal, collection_id: int) -> int:
    """Make the links of all documents that are not linked yet; return how many links were written.

    Interrupted, it goes on where it stopped: documents carry the mark of being linked.
    """
    async with database.session(principal) as connection:
        unlinked = await links.unlinked_documents(connection, collection_id)
        names = _telling(await links.names_of_collection(connection, collection_id)) if unlinked else []
        sources = await links.sources_of_collection(connection, collection_id) if unlinked else {}
    waiting = {document_id for document_id, _ in unlinked}
    resolver = _Resolver(names, sources)
    count = 0
    for start in range(0, len(unlinked), _DOCUMENTS_AT_ONCE):
        part = unlinked[start : start + _DOCUMENTS_AT_ONCE]
        ids = [document_id for document_id, _ in part]
        async with database.session(principal, write=True) as connection:
            rows: list[LinkRow] = []
            for document_id, source in part:
                rows.extend(await resolver.links_of(connection, document_id, source))
            if len(waiting) < len(sources):
                new_names = [name for name in names if name.document_id in set(ids)]
                rows.extend(await _links_to(connection, principal, collection_id, new_names, waiting))
            count += await links.replace_links(connection, ids, rows)
    return count


def _telling(names: Iterable[NameRow]) -> list[NameRow]:
    """Leave out names that many documents bear: "summary" or "contact" leads nowhere in particular."""
    bearers: defaultdict[str, set[UUID]] = defaultdict(set)
    rows = list(names)
    for row in rows:
        bearers[row.key].add(row.document_id)
    return [row for row in rows if len(bearers[row.key]) <= _MOST_TARGETS]


class _Resolver:
    """Turns what chunks say into links, given the names and sources of the collection."""

    def __init__(self, names: Sequence[NameRow], sources: dict[str, UUID]) -> None:
        self._names = names
        self._sources = sources
        self._matcher = NameMatcher((row.key, number) for number, row in enumerate(names))
        self._by_document: defaultdict[UUID, list[NameRow]] = defaultdict(list)
        for row in names:
            self._by_document[row.document_id].append(row)

    async def links_of(self, connection: Connection, document_id: UUID, source: str) -> list[LinkRow]:
        """Return the links out of a document: names in its text, hyperlinks, cross-references."""
        found = []
        for chunk_id, text in await links.chunk_texts(connection, document_id):
            for number in self._matcher.find(text):
                row = self._names[number]
                if row.document_id != document_id:
                    found.append(_link(document_id, chunk_id, row))
        for chunk_id, kind, key in await links.mentions_of(connection, document_id):
            target = self._hyperlink(source, key) if kind == "hyperlink" else self._own_name(document_id, key)
            if target is None or target.chunk_id == chunk_id:
                continue
            if target.document_id != document_id or target.chunk_id is not None:  # a link to itself leads nowhere
                found.append(LinkRow(document_id, chunk_id, kind, key, target.document_id, target.chunk_id))
        return list(dict.fromkeys(found))

    def _own_name(self, document_id: UUID, key: str) -> NameRow | None:
        return next((row for row in self._by_document[document_id] if row.key == key), None)

    def _hyperlink(self, source: str, target: str) -> NameRow | None:
        """Find the document (and the heading, by the anchor) that a target written in ``source`` leads to."""
        path, anchor = urldefrag(target)
        if urlsplit(path).scheme in ("http", "https"):
            uri = path
        else:
            uri = posixpath.normpath(posixpath.join(posixpath.dirname(source), unquote(path))) if path else source
        document_id = self._sources.get(uri)
        if document_id is None:
            return None
        key = name_key(anchor.replace("-", " ").replace("_", " "))
        heading = next((row for row in self._by_document[document_id] if key and row.key == key), None)
        return heading or NameRow("hyperlink", target, document_id, None)


def _link(document_id: UUID, chunk_id: int, name: NameRow) -> LinkRow:
    return LinkRow(document_id, chunk_id, name.kind, name.key, name.document_id, name.chunk_id)


async def _links_to(
    connection: Connection,
    principal: Principal,
    collection_id: int,
    names: Sequence[NameRow],
    waiting: Collection[UUID],
) -> list[LinkRow]:
    """Return the links to these names from documents linked earlier: those that are not ``waiting`` for theirs."""
    cursor = await connection.execute("select name from collections where id = %s", (collection_id,))
    row = await cursor.fetchone()
    corpus = await CorpusCache().corpus(connection, principal, Filters(collections=(row[0],) if row else ()))
    slots = await _slots_naming(connection, corpus, {name.key for name in names})
    matcher = NameMatcher((name.key, number) for number, name in enumerate(names))
    found = []
    for passage in (await passages.by_slot(connection, slots)).values():
        if passage.document_id not in waiting:
            for number in matcher.find(passage.text):
                found.append(_link(passage.document_id, passage.chunk_id, names[number]))
    return found


async def _slots_naming(connection: Connection, corpus: Corpus, keys: Collection[str]) -> list[int]:
    """Return the slots of chunks that hold all terms of one of the names."""
    groups = {key: query_terms(key, corpus.languages) for key in keys}
    terms = {term for groups_of_key in groups.values() for group in groups_of_key for term in group}
    lists = await postings.fetch(connection, corpus.collection_ids, terms)
    slots: set[int] = set()
    for groups_of_key in groups.values():
        held = [
            np.concatenate([lists[term].slots for term in group if term in lists] or [np.empty(0, np.int32)])
            for group in groups_of_key
        ]
        if held:
            common = held[0]
            for other in held[1:]:
                common = np.intersect1d(common, other)
            slots.update(int(slot) for slot in common)
    return sorted(slots)
