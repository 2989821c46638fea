"""What each step of the graph brings: every one is turned off in turn, on the sets where it matters."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from evals.ablation.compare import rows_of
from evals.ablation.steps import STEPS, Kind, Step
from evals.runs.evaluation import Conditions, Evaluation, Target
from evals.runs.example import Example, Result
from evals.runs.experiment import run_evaluation
from evals.runs.metadata import run_metadata
from evals.runs.registry import evaluation_class
from evals.scratch import reopened_database, scratch_database
from evals.sets.rows import NoSet, UnreadableSet
from state.errors import FootnoteError


class UnknownStep(FootnoteError):
    """A step is named that there is not."""


async def ablate(
    paths: Sequence[Path],
    conditions: Conditions | None = None,
    only: Collection[str] = (),
    tell: Callable[[str], None] = lambda said: None,
) -> dict[str, Any]:
    """Return a table with a row for each step and set, why others were not measured, and what it was made with.

    Each set is read in once. ``only`` names the steps to measure, all if it is empty; ``tell`` is told what runs.
    Raises `UnreadableSet`, `UnknownStep`.
    """
    given = conditions or Conditions()
    steps = _chosen(only)
    has_chat = given.settings.chat_model is not None
    found = _found(paths, given)
    rows: list[dict[str, Any]] = []
    failures: list[str] = []
    for kind, some in found.items():
        tried = [step for step in steps if kind in step.kinds and (has_chat or not step.chat)]
        results = await _results(kind, some, tried, given, tell) if tried else {}
        failures += [
            f"{one.set} {one.example.key}: {one.error}" for many in results.values() for one in many if one.error
        ]
        for step in tried:
            rows += rows_of(step, kind, _made(kind, given), results[""], results[step.name])
    order = [step.name for step in steps]
    measured = {row["step"] for row in rows}
    return {
        "rows": sorted(rows, key=lambda row: order.index(row["step"])),
        "not_measured": {step.name: _why_not(step, found) for step in steps if step.name not in measured},
        "failures": failures,
        "metadata": run_metadata("ablate", given, paths),
    }


def _chosen(only: Collection[str]) -> list[Step]:
    names = [step.name for step in STEPS]
    if unknown := sorted(set(only) - set(names)):
        raise UnknownStep(f"There is no step {', '.join(unknown)}: choose of {', '.join(names)}.")
    return [step for step in STEPS if not only or step.name in only]


def _made(kind: Kind, conditions: Conditions) -> Evaluation:
    """Return the evaluation of a kind of sets; they import models, and so are loaded when they are wanted."""
    if kind == "injection":
        return evaluation_class("injection")(conditions)
    if kind == "personal data":
        from evals.masking import Masking

        return Masking(conditions)
    if kind == "follow-ups":
        from evals.ablation.follow_ups import FollowUps

        return FollowUps(conditions)
    from evals.ablation.questions import Questions

    return Questions(conditions)


def _found(paths: Sequence[Path], conditions: Conditions) -> dict[Kind, list[Path]]:
    """Return which paths hold sets of which kind. Raises `UnreadableSet` if one holds none of any kind."""
    kinds: list[Kind] = ["questions", "follow-ups", "personal data", "injection"]
    found: dict[Kind, list[Path]] = {}
    for path in paths:
        refused: list[UnreadableSet] = []
        for kind in kinds:
            try:
                if _made(kind, conditions).read([path]):
                    found.setdefault(kind, []).append(path)
            except UnreadableSet as error:
                refused.append(error)
        if len(refused) == len(kinds):
            # What is a set but cannot be read says more than that it is none of another kind.
            raise next((error for error in refused if not isinstance(error, NoSet)), refused[0])
    return found


async def _results(
    kind: Kind, paths: Sequence[Path], steps: Sequence[Step], given: Conditions, tell: Callable[[str], None]
) -> dict[str, list[Result]]:
    """Return the results over all sets of a kind, as things are by default ("") and by the step that differs."""
    results: dict[str, list[Result]] = {"": []}
    for name in _made(kind, given).read(paths):
        async with reopened_database(given.settings) as connect:
            kept = replace(given, connect=connect)
            tell(f"{name}: as it is by default")
            results[""] += await run_evaluation(_OfOneSet(_made(kind, kept), name), paths, {})
            for step in steps:
                tell(f"{name}: {step.name}")
                evaluation = _OfOneSet(_made(kind, _changed(kept, step)), name, again=step.again)
                results.setdefault(step.name, []).extend(await run_evaluation(evaluation, paths, {}))
    return results


def _changed(kept: Conditions, step: Step) -> Conditions:
    """Return the conditions that a step is compared under.

    With the cache that is in a database without earlier answers; with another model, in one without its vectors.
    """
    apart = step.context.get("cache") or any(name.startswith("embedding") for name in step.settings)
    return replace(
        kept,
        settings=kept.settings.model_copy(update=dict(step.settings)),
        context=replace(kept.context, **step.context),
        without=kept.without | step.without,
        connect=scratch_database if apart else kept.connect,
    )


class _OfOneSet(Evaluation):
    """One set of an evaluation. With ``again`` every question is asked twice, and the second answer counts."""

    name = "ablate"
    headline = ()

    def __init__(self, evaluation: Evaluation, chosen: str, *, again: bool = False) -> None:
        super().__init__(evaluation.conditions)
        self._evaluation, self._chosen, self._again = evaluation, chosen, again

    def read(self, paths: Sequence[Path]) -> dict[str, list[Example]]:
        """Return the examples of the set."""
        return {self._chosen: self._evaluation.read(paths)[self._chosen]}

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[Target]:
        """Ask, and take the time of the answer that counts."""
        async with self._evaluation.open(name) as target:

            async def timed(inputs: Mapping[str, Any]) -> dict[str, Any]:
                if self._again:
                    await target(inputs)
                started = time.perf_counter()
                outputs = await target(inputs)
                return {**outputs, "answer_ms": (time.perf_counter() - started) * 1000}

            yield timed

    def score(self, example: Example, outputs: Mapping[str, Any]) -> dict[str, float]:
        """Return what the evaluation says."""
        return self._evaluation.score(example, outputs)


def _why_not(step: Step, found: Collection[Kind]) -> str:
    if not set(step.kinds) & set(found):
        return f"needs a set of {' or '.join(step.kinds)}"
    return "needs a chat model: set FOOTNOTE_CHAT_MODEL"
