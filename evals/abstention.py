"""Does the confidence of an answer tell when there is none? Questions with and without what answers them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from evals.answers import completeness
from evals.asking import asking
from evals.measures import calibration
from evals.measures.classification import Labels, Scores, auroc
from evals.runs.aggregates import Table, TableAggregate
from evals.runs.evaluation import Aggregate, Evaluation, Target, by_set
from evals.runs.example import Example, Result
from evals.runs.intervals import aggregate_interval
from evals.sets.questions import QuestionSet, read_question_sets
from state.filters import parse_filters

MOST_TAKEN_AWAY = 700  # answerable questions that are asked again without their passages, all sets together
COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
_HELD = 0.5  # of a right answer's words: as many as make an answer right
_WITHOUT = "without its passages"


def _row(result: Result) -> tuple[float, ...]:
    answerable, outputs = result.example.reference["answerable"], result.outputs
    return answerable, outputs["confidence"], outputs["cosine"], result.scores["right"]


def _answerable(column: int) -> TableAggregate:
    """Return how well a column puts questions that can be answered above others."""
    return TableAggregate(_row, lambda table: auroc(table[:, 0] > 0, table[:, column]))


def _gain(table: Table) -> float:
    truth = table[:, 0] > 0
    return auroc(truth, table[:, 1]) - auroc(truth, table[:, 2])


def _of_confidence(measure: Callable[[Labels, Scores], float]) -> TableAggregate:
    return TableAggregate(_row, lambda table: measure(table[:, 3] > 0, table[:, 1]))


def _risk_at(coverage: float) -> TableAggregate:
    return _of_confidence(lambda right, confidence: calibration.risk_at(right, confidence, coverage))


class Abstention(Evaluation):
    """Asks every question, and some again without the passages that answer them; whatever finds a passage is answered.

    ``auroc`` tells whether the confidence puts questions that can be answered above others, ``cosine auroc`` whether
    the highest cosine of a passage does, ``gain`` what lies between. An answer is right if it holds half of the words
    of a right one; risk is the share of questions answered wrong, or answered although they cannot be, among those of
    the highest confidence. ``brier`` and ``ece`` tell whether the confidence is the probability of a right answer.
    """

    name = "abstention"
    headline = ("auroc", "gain", "aurc", "ece", "brier", "right")
    lower_is_better = frozenset(
        {"aurc", "e_aurc", "ece", "brier", *(f"risk at {coverage:.0%}" for coverage in COVERAGES)}
    )
    aggregates: ClassVar[Mapping[str, Aggregate]] = {
        "auroc": _answerable(1),
        "cosine auroc": _answerable(2),
        "gain": TableAggregate(_row, _gain),
        "aurc": _of_confidence(calibration.risk_curve_area),
        "e_aurc": _of_confidence(calibration.excess_risk_curve_area),
        "ece": _of_confidence(calibration.calibration_error),
        **{f"risk at {coverage:.0%}": _risk_at(coverage) for coverage in COVERAGES},
    }

    def read(self, paths: Sequence[Path]) -> dict[str, list[Example]]:
        """Return the questions of each set: as they are, without their passages, and those that have no answer."""
        self._sets: dict[str, QuestionSet] = read_question_sets(paths, with_answers=True)
        away, examples = MOST_TAKEN_AWAY, {}
        for name, some in self._sets.items():
            taken = [_without(one) for one in some.examples if one.reference.get("relevant")][:away]
            away -= len(taken)
            rows = zip_longest(map(_asked, some.examples), taken, map(_asked, some.unanswerable))
            examples[name] = [one for row in rows for one in row if one is not None]
        return examples

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[Target]:
        """Read the set's passages in, and ask."""
        configuration = self.conditions.settings.model_copy(update={"abstain_below": 0.0})
        async with asking(replace(self.conditions, settings=configuration), self._sets[name].sources) as asked:
            searcher, principal = asked.application.searcher, asked.principal

            async def target(inputs: Mapping[str, Any]) -> dict[str, Any]:
                question, without = inputs["question"], inputs.get("without", ())
                filters = (
                    [f"document={one}" for one, row in asked.rows.items() if row not in without] if without else []
                )
                answer, outputs = await asked.ask(question, filters=filters)
                hits = await searcher.search(principal, question, "vector", k=1, filters=parse_filters(filters))
                said = [claim.text for claim in answer.claims]
                return {**outputs, "sentences": said, "cosine": round(float(hits[0].score), 4) if hits else 0.0}

            yield target

    def score(self, example: Example, outputs: Mapping[str, Any]) -> dict[str, float]:
        """Return whether the answer is right, and how far the confidence is from that."""
        held = completeness(" ".join(outputs["sentences"]), example.reference["answers"])
        right = float(example.reference["answerable"] and held >= _HELD)
        return {"right": right, "brier": (outputs["confidence"] - right) ** 2}

    def worst(self, results: Sequence[Result], count: int) -> list[Result]:
        """Return the answers whose confidence is farthest from whether they are right."""
        return sorted(results, key=lambda one: -one.scores.get("brier", -1.0))[:count]

    def summary(self, results: Sequence[Result]) -> dict[str, Any]:
        """Return questions by set and kind, AUROC against cosine's, risk by coverage, and calibration.

        Coverage is a share of all questions, or of those that can be answered (``answerable_coverage``): of all, no
        ranking can keep the risk below ``best_risk``.
        """
        table = TableAggregate(_row, len).table(results)
        right, confidence = table[:, 3] > 0, table[:, 1]
        return {
            "questions": _counts(results),
            "auroc": _auroc_row(results),
            **{f"auroc {name}": _auroc_row(some) for name, some in by_set(results).items()},
            "selective": _selective(table[:, 0] > 0, right, confidence),
            "calibration": calibration.reliability(right, confidence),
            "ece": round(calibration.calibration_error(right, confidence), 4),
            "brier": round(float(np.mean((confidence - right) ** 2)), 4),
        }


def _asked(example: Example) -> Example:
    """Return a question with what an answer must hold: a verdict's long answer, for few answers say the verdict."""
    answers = example.reference.get("long_answers") or example.reference["answers"]
    kind = example.kind or ("answerable" if answers else "unanswerable")
    return replace(example, reference={**example.reference, "answers": answers, "answerable": bool(answers)}, kind=kind)


def _without(example: Example) -> Example:
    """Return a question as one that cannot be answered, because what answers it is left out."""
    inputs = {**example.inputs, "without": list(example.reference["relevant"])}
    return Example(f"{example.key} {_WITHOUT}", inputs, {"answers": [], "answerable": False}, _WITHOUT)


def _counts(results: Sequence[Result]) -> dict[str, int]:
    """Return the number of questions by set and by why they cannot be answered."""
    counts: dict[str, int] = {}
    for result in results:
        example = result.example
        reason = "" if example.reference["answerable"] else _WITHOUT if "without" in example.inputs else "unanswerable"
        name = f"{result.set} {reason}".strip()
        counts[name] = counts.get(name, 0) + 1
    return counts


def _auroc_row(results: Sequence[Result]) -> dict[str, Any]:
    row: dict[str, Any] = {"questions": len(results)}
    answerable = sum(result.example.reference["answerable"] for result in results)
    if answerable in (0, len(results)):
        return row
    gain = aggregate_interval(Abstention.aggregates["gain"], results)
    return {
        **row,
        "answerable": answerable,
        "confidence": round(Abstention.aggregates["auroc"](results), 4),
        "cosine": round(Abstention.aggregates["cosine auroc"](results), 4),
        "gain_95": gain[1:],
    }


def _selective(answerable: Labels, right: Labels, confidence: Scores) -> dict[str, Any]:
    """Return the risk of what is answered at each coverage, by falling confidence."""
    everything = float((~right).mean())
    risk = calibration.risks(right, confidence)
    reached = np.cumsum(answerable[np.argsort(-confidence, kind="stable")])
    wanted = {coverage: int(np.searchsorted(reached, coverage * answerable.sum())) for coverage in COVERAGES}
    by_answerable = {str(coverage): round(float(risk[at]), 4) for coverage, at in wanted.items()}
    by_all = {str(coverage): round(calibration.risk_at(right, confidence, coverage), 4) for coverage in COVERAGES}
    return {
        "risk_answering_all": round(everything, 4),
        "risk": by_all,
        "best_risk": {str(coverage): round(calibration.best_risk(right, coverage), 4) for coverage in COVERAGES},
        "risk_by_answerable_coverage": by_answerable,
        "change_at_0.8": round(by_all["0.8"] / everything - 1, 4) if everything else 0.0,
        "change_at_0.8_answerable": round(by_answerable["0.8"] / everything - 1, 4) if everything else 0.0,
        "aurc": round(calibration.risk_curve_area(right, confidence), 4),
        "excess_aurc": round(calibration.excess_risk_curve_area(right, confidence), 4),
    }
