"""The kinds of evaluation by their names, loaded when they are asked for: they import models."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from evals.runs.evaluation import Conditions, Evaluation
from evals.runs.experiment import run_evaluation

_CLASSES = {
    "retrieval": "evals.retrieval:Retrieval",
    "answers": "evals.answers:Answers",
    "grounding": "evals.grounding:Grounding",
    "abstention": "evals.abstention:Abstention",
    "routing": "evals.routing:Routing",
    "rewriting": "evals.rewriting:Rewriting",
    "hops": "evals.hops:Hops",
    "pii": "evals.pii:Pii",
    "injection": "evals.injection:Injection",
    "speed": "evals.speed:Speed",
}
EVALUATIONS = tuple(_CLASSES)


def evaluation_class(name: str) -> type[Evaluation]:
    """Return the class of one kind of evaluation, by its name in `EVALUATIONS`."""
    module, _, attribute = _CLASSES[name].partition(":")
    found: type[Evaluation] = getattr(import_module(module), attribute)
    return found


async def evaluate(
    name: str, paths: Sequence[Path], conditions: Conditions | None = None, **options: Any
) -> dict[str, Any]:
    """Run an evaluation without keeping it, and return its summary. Raises `UnreadableSet`."""
    evaluation = evaluation_class(name)(conditions or Conditions(), **options)
    return evaluation.summary(await run_evaluation(evaluation, paths, {}))
