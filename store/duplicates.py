"""Duplicate and near-duplicate documents by MinHash signatures and banded locality-sensitive hashing.

Broder, "On the resemblance and containment of documents", 1997. Signatures come from the datasketch library; the
bands are rows, so that finding candidates is an index look-up and not a matter of what one process holds in memory.
"""

from __future__ import annotations

import hashlib
from uuid import UUID

import numpy as np

from store.database import Connection

PERMUTATIONS = 64
BANDS = 16  # of four values each: two documents of similarity 0.9 share at least one with probability 1 - 7e-8
NEAR = 0.9
_SHINGLE = 4  # words


def signature(terms: list[str]) -> bytes:
    """Return the MinHash signature of a document's terms: 64 little-endian uint32 values."""
    from datasketch import MinHash

    shingles = {" ".join(terms[i : i + _SHINGLE]) for i in range(max(1, len(terms) - _SHINGLE + 1))}
    minhash = MinHash(num_perm=PERMUTATIONS, seed=1)
    minhash.update_batch([shingle.encode() for shingle in sorted(shingles)])
    return np.asarray(minhash.hashvalues, dtype="<u4").tobytes()


def _bands(minhash: bytes) -> list[tuple[int, int]]:
    rows = np.frombuffer(minhash, dtype="<u4").reshape(BANDS, -1)
    digests = (hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in rows)
    return [(number, int.from_bytes(digest, "little", signed=True)) for number, digest in enumerate(digests)]


async def remember(connection: Connection, collection_id: int, document_id: UUID, minhash: bytes) -> None:
    """Store a document's bands in the caller's transaction."""
    bands = _bands(minhash)
    await connection.execute(
        """insert into document_bands (collection_id, document_id, band, hash)
           select %s, %s, band, hash from unnest(%s::integer[], %s::bigint[]) as b (band, hash)""",
        (collection_id, document_id, [band for band, _ in bands], [value for _, value in bands]),
    )


async def original_of(
    connection: Connection, collection_id: int, document_id: UUID, minhash: bytes
) -> tuple[UUID | None, float | None]:
    """Return the oldest other document that this one duplicates, with their similarity; (None, None) if it is new."""
    bands = _bands(minhash)
    cursor = await connection.execute(
        """select id, minhash from documents
           where duplicate_of is null and id in (
               select document_id from document_bands
               join unnest(%s::integer[], %s::bigint[]) as b (band, hash) using (band, hash)
               where collection_id = %s and document_id <> %s)
           order by created_at, id""",
        ([band for band, _ in bands], [value for _, value in bands], collection_id, document_id),
    )
    mine = np.frombuffer(minhash, dtype="<u4")
    for other, theirs in await cursor.fetchall():
        similarity = float(np.mean(mine == np.frombuffer(theirs, dtype="<u4")))
        if similarity >= NEAR:
            return other, similarity
    return None, None
