"""Posting lists in blocks of ``(term, slots, counts)``: written per transaction, merged later, read in binary form."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from store.database import Connection
from store.documents import lock_tenant

_MOST_COUNT = 65535  # counts are stored as uint16


class PostingList(NamedTuple):
    """Chunks that hold a term: ``slots`` int32, each once, ``counts`` uint16; ascending within a collection."""

    slots: npt.NDArray[np.int32]
    counts: npt.NDArray[np.uint16]


async def append(
    connection: Connection, tenant_id: int, collection_id: int, first_slot: int, chunk_terms: Sequence[Sequence[str]]
) -> None:
    """Write one block a term for chunks that take the slots from ``first_slot`` on, in the caller's transaction."""
    lists: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for slot, terms in enumerate(chunk_terms, start=first_slot):
        for term, count in Counter(terms).items():
            lists[term].append((slot, min(count, _MOST_COUNT)))
    terms = sorted(lists)  # in index order: neighbouring pages are written together
    blocks = [tuple(zip(*lists[term], strict=True)) for term in terms]
    await connection.execute(
        """insert into postings (tenant_id, collection_id, term, block, slots, counts)
           select %(tenant)s, %(collection)s, b.* from unnest(
               %(terms)b::text[], %(blocks)b::integer[], %(slots)b::bytea[], %(counts)b::bytea[]) as b""",
        {
            "tenant": tenant_id,
            "collection": collection_id,
            "terms": terms,
            "blocks": [slots[0] for slots, _ in blocks],
            "slots": [np.asarray(slots, dtype="<i4").tobytes() for slots, _ in blocks],
            "counts": [np.asarray(counts, dtype="<u2").tobytes() for _, counts in blocks],
        },
    )


async def fetch(
    connection: Connection, collection_ids: Collection[int], terms: Collection[str]
) -> dict[str, PostingList]:
    """Return the posting lists of ``terms``; terms that nothing holds are left out."""
    cursor = await connection.execute(
        """select term, slots, counts from postings
           where collection_id = any(%(collections)s) and term = any(%(terms)s) order by term, collection_id, block""",
        {"collections": list(collection_ids), "terms": list(terms)},
        binary=True,
    )
    parts: defaultdict[str, list[tuple[bytes, bytes]]] = defaultdict(list)
    for term, slots, counts in await cursor.fetchall():
        parts[term].append((slots, counts))
    return {
        term: PostingList(
            np.frombuffer(b"".join(slots for slots, _ in blocks), dtype="<i4"),
            np.frombuffer(b"".join(counts for _, counts in blocks), dtype="<u2"),
        )
        for term, blocks in parts.items()
    }


async def compact(connection: Connection, collection_id: int, *, most_blocks: int = 4) -> int:
    """Merge the blocks of every term that has more than ``most_blocks``; return how many blocks were merged.

    Postings of chunks that are gone stay in the blocks: readers pass them over, for they look slots up in a `Corpus`.
    """
    await lock_tenant(connection)  # no block is added now
    cursor = await connection.execute(
        """with merged as (
               select term, min(block) as first, string_agg(slots, ''::bytea order by block) as slots,
                      string_agg(counts, ''::bytea order by block) as counts
               from postings where collection_id = %(collection)s group by term having count(*) > %(most)s),
           grown as (
               update postings p set slots = m.slots, counts = m.counts from merged m
               where p.collection_id = %(collection)s and p.term = m.term and p.block = m.first),
           gone as (
               delete from postings p using merged m
               where p.collection_id = %(collection)s and p.term = m.term and p.block > m.first returning 1)
           select count(*) from gone""",
        {"collection": collection_id, "most": most_blocks},
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0
