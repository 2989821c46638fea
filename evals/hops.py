"""What hops bring: the whole graph on sets of questions, with one search and with hops."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from ir_measures import R, nDCG

from evals.asking import asking
from evals.measures.ranking import ranking_scores
from evals.runs.evaluation import Conditions, Evaluation, Target, by_set, mean_score
from evals.runs.example import Example, Result
from evals.runs.intervals import difference_interval
from evals.runs.timing import latency
from evals.sets.beir import EvaluationSet, as_examples, read_beir_sets
from state.documents import ParsedDocument, Source

_WAYS = ("without", "with")
_READ_AT_ONCE = 8  # passages that an answer is written from: all that is relevant should be among them
_ALL_READ = R @ _READ_AT_ONCE
_MEASURES = (R @ 2, R @ 5, _ALL_READ, nDCG @ 10)
_NAMES = ("R@2", "R@5", f"all_gold@{_READ_AT_ONCE}", "nDCG@10")


class Hops(Evaluation):
    """Asks each question without hops and with them. Rows are ranked by their first chunk.

    ``all_gold@8`` is whether all relevant passages of a question are among the first eight.
    """

    name = "hops"
    headline = tuple(f"with {name}" for name in ("R@5", *(one for one in _NAMES if one != "R@5")))

    def __init__(self, conditions: Conditions, strip_titles: bool = False) -> None:
        """Take titles out of the sets' passages if told to."""
        super().__init__(conditions)
        self._strip_titles = strip_titles
        self._sets: dict[str, EvaluationSet] = {}
        self._links: dict[str, int] = {}

    def read(self, paths: Sequence[Path]) -> dict[str, list[Example]]:
        """Return the questions of each BEIR-style set that have relevant passages."""
        self._sets = read_beir_sets(paths)
        return {name: as_examples(some) for name, some in self._sets.items()}

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[Target]:
        """Read the set's passages in, and ask."""
        sources = self._sets[name].sources
        contexts = {"without": replace(self.conditions.context, hops=0), "with": self.conditions.context}
        numbers = count()
        async with asking(
            self.conditions, [_untitled(one) for one in sources] if self._strip_titles else sources
        ) as it:
            self._links[name] = it.report.links if it.report else 0

            async def target(inputs: Mapping[str, Any]) -> dict[str, Any]:
                # Each is the first for half of the questions: the second finds passages that have been read.
                found: dict[str, dict[str, Any]] = {}
                spent: dict[str, float] = {}
                for way in _WAYS[:: 1 if next(numbers) % 2 else -1]:
                    started = time.perf_counter()
                    answer = await it.application.ask(it.principal, inputs["question"], context=contexts[way])
                    spent[way] = (time.perf_counter() - started) * 1000
                    found[way] = await it.outputs(answer)
                rankings = {way: found[way]["passages"] for way in _WAYS}
                return {**found["with"], "rankings": rankings, "ms": spent}

            yield target

    def score(self, example: Example, outputs: Mapping[str, Any]) -> dict[str, float]:
        """Return the measures of both rankings."""
        scores: dict[str, float] = {}
        for way in _WAYS:
            found = ranking_scores(outputs["rankings"][way], example.reference["relevant"], _MEASURES)
            found[f"all_gold@{_READ_AT_ONCE}"] = float(found[str(_ALL_READ)] == 1.0)
            scores |= {f"{way} {name}": found[name] for name in _NAMES}
        return scores

    def summary(self, results: Sequence[Result]) -> dict[str, Any]:
        """Return both ways' measures and latency, and the differences with intervals; of several sets, by name.

        The differences are paired by question: mean, and the ends of the interval of 95 %.
        """
        found = {name: self._of_set(name, some) for name, some in by_set(results).items()}
        return {"sets": found} if len(found) > 1 else next(iter(found.values()))

    def _of_set(self, name: str, results: Sequence[Result]) -> dict[str, Any]:
        scores = {way: {one: [result.scores[f"{way} {one}"] for result in results] for one in _NAMES} for way in _WAYS}
        return {
            **{
                way: {
                    **{one: round(mean_score(results, f"{way} {one}"), 4) for one in _NAMES},
                    **latency([result.outputs["ms"][way] for result in results]),
                }
                for way in _WAYS
            },
            "difference": {one: difference_interval(scores["without"][one], scores["with"][one]) for one in _NAMES},
            "questions": len(results),
            "passages": len(self._sets[name].sources) if name in self._sets else 0,
            "links": self._links.get(name, 0),
            "titles": not self._strip_titles,
        }


def _untitled(source: Source) -> Source:
    return replace(
        source,
        content_hash=lambda: source.content_hash() + b" untitled",
        parse=partial(_parse_untitled, source.parse),
    )


def _parse_untitled(parse: Callable[[], ParsedDocument]) -> ParsedDocument:
    """Return a document without its title; a function of the module, because parsing may happen in another process."""
    return replace(parse(), title="")
