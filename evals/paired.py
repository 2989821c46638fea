"""Differences between paired results: intervals by the bootstrap, tests by permutation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from evals.runs.aggregates import TableAggregate
from evals.runs.evaluation import Aggregate, Evaluation
from evals.runs.example import Result
from evals.runs.intervals import difference_interval

LEVEL = 0.05
_RESAMPLES = 9_999
_OF_AGGREGATES = 999  # each is computed anew from a whole sample
_ENDS = (0.025, 0.975)

Pair = tuple[Result, Result]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int_]


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric before and after over n pairs: the difference, its 95 % interval, and how likely chance explains it.

    ``p`` is that of a permutation test, ``adjusted`` the same after Holm's correction over the metrics of the table.
    """

    metric: str
    n: int
    before: float
    after: float
    difference: float
    low: float
    high: float
    p: float
    adjusted: float
    verdict: str


def differences(pairs: Sequence[Pair], evaluation: Evaluation) -> list[Difference]:
    """Return the difference of every metric that both have: the headline's first."""
    scores = dict.fromkeys(name for one, _ in pairs for name in one.scores)
    names = [name for name in scores if any(name in other.scores for _, other in pairs)]
    rows = [_of_score(name, pairs) for name in names if name not in evaluation.aggregates]
    rows += [_of_aggregate(name, aggregate, pairs) for name, aggregate in evaluation.aggregates.items()]
    order = {name: at for at, name in enumerate(evaluation.headline)}
    found = sorted((row for row in rows if row), key=lambda row: order.get(row.metric, len(order)))
    adjusted = holm([row.p for row in found])
    return [_judged(row, value, evaluation) for row, value in zip(found, adjusted, strict=True)]


def holm(values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm, Scandinavian Journal of Statistics 6, 1979)."""
    order = np.argsort(values, kind="stable")
    adjusted = np.empty(len(values))
    highest = 0.0
    for place, at in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - place) * values[at]))
        adjusted[at] = highest
    return [round(float(value), 5) for value in adjusted]


def _of_score(metric: str, pairs: Sequence[Pair]) -> Difference | None:
    """Return the difference of means; its test turns signs around, which is exchanging the two of a pair."""
    both = [
        (one.scores[metric], other.scores[metric])
        for one, other in pairs
        if {metric} <= {*one.scores} & {*other.scores}
    ]
    if not both:
        return None
    before, after = np.array(both, dtype=np.float64).T
    difference, low, high = difference_interval(before.tolist(), after.tolist())
    p = _sign_test(after - before)
    return Difference(metric, len(both), _round(before.mean()), _round(after.mean()), difference, low, high, p, p, "")


def _sign_test(gained: npt.NDArray[np.float64]) -> float:
    """Return how likely a mean as far from 0 is if either run of a pair could have been the other, two-sided.

    All turns of signs are tried where they are few, else ~10,000 of them (Good, "Permutation, Parametric, and Bootstrap
    Tests of Hypotheses", 2005). What did not change is left out: turning its sign changes nothing.
    """
    from scipy.stats import permutation_test

    changed = gained[gained != 0]
    if len(changed) < 2:  # its sign turned around, one value is as far from 0
        return 1.0
    found = permutation_test(
        (changed,), lambda values, axis: values.sum(axis=axis), permutation_type="samples", vectorized=True,
        n_resamples=_RESAMPLES, batch=1000, rng=np.random.default_rng(0),
    )  # fmt: skip
    return round(float(found.pvalue), 5)


def _of_aggregate(metric: str, aggregate: Aggregate, pairs: Sequence[Pair]) -> Difference | None:
    """Return the difference of a metric over all results: pairs are drawn together, and exchanged for the test."""
    count = len(pairs)
    value, exchanged = _tabled(aggregate, pairs) if isinstance(aggregate, TableAggregate) else _listed(aggregate, pairs)
    everything, chance = np.arange(count), np.random.default_rng(0)
    before, after = value(0, everything), value(1, everything)
    if np.isnan(before) or np.isnan(after):
        return None
    draws = [chance.integers(count, size=count) for _ in range(_OF_AGGREGATES)]
    gained = np.array([value(1, at) - value(0, at) for at in draws])
    low, high = np.nanquantile(gained, _ENDS) if not np.isnan(gained).all() else (np.nan, np.nan)
    null = np.array([exchanged(chance.random(count) < 0.5) for _ in range(_OF_AGGREGATES)])
    # The pairs as they are are one of the exchanges; a hair less than the difference makes up for rounding.
    p = (1 + np.nansum(np.abs(null) >= abs(after - before) - 1e-12)) / (1 + _OF_AGGREGATES)
    first, second, gain, least, most = (_round(number) for number in (before, after, after - before, low, high))
    return Difference(metric, count, first, second, gain, least, most, round(float(p), 5), round(float(p), 5), "")


Value = Callable[[int, Places], float]
Exchanged = Callable[[Mask], float]


def _tabled(aggregate: TableAggregate, pairs: Sequence[Pair]) -> tuple[Value, Exchanged]:
    """Return an aggregate of one side of some pairs, and its difference when some are exchanged."""
    rows = [[aggregate.row(one) for one in pair] for pair in pairs]
    width = next((len(row) for pair in rows for row in pair if row is not None), 1)
    there = np.array([[row is not None for row in pair] for pair in rows])
    table = np.array([[[np.nan] * width if row is None else row for row in pair] for pair in rows], dtype=np.float64)
    everything = np.arange(len(pairs))

    def value(side: int | Places, at: Places) -> float:
        chosen = table[at, side][there[at, side]]
        return aggregate.metric(chosen) if len(chosen) else float("nan")

    def exchanged(turned: Mask) -> float:
        first = turned.astype(int)
        return value(1 - first, everything) - value(first, everything)

    return value, exchanged


def _listed(aggregate: Aggregate, pairs: Sequence[Pair]) -> tuple[Value, Exchanged]:
    """Return the same of an aggregate that reads results."""

    def value(side: int, at: Places) -> float:
        return aggregate([pairs[place][side] for place in at])

    def exchanged(turned: Mask) -> float:
        both = [
            (after, before) if turn else (before, after) for (before, after), turn in zip(pairs, turned, strict=True)
        ]
        return aggregate([after for _, after in both]) - aggregate([before for before, _ in both])

    return value, exchanged


def _judged(row: Difference, adjusted: float, evaluation: Evaluation) -> Difference:
    if adjusted >= LEVEL or not row.difference:
        return replace(row, adjusted=adjusted, verdict="not told apart")
    rose = (row.difference > 0) != (row.metric in evaluation.lower_is_better)
    return replace(row, adjusted=adjusted, verdict="better" if rose else "worse")


def _round(value: float) -> float:
    return round(float(value), 4)
