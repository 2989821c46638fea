"""Measuring what gates are about, and saying which hold."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from evals.gate.gates import Gate, Gated, Gates
from evals.runs.evaluation import Conditions, Evaluation, by_set
from evals.runs.example import Result
from evals.runs.experiment import run_evaluation
from evals.runs.registry import evaluation_class
from settings import Settings


@dataclass(frozen=True, slots=True)
class Checked:
    """What a gate measured: None if the run gave no such metric, which does not pass."""

    evaluation: str
    set: str
    metric: str
    measured: float | None
    floor: float | None
    ceiling: float | None
    passed: bool


@dataclass(frozen=True, slots=True)
class Report:
    """All gates as they were found, the seconds of each evaluation, and the first reasons of examples that failed."""

    checked: list[Checked]
    seconds: dict[str, float]
    failures: list[str]

    @property
    def passed(self) -> bool:
        """Whether every gate holds and no example failed."""
        return not self.failures and all(one.passed for one in self.checked)

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"passed": self.passed, "seconds": self.seconds, "failures": self.failures,
                "gates": [asdict(one) for one in self.checked]}  # fmt: skip


async def check_gates(gates: Gates, configuration: Settings, most: int | None = None) -> Report:
    """Run the evaluations of the gates, with at most so many examples of each set, and check every gate.

    Raises `UnreadableSet`, and `FootnoteError` for what is missing on this machine.
    """
    checked: list[Checked] = []
    failures: list[str] = []
    seconds: dict[str, float] = {}
    for name, gated in gates.evaluations.items():
        started = time.perf_counter()
        conditions = Conditions(gates.settings(configuration), most=most, documents=gated.documents)
        evaluation = evaluation_class(name)(conditions, **gated.options)
        results = await run_evaluation(evaluation, gated.paths, {})
        seconds[name] = round(time.perf_counter() - started, 1)
        checked += _checked(evaluation, gated, results)
        failures += _failures(name, results)
    return Report(checked, seconds, failures)


def _checked(evaluation: Evaluation, gated: Gated, results: Sequence[Result]) -> list[Checked]:
    scored = [result for result in results if not result.error]
    metrics = {name: evaluation.metrics(some) for name, some in by_set(scored).items()}
    if any(not gate.set for gate in gated.gates):
        metrics[""] = evaluation.metrics(scored) if scored else {}
    return [_check(evaluation.name, gate, metrics.get(gate.set, {})) for gate in gated.gates]


def _check(evaluation: str, gate: Gate, metrics: dict[str, float]) -> Checked:
    names = (gate.metric, *gate.over)
    measured: float | None = None
    if all(name in metrics for name in names):
        value, *others = (float(metrics[name]) for name in names)
        measured = round(value - max(others), 4) if others else value
    passed = measured is not None and gate.holds(measured)
    return Checked(evaluation, gate.set or "all", gate.name, measured, gate.floor, gate.ceiling, passed)


def _failures(evaluation: str, results: Sequence[Result]) -> list[str]:
    """Return the first reason of each set of which an example failed."""
    found = {}
    for name, some in by_set(results).items():
        reasons = [f"{result.example.key}: {result.error}" for result in some if result.error]
        if reasons:
            found[name] = f"{evaluation} {name}: {len(reasons)} of {len(some)} examples failed, the first {reasons[0]}"
    return list(found.values())
