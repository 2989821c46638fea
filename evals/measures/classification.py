"""How well a yes or a no is told; nan where a measure is not defined.

The same values as scikit-learn's ``roc_auc_score``, ``balanced_accuracy_score``, ``f1_score`` and ``fbeta_score``
(tests compare them), which check their input for milliseconds: too long for every one of a bootstrap's samples.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.bool_]
Scores = npt.NDArray[np.float64]


def auroc(truth: Labels, scores: Scores) -> float:
    """Return the probability that a true case has a higher score than a false one, ties counting half.

    The Mann-Whitney statistic of the two kinds (Hanley and McNeil, 1982); nan if all cases are of one kind.
    """
    from scipy.stats import rankdata

    true, false = int(truth.sum()), int((~truth).sum())
    if not true or not false:
        return math.nan
    return float((rankdata(scores)[truth].sum() - true * (true + 1) / 2) / (true * false))


def balanced_accuracy(truth: Labels, said: Labels) -> float:
    """Return the mean of the shares of true and of false cases that were told right; nan if all are of one kind."""
    if truth.all() or not truth.any():
        return math.nan
    return float((said[truth].mean() + (~said[~truth]).mean()) / 2)


def f1(truth: Labels, said: Labels) -> float:
    """Return the harmonic mean of precision and recall of the true cases; nan if there are none."""
    found = int((truth & said).sum())
    precision, recall = precision_recall(found, int((truth & ~said).sum()), int((said & ~truth).sum()))
    return f_beta(precision, recall)


def precision_recall(found: float, missed: float, wrong: float) -> tuple[float, float]:
    """Return precision (0 if nothing was found) and recall (nan if there was nothing to find) of what was counted."""
    precision = found / (found + wrong) if found + wrong else 0.0
    return precision, found / (found + missed) if found + missed else math.nan


def f_beta(precision: float, recall: float, beta: float = 1.0) -> float:
    """Return their weighted harmonic mean, recall counting ``beta`` times as much (van Rijsbergen, 1979)."""
    total = beta**2 * precision + recall
    return (1 + beta**2) * precision * recall / total if total else 0.0
