"""Whether confidence tells right from wrong: risk by coverage, reliability, receiver operating characteristic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evals.measures.calibration import BINS, calibration_error, risk_at, risks
from evals.report.colours import INK, LINE, SERIES, SOFT
from evals.report.plots.drawing import MARKERS, STYLES, Plot, drawing, finished, label, legend, shares
from evals.runs.evaluation import by_set
from evals.runs.example import Result

_LEAST = 20  # results that a curve needs to tell anything
_CURVES = 5
_Z = 1.96
# What was said to be how likely, and where it stands whether it is so.
_CLASSIFIED = (("score", "supported", "a claim that its evidence supports"), ("confidence", "answerable", "a question "
               "that can be answered"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scored:
    """Probabilities or scores that were given, and whether what they were given to is so."""

    given: npt.NDArray[np.float64]
    true: npt.NDArray[np.bool_]


def risk_coverage(results: Sequence[Result]) -> Plot | None:
    """Draw the share of wrong answers among the most confident ones (El-Yaniv and Wiener, JMLR 11, 2010)."""
    sets = _curves(_answers, results)
    if not sets:
        return None
    with drawing() as figure:
        axes = figure.subplots()
        for at, (name, some) in enumerate(sets.items()):
            coverage, risk = _curve(some)
            axes.plot(coverage, risk, color=SERIES[at], linestyle=STYLES[at],
                      label=f"{label(name)} (n={len(some.true)})")  # fmt: skip
            axes.plot(coverage[-1], risk[-1], MARKERS[at], color=SERIES[at])
        axes.set_xlabel("Coverage: share of examples, surest first")
        axes.set_ylabel("Risk: share of these that is wrong")
        shares(axes, "x")
        axes.set_ylim(bottom=-0.02)
        legend(figure, axes)
        return finished(figure, "risk-coverage", "Risk by coverage", _said_of_risk(sets))


def _curve(some: Scored) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return coverages and the risk at each."""
    count = len(some.true)
    return np.arange(1, count + 1) / count, risks(some.true, some.given)


def _said_of_risk(sets: Mapping[str, Scored]) -> str:
    said = []
    for name, some in sets.items():
        half = risk_at(some.true, some.given, 0.5)
        said.append(f"{name}: {half:.2f} wrong at half coverage, {risk_at(some.true, some.given, 1.0):.2f} at full")
    return (
        "If only the surest were given, how many would be wrong? A useful confidence makes the curve rise from left to "
        f"right. {'; '.join(said)}. Where no answer is given although there is one, that is wrong too."
    )


def reliability(results: Sequence[Result]) -> Plot | None:
    """Draw how often answers are right at each confidence (Guo et al., "On Calibration", ICML 2017)."""
    answers, claims = _answers(results), _classified(results, "score", "supported")
    if answers is None and claims is None:
        return None
    some, said_of = (answers, "answers said to be right") if answers else (claims, "claims said to be supported")
    assert some is not None
    bins = np.minimum((some.given * BINS).astype(int), BINS - 1)
    used = [at for at in range(BINS) if (bins == at).any()]
    counts = np.array([(bins == at).sum() for at in used])
    said = np.array([some.given[bins == at].mean() for at in used])
    right = np.array([some.true[bins == at].mean() for at in used])
    low, high = _wilson(right, counts)
    with drawing(3.6) as figure:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        upper.plot([0, 1], [0, 1], "--", color=SOFT, linewidth=1)
        spread = np.clip([right - low, high - right], 0, None)
        upper.errorbar(said, right, yerr=spread, fmt="o", color=SERIES[0], elinewidth=1, capsize=2)
        upper.set_ylabel("Share that is so")
        shares(upper, "x", "y")
        lower.bar((np.array(used) + 0.5) / BINS, counts, width=0.9 / BINS, color=SERIES[0])
        lower.set_ylabel("Number")
        lower.set_xlabel("Confidence (mean of each tenth)")
        caption = (
            f"Of {said_of} with a probability of 0.7, 7 in 10 should be: on the dashed line. Expected "
            f"calibration error {calibration_error(some.true, some.given):.3f} over n={counts.sum()}; whiskers are "
            "Wilson intervals of 95 %."
        )
        return finished(figure, "reliability", "Is confidence what it says?", caption)


def roc(results: Sequence[Result]) -> Plot | None:
    """Draw true positives by false positives over all thresholds, where a score tells two classes apart."""
    from sklearn.metrics import roc_auc_score, roc_curve

    for output, reference, meaning in _CLASSIFIED:
        sets = _curves(lambda some, one=output, other=reference: _classified(some, one, other), results)
        if not sets:
            continue
        with drawing() as figure:
            axes = figure.subplots()
            axes.plot([0, 1], [0, 1], "--", color=SOFT, linewidth=1)
            for at, (name, some) in enumerate(sets.items()):
                wrong, right, _ = roc_curve(some.true, some.given)
                area = roc_auc_score(some.true, some.given)
                axes.plot(
                    wrong,
                    right,
                    color=SERIES[at],
                    linestyle=STYLES[at],
                    label=f"{label(name)} {area:.3f} (n={len(some.true)})",
                )
            axes.set_xlabel("False positive rate")
            axes.set_ylabel("True positive rate")
            shares(axes, "x", "y")
            axes.legend(title="AUROC", fontsize=8, title_fontsize=8, loc="lower right")
            caption = (
                f"At every threshold of the {output}, how many of the positives ({meaning}) are told, and how many of "
                "the others are taken for one. Chance is the dashed diagonal."
            )
            return finished(figure, "roc", "Telling the two classes apart", caption)
    return None


def spread(results: Sequence[Result], metric: str) -> Plot | None:
    """Draw how the values of a metric are spread over the examples, if it has more than a few."""
    values = np.array([one.scores[metric] for one in results if metric in one.scores])
    if len(values) < _LEAST or len(np.unique(values)) < 6:
        return None
    with drawing(2.4) as figure:
        axes = figure.subplots()
        axes.hist(values, bins=20, color=SERIES[0], edgecolor=LINE, linewidth=0.5)
        axes.axvline(float(values.mean()), color=INK, linewidth=1, linestyle="--")
        axes.set_xlabel(f"{label(metric, 40)} of an example")
        axes.set_ylabel("Examples")
        least, most = int((values == values.min()).sum()), int((values == values.max()).sum())
        caption = (
            f"n={len(values)}. The mean ({values.mean():.3f}, dashed) hides how it comes about. Examples with the "
            f"lowest value ({values.min():.2f}): {least}; with the highest ({values.max():.2f}): {most}."
        )
        return finished(figure, "spread", f"{metric}, example by example", caption)


def _curves(take: Any, results: Sequence[Result]) -> dict[str, Scored]:
    """Return what is taken from each set's results; from all together where the sets are too many to tell apart."""
    sets = by_set(results)
    if len(sets) > _CURVES:
        sets = {f"all {len(sets)} sets": list(results)}
    return {name: some for name, found in sets.items() if (some := take(found)) is not None}


def _answers(results: Sequence[Result]) -> Scored | None:
    found = [
        (one.outputs["confidence"], one.scores["right"] > 0.5 and not one.outputs.get("abstained"))
        for one in results
        if one.outputs.get("confidence") is not None and "right" in one.scores
    ]
    return _scored(found)


def _classified(results: Sequence[Result], output: str, reference: str) -> Scored | None:
    found = [
        (one.outputs[output], bool(one.example.reference[reference]))
        for one in results
        if one.outputs.get(output) is not None and reference in one.example.reference
    ]
    scored = _scored(found)
    return scored if scored is not None and scored.true.any() and not scored.true.all() else None


def _scored(found: Sequence[tuple[float, bool]]) -> Scored | None:
    if len(found) < _LEAST:
        return None
    return Scored(np.array([given for given, _ in found], dtype=np.float64), np.array([so for _, so in found]))


def _wilson(
    share: npt.NDArray[np.float64], n: npt.NDArray[np.int_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the ends of the interval of a share (Wilson, JASA 22, 1927)."""
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2)) / (1 + _Z**2 / n)
    return middle - half, middle + half
