"""What every kind of evaluation is made of."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from evals.runs.example import Example, Result
from evals.scratch import scratch_database
from graph.without import Switch
from settings import Settings, settings
from state.run import RunContext
from store.database import Database

Target = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]
Aggregate = Callable[[Sequence[Result]], float]


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under what a run is made: settings, what is set for each question, and how many examples of a set at most.

    ``documents`` are files and folders that sets without passages of their own are asked of, in place of what is in the
    database. ``without`` are the steps left out of the graph; ``connect`` opens the database of sets with passages.
    """

    settings: Settings = field(default_factory=settings)
    context: RunContext = field(default_factory=lambda: RunContext(cache=False))
    most: int | None = None
    documents: tuple[Path, ...] = ()
    without: frozenset[Switch] = frozenset()
    connect: Callable[[Settings], AbstractAsyncContextManager[Database]] = scratch_database


class Evaluation(ABC):
    """One kind of evaluation over sets of examples.

    ``headline`` names the metrics that count most; results are ordered from worst to best by the first that is a score.
    A metric is the mean of a score, or what ``aggregates`` computes from all results of a set (such as an AUROC).
    Metrics in ``lower_is_better`` are better when lower.
    """

    name: ClassVar[str]
    headline: ClassVar[tuple[str, ...]]
    aggregates: ClassVar[Mapping[str, Aggregate]] = {}
    lower_is_better: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, conditions: Conditions) -> None:
        self.conditions = conditions

    @abstractmethod
    def read(self, paths: Sequence[Path]) -> dict[str, list[Example]]:
        """Return the examples of each set found at or below the paths, by the sets' names. Raises `UnreadableSet`."""

    @abstractmethod
    def open(self, name: str) -> AbstractAsyncContextManager[Target]:
        """Open what the examples of that set are asked of, from inputs to outputs; closed when its context ends."""

    @abstractmethod
    def score(self, example: Example, outputs: Mapping[str, Any]) -> dict[str, float]:
        """Return what the outputs of an example are worth, by metric; a metric that does not apply is left out."""

    async def examined(self, example: Example, outputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the outputs of an example with what only a model can tell of them; its time is not the answer's."""
        return outputs

    def kept(self, example: Example, outputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the outputs as results keep them: with what only the reference tells, such as ``ranks``."""
        return dict(outputs)

    def made_with(self) -> dict[str, Any]:
        """Return what a run of this evaluation is made with besides its conditions, to be kept with the run."""
        return {}

    def summary(self, results: Sequence[Result]) -> dict[str, Any]:
        """Return what the command prints as JSON; by default, the metrics of each set."""
        return {name: self.metrics(some) for name, some in by_set(results).items()}

    def metrics(self, results: Sequence[Result]) -> dict[str, float]:
        """Return every metric over some results, the headline's first; an aggregate that is nan is left out."""
        scores = dict.fromkeys(name for result in results for name in result.scores)
        found = {name: mean_score(results, name) for name in scores}
        found |= {name: aggregate(results) for name, aggregate in self.aggregates.items()}
        found = {name: value for name, value in found.items() if not math.isnan(value)}
        ordered = [name for name in self.headline if name in found]
        return {name: round(found[name], 4) for name in dict.fromkeys([*ordered, *found])}

    def worst(self, results: Sequence[Result], count: int) -> list[Result]:
        """Return the results with the lowest values of the first metric of the headline that is a score."""
        names = [name for name in self.headline if any(name in result.scores for result in results)]
        if not names:
            return []
        sign = -1 if names[0] in self.lower_is_better else 1
        scored = [result for result in results if names[0] in result.scores]
        return sorted(scored, key=lambda result: sign * result.scores[names[0]])[:count]


def mean_score(results: Sequence[Result], name: str) -> float:
    """Return the mean of a score over the results that have it."""
    return float(np.mean([result.scores[name] for result in results if name in result.scores]))


def by_set(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Return results by the names of their sets."""
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(result.set, []).append(result)
    return found
