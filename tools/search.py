"""Lexical, vector and hybrid search, as one principal may search."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from state.errors import InvalidQuestion, ModelUnavailable, NotFound, StoreMisconfigured
from state.evidence import Hit, Mode, Passage
from state.filters import Filters
from state.ports import Embedder
from state.principal import Principal
from store import lexical, passages, vectors
from store.corpus import Corpus, CorpusCache
from store.database import Connection, Database
from store.posting_cache import PostingCache
from text.query import Query, parse_query
from text.tokens import codes
from tools.fusion import Fusion, fuse, fused_order, ranked
from tools.ranking_cache import RankingCache
from tools.reading import Scored, first_distinct, phrases_hold

DEPTH = 50  # passages that each ranking gives to the fusion
_SPARE = 10  # passages ranked beyond those asked for, as some turn out to be duplicates
_MOST_CHECKED = 2_000  # passages read in search of a phrase before giving up


@dataclass(frozen=True)
class Searcher:
    """Searches one database with one embedder. Every method sees only what its principal may see.

    Raises `StoreUnavailable` when the database is not there, `StoreMisconfigured` when the part of it that a search
    needs cannot be used, `ModelUnavailable`, and `NotFound` for a collection that does not exist.
    """

    database: Database
    embedder: Embedder
    max_question_chars: int = 4000
    corpora: CorpusCache = field(default_factory=CorpusCache)
    postings: PostingCache = field(default_factory=PostingCache)
    rankings: RankingCache = field(default_factory=RankingCache)
    fusion: Fusion = field(default_factory=Fusion)
    spaces: dict[str, int] = field(default_factory=dict)

    async def search(
        self,
        principal: Principal,
        question: str,
        mode: Mode,
        *,
        k: int = 10,
        filters: Filters | None = None,
        notes: list[str] | None = None,
    ) -> list[Hit]:
        """Return up to ``k`` passages, best first, by the mode asked for; ``notes`` as in `hybrid_search`."""
        if mode == "lexical":
            return await self.lexical_search(principal, question, k=k, filters=filters)
        if mode == "vector":
            return await self.vector_search(principal, question, k=k, filters=filters)
        return await self.hybrid_search(principal, question, k=k, filters=filters, notes=notes)

    async def rank(
        self, principal: Principal, question: str, mode: Mode, *, k: int, filters: Filters | None = None
    ) -> list[int]:
        """Return the slots of up to ``k`` passages, best first: what `search` finds, duplicates included, unread.

        Remembered for whoever has the same rights, as long as nothing changes in the collections searched.
        """
        query = self._query(question)
        if mode == "hybrid" or query.phrases or query.exclusions:
            return [hit.passage.slot for hit in await self.search(principal, question, mode, k=k, filters=filters)]
        vector = await self._embedded(query, question) if mode == "vector" else None
        async with self.database.session(principal) as connection:
            corpus = await self._corpus(connection, principal, filters)
            rights = (principal.tenant, principal.grantees, tuple(corpus.epochs.items()))
            key = (*rights, filters or Filters(), question, mode, k)
            if (known := self.rankings.get(key)) is not None:
                return known
            if vector is None:
                matches = await lexical.bm25(connection, self.postings, corpus, query)
                found = await asyncio.to_thread(matches.best, k)
            else:
                space = await self._space(connection, corpus)
                found = await vectors.nearest(connection, space, corpus, vector, k)
        return self.rankings.keep(key, [slot for slot, _ in found])

    async def read(self, principal: Principal, slots: Sequence[int]) -> dict[int, Passage]:
        """Return passages by slot; those that are gone, or not visible, are left out."""
        async with self.database.session(principal) as connection:
            return await passages.by_slot(connection, slots)

    async def lexical_search(
        self, principal: Principal, question: str, *, k: int = 10, filters: Filters | None = None
    ) -> list[Hit]:
        """Return up to ``k`` passages by BM25; the question may hold "quoted phrases" and -excluded words."""
        query = self._query(question)
        async with self.database.session(principal) as connection:
            corpus = await self._corpus(connection, principal, filters)
            matches = await lexical.bm25(connection, self.postings, corpus, query)
            wanted = k + _SPARE
            while True:
                best = await asyncio.to_thread(matches.best, wanted)
                hits = await self._read(connection, [(slot, score, {}) for slot, score in best], query, k)
                if len(hits) >= k or len(best) < wanted or wanted >= _MOST_CHECKED:
                    return ranked(hits, "lexical")
                wanted = min(4 * wanted, _MOST_CHECKED)

    async def vector_search(
        self, principal: Principal, question: str, *, k: int = 10, filters: Filters | None = None
    ) -> list[Hit]:
        """Return up to ``k`` passages by cosine similarity; phrases and exclusions restrict them too."""
        query = self._query(question)
        vector = await self._embedded(query, question)
        async with self.database.session(principal) as connection:
            corpus = await self._corpus(connection, principal, filters)
            space = await self._space(connection, corpus)
            allowed = await lexical.constrain(connection, self.postings, corpus, query)
            depth = k + _SPARE
            while True:
                nearest = await vectors.nearest(connection, space, corpus, vector, depth)
                eligible: list[Scored] = [
                    (slot, cosine, {}) for slot, cosine in nearest if allowed is None or allowed[slot]
                ]
                hits = await self._read(connection, eligible, query, k)
                if len(hits) >= k or depth >= min(corpus.allowed_count, _MOST_CHECKED):
                    return ranked(hits, "vector")
                depth = min(depth * 5, corpus.allowed_count)

    async def hybrid_search(
        self,
        principal: Principal,
        question: str,
        *,
        k: int = 10,
        filters: Filters | None = None,
        weights: Mapping[str, float] | None = None,
        notes: list[str] | None = None,
    ) -> list[Hit]:
        """Return up to ``k`` passages by both at once, fused by weighted reciprocal ranks.

        ``weights`` are those of ``fusion`` if left out.

        Given ``notes``, it leaves out one of both that cannot be used, and adds a note that says so and why.
        """
        query = self._query(question)
        if not (query.phrases or query.exclusions):
            try:
                return await self._fused(principal, question, k, filters or Filters(), weights)
            except (ModelUnavailable, StoreMisconfigured):
                if notes is None:
                    raise
        depth = max(DEPTH, k)
        by_words, by_meaning = await asyncio.gather(
            self.lexical_search(principal, question, k=depth, filters=filters),
            self.vector_search(principal, question, k=depth, filters=filters),
            return_exceptions=True,
        )
        outcomes: dict[str, list[Hit] | BaseException] = {"lexical": by_words, "vector": by_meaning}
        rankings = {mode: outcome for mode, outcome in outcomes.items() if isinstance(outcome, list)}
        failures = {mode: outcome for mode, outcome in outcomes.items() if isinstance(outcome, BaseException)}
        for failure in failures.values():
            if notes is None or not rankings or not isinstance(failure, ModelUnavailable | StoreMisconfigured):
                raise failure
        if notes is not None:
            notes.extend(f"{mode} search was left out: {failure}" for mode, failure in failures.items())
        return fuse(question, rankings, weights=weights or self.fusion.weights, fusion=self.fusion)[:k]

    async def _fused(
        self, principal: Principal, question: str, k: int, filters: Filters, weights: Mapping[str, float] | None
    ) -> list[Hit]:
        """Fuse rankings of slots, of which nothing depends on a text, and read no more passages than are returned.

        In one session: the question is embedded while posting lists are read, and chunks are scored by their words
        while the database looks for near vectors.
        """
        query = parse_query(question)
        embedding = asyncio.ensure_future(self._embedded(query, question))
        try:
            async with self.database.session(principal) as connection:
                corpus = await self._corpus(connection, principal, filters)
                matches = await lexical.bm25(connection, self.postings, corpus, query)
                space = await self._space(connection, corpus)
                depth = max(DEPTH, k) + _SPARE
                scoring = asyncio.ensure_future(asyncio.to_thread(matches.best, depth))
                nearest = await vectors.nearest(connection, space, corpus, await embedding, depth)
                by_words = await scoring
                words, meaning = [slot for slot, _ in by_words], [slot for slot, _ in nearest]
                held = matches.holding(codes(question), words + meaning)
                rankings = {"lexical": words, "vector": meaning}
                fused = fused_order(rankings, held, weights or self.fusion.weights, self.fusion)
                hits = await self._read(connection, fused, query, k)
        finally:
            await asyncio.gather(embedding, return_exceptions=True)
        return ranked(hits, "fused")

    async def _read(self, connection: Connection, found: Sequence[Scored], query: Query, k: int) -> list[Hit]:
        """Return the first ``k`` passages of slots in which the query's phrases stand, without duplicates."""
        return await first_distinct(
            partial(passages.by_slot, connection),
            found,
            k,
            partial(phrases_hold, query),
            distinct=self.fusion.distinct,
        )

    async def _embedded(self, query: Query, question: str) -> npt.NDArray[np.float32]:
        (vector,) = await asyncio.to_thread(self.embedder.embed, [query.text or question])
        return np.asarray(vector)

    async def _space(self, connection: Connection, corpus: Corpus) -> int:
        """Return the number of the embedder's space. Raises `StoreMisconfigured` if what is stored is of another."""
        if (known := self.spaces.get(self.embedder.space)) is not None:
            return known
        space = await vectors.space_id(connection, self.embedder.space)
        if space is not None:
            self.spaces[self.embedder.space] = space  # it never changes
        elif corpus.allowed_count:
            raise StoreMisconfigured(
                f"What is stored has no vectors of the embedding model {self.embedder.space}: set "
                "FOOTNOTE_EMBEDDING_MODEL to the one that it was read in with, or read it in again."
            )
        return space or 0

    def _query(self, question: str) -> Query:
        if not question.strip():
            raise InvalidQuestion("The question is empty: write some words to search for.")
        if len(question) > self.max_question_chars:
            raise InvalidQuestion(
                f"The question has {len(question)} characters; the limit is {self.max_question_chars}: shorten it."
            )
        return parse_query(question)

    async def _corpus(self, connection: Connection, principal: Principal, filters: Filters | None) -> Corpus:
        wanted = filters or Filters()
        corpus = await self.corpora.corpus(connection, principal, wanted)
        if len(corpus.collection_ids) < len(set(wanted.collections)):
            names = ", ".join(repr(name) for name in wanted.collections)
            raise NotFound(f"There is no collection {names}; `footnote docs list` shows what there is.")
        return corpus
