"""How sure a metric is: bootstrap intervals (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evals.runs.evaluation import Evaluation
from evals.runs.example import Result

_RESAMPLES = 10_000
_OF_AGGREGATES = 500  # each is computed anew from a whole sample
_LEVEL = (0.025, 0.975)


def mean_interval(values: Sequence[float]) -> list[float]:
    """Return the mean and the ends of the interval that holds 95 % of the means of bootstrap samples."""
    given = np.asarray(values, dtype=np.float64)
    chance = np.random.default_rng(0)
    means = np.array([given[chance.integers(len(given), size=len(given))].mean() for _ in range(_RESAMPLES)])
    return [round(float(value), 4) for value in (given.mean(), *np.quantile(means, _LEVEL))]


def metric_intervals(evaluation: Evaluation, results: Sequence[Result]) -> dict[str, list[float]]:
    """Return every metric over some results with the ends of its 95 % interval; the headline's first."""
    intervals = {}
    for name in evaluation.metrics(results):
        if name in evaluation.aggregates:
            intervals[name] = _aggregate_interval(evaluation, name, results)
        else:
            intervals[name] = mean_interval([one.scores[name] for one in results if name in one.scores])
    return intervals


def _aggregate_interval(evaluation: Evaluation, name: str, results: Sequence[Result]) -> list[float]:
    aggregate, chance = evaluation.aggregates[name], np.random.default_rng(0)
    samples = [
        aggregate([results[at] for at in chance.integers(len(results), size=len(results))])
        for _ in range(_OF_AGGREGATES)
    ]
    return [round(float(value), 4) for value in (aggregate(results), *np.nanquantile(samples, _LEVEL))]
