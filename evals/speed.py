"""How long answers take by each preset, and how good they are."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from ir_measures import R

from evals.answers import holds
from evals.asking import Asking, asking
from evals.measures.ranking import ranking_scores
from evals.runs.evaluation import Aggregate, Conditions, Evaluation, Target, by_set
from evals.runs.example import Example, Result
from evals.runs.timing import latency
from evals.sets.questions import QuestionSet, read_question_sets
from graph.app import open_application
from state.run import Preset

PRESETS: tuple[Preset, ...] = ("minimal", "balanced", "comprehensive")
_READ = R @ 5
_MEASURES = ("right", str(_READ))


def _aggregate(preset: str, figure: str, results: Sequence[Result]) -> float:
    return latency([result.outputs["ms"][preset] for result in results])[figure]


def _times() -> dict[str, Aggregate]:
    """Return median and 95th percentile of each preset's times as metrics."""
    pairs = [(preset, figure) for preset in PRESETS for figure in ("p50_ms", "p95_ms")]
    return {f"{preset} {figure}": partial(_aggregate, preset, figure) for preset, figure in pairs}


class Speed(Evaluation):
    """Asks each question by each preset, none of the answers from a cache.

    Every preset has an application of its own, as if it had always been asked so: none finds passages that another has
    just read. ``right`` is whether the sentences hold a right answer, or whether there is none where there is none;
    R@5 is of the judged passages in the last order.
    """

    name = "speed"
    aggregates = _times()
    headline = (*(f"{preset} {name}" for name in _MEASURES for preset in ("balanced", "minimal", "comprehensive")),
                *aggregates)  # fmt: skip
    lower_is_better = frozenset(aggregates)

    def __init__(self, conditions: Conditions) -> None:
        uncached = conditions.settings.model_copy(update={"cache": False})
        super().__init__(replace(conditions, settings=uncached, context=replace(conditions.context, cache=False)))
        self._sets: dict[str, QuestionSet] = {}

    def read(self, paths: Sequence[Path]) -> dict[str, list[Example]]:
        """Return the questions of each set, with right answers or without."""
        self._sets = read_question_sets(paths, with_answers=False)
        return {name: some.examples for name, some in self._sets.items()}

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[Target]:
        """Read the set's passages in, and ask."""
        numbers = count()
        async with AsyncExitStack() as stack:
            askings = await self._opened(stack, name)

            async def target(inputs: Mapping[str, Any]) -> dict[str, Any]:
                # Another preset first each time: what it reads from the database is in its memory for the next.
                turn = next(numbers) % len(PRESETS)
                found, spent = {}, {}
                for preset in (*PRESETS[turn:], *PRESETS[:turn]):
                    asked = askings[preset]
                    started = time.perf_counter()
                    answer = await asked.application.ask(
                        asked.principal, inputs["question"], filters=inputs.get("filters", ()), context=asked.context
                    )
                    spent[preset] = (time.perf_counter() - started) * 1000
                    sentences = [claim.text for claim in answer.claims]
                    found[preset] = {**await asked.outputs(answer), "sentences": sentences}
                return {
                    **found["balanced"],
                    "variants": {preset: _told(found[preset]) for preset in PRESETS},
                    "timings": {preset: found[preset]["timings"] for preset in PRESETS},
                    "ms": {preset: spent[preset] for preset in PRESETS},
                }

            yield target

    def score(self, example: Example, outputs: Mapping[str, Any]) -> dict[str, float]:
        """Return by preset whether the answer is right, where that is known, and what share was found, where judged."""
        scores: dict[str, float] = {}
        reference = example.reference
        for preset, told in outputs["variants"].items():
            if "answers" in reference:
                right = holds(" ".join(told["sentences"]), reference["answers"])
                scores[f"{preset} right"] = float(right if reference["answers"] else told["abstained"])
            if "relevant" in reference:
                scores[f"{preset} {_READ}"] = ranking_scores(told["passages"], reference["relevant"], (_READ,))[
                    str(_READ)
                ]
        return scores

    def summary(self, results: Sequence[Result]) -> dict[str, Any]:
        """Return quality and times by preset, and of each stage; of several sets, of each as well."""
        found = {**self._by_preset(results), "questions": len(results)}
        sets = by_set(results)
        if len(sets) > 1:
            found["sets"] = {name: {**self._by_preset(some), "questions": len(some)} for name, some in sets.items()}
        return found

    async def _opened(self, stack: AsyncExitStack, name: str) -> dict[str, Asking]:
        """Open one application for each preset over the same database."""
        first = await stack.enter_async_context(asking(self.conditions, self._sets[name].sources))
        configuration, database = self.conditions.settings, first.application.database
        opened: dict[str, Asking] = {}
        for preset in PRESETS:
            application = first.application
            if opened:
                again = open_application(
                    configuration, lambda _: nullcontext(database), without=self.conditions.without
                )
                application = await stack.enter_async_context(again)
            context = replace(self.conditions.context, preset=preset)
            opened[preset] = replace(first, application=application, context=context)
        return opened

    def _by_preset(self, results: Sequence[Result]) -> dict[str, Any]:
        return {preset: self._of_preset(preset, results) for preset in PRESETS}

    def _of_preset(self, preset: str, results: Sequence[Result]) -> dict[str, Any]:
        metrics = self.metrics(results)
        stages: dict[str, list[float]] = {}
        for result in results:
            for stage, spent in result.outputs["timings"][preset].items():
                stages.setdefault(stage, []).append(spent)
        return {
            **{name: metrics[f"{preset} {name}"] for name in _MEASURES if f"{preset} {name}" in metrics},
            **latency([result.outputs["ms"][preset] for result in results]),
            "stages": {stage: {**latency(some), "questions": len(some)} for stage, some in stages.items()},
        }


def _told(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tells one preset's answer from another's."""
    return {name: outputs[name] for name in ("answer", "abstained", "confidence", "route", "passages", "sentences")}
