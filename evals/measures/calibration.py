"""Whether a confidence is the probability of being right, and what is gained by answering only where it is high."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evals.measures.classification import Labels, Scores

BINS = 10


def calibration_error(right: Labels, confidence: Scores) -> float:
    """Return the expected calibration error over ten bins of equal width, in 0..1.

    The distance of mean confidence and share of right answers of each bin, weighed by its size (Naeini et al.,
    "Obtaining Well Calibrated Probabilities Using Bayesian Binning", 2015).
    """
    counts, said, found = _bins(right, confidence)
    return float(np.abs(said - found).sum() / counts.sum())


def reliability(right: Labels, confidence: Scores) -> list[dict[str, float]]:
    """Return for each tenth of confidence that has answers their mean confidence, the share right, and how many."""
    return [
        {"confidence": round(float(said / count), 3), "right": round(float(found / count), 3), "questions": int(count)}
        for count, said, found in zip(*_bins(right, confidence), strict=True)
        if count
    ]


def risks(right: Labels, confidence: Scores) -> npt.NDArray[np.float64]:
    """Return the risk of answering the n most confident questions, n from 1 to all, shape ``(questions,)``.

    Risk is the share of wrong answers. Questions of the same confidence count with the mean of theirs: their order
    tells nothing (El-Yaniv and Wiener, "On the Foundations of Noise-free Selective Classification", 2010).
    """
    _, group, counts = np.unique(-confidence, return_inverse=True, return_counts=True)
    wrong = np.bincount(group, weights=~right) / counts
    return np.asarray(np.cumsum(np.repeat(wrong, counts)) / np.arange(1, len(right) + 1), dtype=np.float64)


def risk_at(right: Labels, confidence: Scores, coverage: float) -> float:
    """Return the risk of answering that share of the questions, those of the highest confidence."""
    return float(risks(right, confidence)[_count(len(right), coverage) - 1])


def best_risk(right: Labels, coverage: float) -> float:
    """Return the lowest risk that any order can have at that coverage."""
    count = _count(len(right), coverage)
    wrong = int((~right).sum())
    return max(0, wrong - (len(right) - count)) / count


def risk_curve_area(right: Labels, confidence: Scores) -> float:
    """Return the mean risk over all coverages (AURC).

    Geifman et al., "Bias-Reduced Uncertainty Estimation for Deep Neural Classifiers", 2019.
    """
    return float(risks(right, confidence).mean())


def excess_risk_curve_area(right: Labels, confidence: Scores) -> float:
    """Return the AURC less that of the best order (E-AURC): 0 if every right answer is before every wrong one."""
    return risk_curve_area(right, confidence) - float(risks(right, right.astype(np.float64)).mean())


def _count(questions: int, coverage: float) -> int:
    return max(1, round(coverage * questions))


def _bins(right: Labels, confidence: Scores) -> tuple[Scores, Scores, Scores]:
    """Return by bin the number of answers, the sum of their confidence, and how many were right."""
    at = np.clip((confidence * BINS).astype(int), 0, BINS - 1)
    sums = np.zeros((3, BINS))
    for row, values in zip(sums, (np.ones(len(at)), confidence, right), strict=True):
        np.add.at(row, at, values)
    return sums[0], sums[1], sums[2]
