"""Retrieval quality and speed of each mode on sets of questions, each in a database of its own."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from evals.indexed import indexed, rows_of
from evals.measures.ranking import DEEPEST, MEASURES, first_place, ranking_scores
from evals.runs.evaluation import Conditions, Evaluation, Target, by_set, mean_score
from evals.runs.example import Example, Result
from evals.runs.intervals import difference_interval
from evals.runs.timing import latency
from evals.sets.beir import EvaluationSet, as_examples, read_beir_sets
from models.embedder import SentenceTransformerEmbedder
from models.ladder import open_reranker
from settings import Settings
from state.errors import InvalidFilter, ModelUnavailable
from state.evidence import Hit
from state.ports import Embedder, Reranker
from state.principal import Principal
from tools.rerank import rerank
from tools.search import DEPTH, Searcher

MODES = ("lexical", "vector", "hybrid", "rerank")
_STEPS = (("lexical", "hybrid"), ("vector", "hybrid"), ("hybrid", "rerank"))  # what each is to be better than

Search = Callable[[str], Awaitable[list[Hit]]]


class _Read(NamedTuple):
    """How a set was read in."""

    passages: int
    seconds: float


class Retrieval(Evaluation):
    """Searches for each question in every mode. A row of the corpus is one unit, however it was split."""

    name = "retrieval"
    headline = tuple(f"{mode} nDCG@10" for mode in reversed(MODES))

    def __init__(self, conditions: Conditions, modes: Sequence[str] = MODES) -> None:
        """Raise `InvalidFilter` for an unknown mode."""
        super().__init__(conditions)
        unknown = sorted(set(modes) - set(MODES))
        if unknown or not modes:
            raise InvalidFilter(f"Unknown mode {', '.join(unknown) or '(none)'}: choose of {', '.join(MODES)}.")
        self.modes = tuple(dict.fromkeys(modes))
        self._sets: dict[str, EvaluationSet] = {}
        self._read: dict[str, _Read] = {}
        self._embedder = SentenceTransformerEmbedder(conditions.settings)

    def read(self, paths: Sequence[Path]) -> dict[str, list[Example]]:
        """Return the questions of each BEIR-style set that have relevant passages."""
        self._sets = read_beir_sets(paths)
        return {name: as_examples(some) for name, some in self._sets.items()}

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[Target]:
        """Read the set's passages in, and search them."""
        sources = self._sets[name].sources
        async with indexed(self.conditions, sources, self._embedder) as read:
            self._read[name] = _Read(len(sources), read.report.seconds)
            yield self.searching(read.searcher, read.principal, self._embedder)

    def searching(self, searcher: Searcher, principal: Principal, embedder: Embedder) -> Target:
        """Return what searches by each mode, and times it. Raises `ModelUnavailable` without any reranker."""
        searches = {mode: _search(mode, searcher, principal, self.conditions.settings, embedder) for mode in self.modes}
        numbers = count()

        async def target(inputs: Mapping[str, Any]) -> dict[str, Any]:
            # Another mode first each time: it is the one that finds no posting list of the question in memory.
            turn = next(numbers) % len(self.modes)
            rankings, spent = {}, {}
            for mode in (*self.modes[turn:], *self.modes[:turn]):
                started = time.perf_counter()
                hits = await searches[mode](inputs["question"])
                spent[mode] = (time.perf_counter() - started) * 1000
                rankings[mode] = rows_of(hits)
            return {"rankings": {mode: rankings[mode] for mode in self.modes}, "ms": spent}

        return target

    def score(self, example: Example, outputs: Mapping[str, Any]) -> dict[str, float]:
        """Return the measures of each mode's ranking."""
        return {
            f"{mode} {measure}": value
            for mode, ranking in outputs["rankings"].items()
            for measure, value in ranking_scores(ranking, example.reference["relevant"]).items()
        }

    def kept(self, example: Example, outputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the places that count of each ranking, and where the first relevant passage is in which stage."""
        rankings = outputs["rankings"]
        stages = {"fused": "hybrid", "reranked": "rerank"}
        relevant = example.reference["relevant"]
        return {
            **outputs,
            "rankings": {mode: ranking[:DEEPEST] for mode, ranking in rankings.items()},
            "passages": rankings[self.modes[-1]][:DEEPEST],
            "ranks": {
                stage: first_place(rankings[mode], relevant) for stage, mode in stages.items() if mode in rankings
            },
        }

    def summary(self, results: Sequence[Result]) -> dict[str, Any]:
        """Return quality and latency by mode, and how fast the set was read in; of several sets, by their names."""
        found = {name: self._of_set(name, some) for name, some in by_set(results).items()}
        return {"sets": found} if len(found) > 1 else next(iter(found.values()))

    def by_mode(self, results: Sequence[Result]) -> dict[str, dict[str, float]]:
        """Return the measures and the latency of each mode."""
        return {
            mode: {
                **{str(one): round(mean_score(results, f"{mode} {one}"), 4) for one in MEASURES},
                **latency([result.outputs["ms"][mode] for result in results]),
            }
            for mode in self.modes
        }

    def _of_set(self, name: str, results: Sequence[Result]) -> dict[str, Any]:
        found: dict[str, Any] = {**self.by_mode(results), "difference": self._differences(results)}
        if name in self._read:
            read = self._read[name]
            found |= {"ingest_per_s": round(read.passages / read.seconds, 1), "passages": read.passages}
        return {**found, "questions": len(results)}

    def _differences(self, results: Sequence[Result]) -> dict[str, list[float]]:
        """Return by how much each step's nDCG@10 is above the one's before, paired by question, with intervals."""
        scores = {mode: [result.scores[f"{mode} nDCG@10"] for result in results] for mode in self.modes}
        return {
            f"{after} - {before}": difference_interval(scores[before], scores[after])
            for before, after in _STEPS
            if before in scores and after in scores
        }


def _search(mode: str, searcher: Searcher, principal: Principal, configuration: Settings, embedder: Embedder) -> Search:
    if mode != "rerank":
        return lambda question: searcher.search(principal, question, mode, k=DEPTH)  # type: ignore[arg-type]
    reranker, notes = open_reranker(configuration, embedder)
    if reranker is None:
        raise ModelUnavailable(" ".join(notes))
    return lambda question: _reranked(searcher, principal, reranker, question)


async def _reranked(searcher: Searcher, principal: Principal, reranker: Reranker, question: str) -> list[Hit]:
    return await rerank(reranker, question, await searcher.hybrid_search(principal, question, k=DEPTH))
