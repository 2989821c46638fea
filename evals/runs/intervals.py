"""How sure a metric is: bootstrap intervals (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evals.runs.aggregates import TableAggregate
from evals.runs.evaluation import Aggregate, Evaluation
from evals.runs.example import Result

_RESAMPLES = 10_000
_OF_AGGREGATES = 500  # each is computed anew from a whole sample
_DRAWN = 1_000_000  # numbers drawn at once: as many as stay in a few megabytes
_LEVEL = (0.025, 0.975)


def mean_interval(values: Sequence[float], resamples: int = _RESAMPLES) -> list[float]:
    """Return the mean and the ends of the interval that holds 95 % of the means of bootstrap samples."""
    given = np.asarray(values, dtype=np.float64)
    chance = np.random.default_rng(0)
    at_once = max(1, _DRAWN // len(given))
    sizes = [min(at_once, resamples - begun) for begun in range(0, resamples, at_once)]
    means = np.concatenate([given[chance.integers(len(given), size=(size, len(given)))].mean(axis=1) for size in sizes])
    return [round(float(value), 4) for value in (given.mean(), *np.quantile(means, _LEVEL))]


def score_interval(values: Sequence[float], resamples: int = _RESAMPLES) -> list[float]:
    """Return the mean of scores in 0..1 and the ends of its interval of 95 %.

    Where all are 0, or all 1, every bootstrap sample is the same; the ends are then those of the exact binomial
    interval (Clopper and Pearson, Biometrika 1934).
    """
    end = round(_LEVEL[0] ** (1 / len(values)), 4)
    if not any(values):
        return [0.0, 0.0, round(1 - end, 4)]
    if all(value == 1 for value in values):
        return [1.0, end, 1.0]
    return mean_interval(values, resamples)


def difference_interval(before: Sequence[float], after: Sequence[float]) -> list[float]:
    """Return the mean of ``after - before``, paired by their places, and the ends of its bootstrap interval of 95 %."""
    return mean_interval([later - earlier for earlier, later in zip(before, after, strict=True)])


def metric_intervals(evaluation: Evaluation, results: Sequence[Result]) -> dict[str, list[float]]:
    """Return every metric over some results with the ends of its 95 % interval; the headline's first."""
    intervals = {}
    for name in evaluation.metrics(results):
        if name in evaluation.aggregates:
            intervals[name] = aggregate_interval(evaluation.aggregates[name], results)
        else:
            intervals[name] = score_interval([one.scores[name] for one in results if name in one.scores])
    return intervals


def aggregate_interval(aggregate: Aggregate, results: Sequence[Result]) -> list[float]:
    """Return an aggregate over some results and the ends of its bootstrap interval of 95 %."""
    samples = aggregate_samples(aggregate, results, _OF_AGGREGATES)
    ends = np.nanquantile(samples, _LEVEL) if not np.isnan(samples).all() else (np.nan, np.nan)
    return [round(float(value), 4) for value in (aggregate(results), *ends)]


def aggregate_samples(aggregate: Aggregate, results: Sequence[Result], count: int) -> list[float]:
    """Return an aggregate of ``count`` bootstrap samples of results; nan where it is not defined."""
    chance = np.random.default_rng(0)
    if isinstance(aggregate, TableAggregate):
        table = aggregate.table(results)
        draws = (chance.integers(len(table), size=len(table)) for _ in range(count)) if len(table) else ()
        return [aggregate.metric(table[at]) for at in draws]
    return [aggregate([results[at] for at in chance.integers(len(results), size=len(results))]) for _ in range(count)]
