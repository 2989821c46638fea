"""How far the chat model's judgements of answers agree with labels, and what they cost."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

from evals.judging import ASPECTS, Aspect, Judge, Judged, open_judge, prompt_hash
from evals.measures.classification import Labels, balanced_accuracy
from evals.runs.aggregates import TableAggregate
from evals.runs.evaluation import Aggregate, Evaluation, Target
from evals.runs.example import Example, Result
from evals.runs.intervals import metric_intervals
from evals.sets.judged import read_judged


def kappa(labels: Labels, said: Labels) -> float:
    """Return how far two sides agree beyond chance (Cohen, 1960): 1 always, 0 as by chance; nan if it is all one label.

    Landis and Koch (1977) call 0.41 to 0.60 moderate, what is above it substantial. The same values as scikit-learn's
    ``cohen_kappa_score`` (a test compares them), which takes too long for every one of a bootstrap's samples.
    """
    seen = float((labels == said).mean())
    by_chance = float(labels.mean() * said.mean() + (1 - labels.mean()) * (1 - said.mean()))
    return (seen - by_chance) / (1 - by_chance) if by_chance < 1 else math.nan


def _aggregate(metric: Callable[[Labels, Labels], float]) -> TableAggregate:
    """Return a metric of labels and verdicts over results."""
    return TableAggregate(
        lambda result: (result.example.reference["label"], result.outputs["verdict"]),
        lambda table: metric(table[:, 0] > 0, table[:, 1] > 0),
    )


class Judges(Evaluation):
    """Asks the judge about answers whose labels are known."""

    name = "judges"
    headline = ("kappa", "balanced_accuracy", "agrees")
    aggregates: ClassVar[Mapping[str, Aggregate]] = {
        "kappa": _aggregate(kappa),
        "balanced_accuracy": _aggregate(balanced_accuracy),
    }

    def read(self, paths: Sequence[Path]) -> dict[str, list[Example]]:
        """Return labelled answers of each set, for each aspect that it can measure."""
        return read_judged(paths)

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[Target]:
        """Ask the configured chat model. Raises `NoJudge`."""
        async with open_judge(self.conditions.settings) as judge:

            async def target(inputs: Mapping[str, Any]) -> dict[str, Any]:
                judged = await _judged(judge, inputs)
                return {
                    "verdict": judged.holds,
                    "answer": f"{'yes' if judged.holds else 'no'}: {judged.reason}",
                    "usage": judged.usage.as_json(),
                }

            yield target

    def score(self, example: Example, outputs: Mapping[str, Any]) -> dict[str, float]:
        """Return whether the judge agrees with the label."""
        return {"agrees": float(outputs["verdict"] is example.reference["label"])}

    def made_with(self) -> dict[str, Any]:
        """Return what the judge is: its model, and the prompt of each aspect."""
        model = self.conditions.settings.chat_model
        return {"judge": {"model": model, "prompts": {aspect: prompt_hash(aspect) for aspect in ASPECTS}}}

    def summary(self, results: Sequence[Result]) -> dict[str, Any]:
        """Return for each aspect the agreement over all its sets, with intervals, and its cost; and each set's."""
        aspects: dict[str, list[Result]] = {}
        for one in results:
            aspects.setdefault(one.example.kind, []).append(one)
        return {
            "aspects": {aspect: self._agreement(some) for aspect, some in aspects.items()},
            "sets": super().summary(results),
        }

    def _agreement(self, results: Sequence[Result]) -> dict[str, Any]:
        spent = [result.outputs["usage"] for result in results]
        costs = [one["cost_usd"] for one in spent]
        return {
            "judged": len(results),
            "true": sum(result.example.reference["label"] for result in results),
            **metric_intervals(self, results),
            **{name: sum(one[name] for one in spent) for name in ("model_calls", "input_tokens", "output_tokens")},
            "cost_usd": None if None in costs else round(sum(costs), 6),
        }


async def _judged(judge: Judge, inputs: Mapping[str, Any]) -> Judged:
    aspect: Aspect = inputs["aspect"]
    if aspect == "groundedness":
        return await judge.groundedness(inputs["passages"], inputs["answer"])
    ask = judge.correctness if aspect == "correctness" else judge.completeness
    return await ask(inputs["question"], inputs["right"], inputs["answer"])
