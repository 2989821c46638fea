"""What a principal can see of a corpus, as arrays indexed by slot: the basis of exact BM25 under access control.

Chunks are numbered densely within a tenant (slots). Posting lists hold slots, whoever may read them; a `Corpus` says
which slots exist, are visible, and how long they are. It is read under row-level security and cached until the
epoch of one of its collections changes.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from state.filters import Filters
from state.principal import Principal
from store.database import Connection

_KEPT_BYTES = 128 * 1024 * 1024  # corpora (a principal's view of some collections, perhaps filtered) kept in memory
_DOCUMENT_ID_BYTES = 80  # of a UUID object and its place in a tuple

Slots = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Visible chunks. ``lengths[slot]`` is the chunk's number of indexed terms, 0 where nothing is visible.

    ``allowed[slot]`` is true for visible chunks that also pass the filters; ``document_ids`` are the documents that
    do, in no order. BM25 statistics come from all that is visible, candidates only from what is allowed.
    """

    collection_ids: tuple[int, ...]
    lengths: npt.NDArray[np.int32]
    allowed: Mask
    allowed_count: int
    visible_count: int
    average_length: float
    languages: tuple[str, ...]
    document_ids: tuple[Any, ...]

    @property
    def size(self) -> int:
        """Bytes it takes in memory, about."""
        return self.lengths.nbytes + self.allowed.nbytes + _DOCUMENT_ID_BYTES * len(self.document_ids)


class CorpusCache:
    """Corpora by who asks, what for, and the epochs of the collections."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Any, ...], Corpus] = OrderedDict()

    async def corpus(self, connection: Connection, principal: Principal, filters: Filters) -> Corpus:
        """Return what ``principal``, whose session ``connection`` is, can see under ``filters``."""
        cursor = await connection.execute(
            """select id, epoch from collections
               where %(names)s::text[] is null or name = any(%(names)s) order by id""",
            {"names": list(filters.collections) or None},
        )
        epochs = tuple(await cursor.fetchall())
        key = (principal.tenant, principal.grantees, filters, epochs)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        corpus = await _read(connection, tuple(row[0] for row in epochs), filters)
        self._kept[key] = corpus
        while len(self._kept) > 1 and sum(kept.size for kept in self._kept.values()) > _KEPT_BYTES:
            self._kept.popitem(last=False)
        return corpus


async def _read(connection: Connection, collection_ids: tuple[int, ...], filters: Filters) -> Corpus:
    cursor = await connection.execute(
        f"""select id, first_slot, term_counts, language, {_ALLOWED} as allowed
            from documents d where collection_id = any(%(collections)s)""",
        {"collections": list(collection_ids), **_parameters(filters)},
        binary=True,
    )
    rows = await cursor.fetchall()
    counts = [np.frombuffer(row[2], dtype="<i4") for row in rows]
    size = max((row[1] + len(count) for row, count in zip(rows, counts, strict=True)), default=0)
    lengths = np.zeros(size, dtype=np.int32)
    allowed = np.zeros(size, dtype=np.bool_)
    for row, count in zip(rows, counts, strict=True):
        # A chunk without a single term still exists: length 1 keeps it visible to vector search.
        lengths[row[1] : row[1] + len(count)] = np.maximum(count, 1)
        allowed[row[1] : row[1] + len(count)] = row[4]
    visible = int(np.count_nonzero(lengths))
    return Corpus(
        collection_ids=collection_ids,
        lengths=lengths,
        allowed=allowed,
        allowed_count=int(np.count_nonzero(allowed)),
        visible_count=visible,
        average_length=float(lengths.sum()) / visible if visible else 1.0,
        languages=tuple(sorted({row[3] for row in rows})),
        document_ids=tuple(row[0] for row in rows if row[4]) if filters.restricts_documents else (),
    )


_ALLOWED = """
    (%(documents)s::uuid[] is null or d.id = any(%(documents)s))
    and (%(types)s::text[] is null or d.type = any(%(types)s))
    and (%(languages)s::text[] is null or d.language = any(%(languages)s))
    and (%(after)s::timestamptz is null or d.modified_at >= %(after)s)
    and (%(before)s::timestamptz is null or d.modified_at <= %(before)s)
    and (%(sources)s::text[] is null or exists (
        select from unnest(%(sources)s::text[]) s where d.source = s or starts_with(d.source, rtrim(s, '/') || '/')))
    and (%(tags)s::text[] is null or exists (
        select from document_tags t where t.document_id = d.id and t.tag = any(%(tags)s)))"""


def _parameters(filters: Filters) -> dict[str, Any]:
    return {
        "documents": list(filters.documents) or None,
        "types": list(filters.types) or None,
        "languages": list(filters.languages) or None,
        "sources": list(filters.sources) or None,
        "tags": list(filters.tags) or None,
        "after": filters.after,
        "before": filters.before,
    }
