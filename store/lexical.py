"""BM25 over posting blocks, scored in NumPy: exact for what a principal can see.

Score of a chunk: sum over the query's terms of ``idf * tf / (tf + k1 * (1 - b + b * length / average))`` with
``idf = ln(1 + (N - df + 0.5) / (df + 0.5))``, as Lucene has it (Robertson and Zaragoza, "The Probabilistic Relevance
Framework: BM25 and Beyond", 2009, without the constant factor k1 + 1). N, df and average count visible chunks only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from store import postings
from store.corpus import Corpus, Mask, Slots
from store.database import Connection
from store.postings import PostingList
from text.query import Query
from text.tokens import query_terms

K1 = 1.2
B = 0.75


class LexicalResult:
    """Slots in order of score, best first, with their scores; ties are in slot order."""

    def __init__(self, slots: Slots, scores: np.ndarray) -> None:
        order = np.lexsort((slots, -scores))
        self.slots: Slots = slots[order]
        self.scores = scores[order]


async def bm25(connection: Connection, corpus: Corpus, query: Query) -> LexicalResult:
    """Rank all allowed chunks that hold a term of the query, every word of its phrases and no excluded word.

    That a phrase's words stand together, and that an excluded phrase does not, is for the caller to check in the text.
    """
    groups = query_terms(query.text, corpus.languages)
    lists = await postings.fetch(connection, corpus.collection_ids, {term for group in groups for term in group})
    scores = _score(corpus, groups, lists)
    allowed = await constrain(connection, corpus, query)
    slots = np.flatnonzero((corpus.allowed if allowed is None else allowed) & (scores > 0)).astype(np.int32)
    return LexicalResult(slots, scores[slots])


async def constrain(connection: Connection, corpus: Corpus, query: Query) -> Mask | None:
    """Return the allowed slots that hold every word of the phrases and no excluded word; None: no such condition."""
    required = [group for phrase in query.phrases for group in query_terms(phrase, corpus.languages)]
    excluded = [g for word in query.exclusions if " " not in word for g in query_terms(word, corpus.languages)]
    if not required and not excluded:
        return None
    wanted = {term for group in (*required, *excluded) for term in group}
    lists = await postings.fetch(connection, corpus.collection_ids, wanted)
    mask = corpus.allowed.copy()
    for group in required:
        mask &= _holds(corpus, group, lists)
    for group in excluded:
        mask &= ~_holds(corpus, group, lists)
    return mask


def _score(corpus: Corpus, groups: Sequence[tuple[str, ...]], lists: dict[str, PostingList]) -> np.ndarray:
    scores = np.zeros(len(corpus.lengths), dtype=np.float64)
    for group in groups:
        slots, counts = _merged([_visible(corpus, lists[term]) for term in group if term in lists])
        if len(slots):
            idf = np.log1p((corpus.visible_count - len(slots) + 0.5) / (len(slots) + 0.5))
            norm = K1 * (1 - B + B * corpus.lengths[slots] / corpus.average_length)
            scores[slots] += idf * counts / (counts + norm)
    return scores


def _merged(found: Sequence[PostingList]) -> tuple[Slots, np.ndarray]:
    """Return each slot once with the sum of its counts: the alternatives of a word are one term."""
    if len(found) == 1:
        return found[0].slots, found[0].counts.astype(np.float64)
    slots = np.concatenate([np.empty(0, np.int32), *(part.slots for part in found)])
    counts = np.concatenate([np.empty(0, np.uint16), *(part.counts for part in found)])
    distinct, places = np.unique(slots, return_inverse=True)
    return distinct, np.bincount(places, weights=counts, minlength=len(distinct))


def _visible(corpus: Corpus, found: PostingList) -> PostingList:
    """Drop the postings of chunks that are gone, not visible, or newer than the corpus."""
    known = found.slots < len(corpus.lengths)
    keep = known & (corpus.lengths[np.where(known, found.slots, 0)] > 0) if len(corpus.lengths) else known
    return PostingList(found.slots[keep], found.counts[keep])


def _holds(corpus: Corpus, group: tuple[str, ...], lists: dict[str, PostingList]) -> Mask:
    mask = np.zeros(len(corpus.lengths), dtype=np.bool_)
    for term in group:
        if term in lists:
            mask[_visible(corpus, lists[term]).slots] = True
    return mask
