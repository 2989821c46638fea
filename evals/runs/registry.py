"""The kinds of evaluation by their names, loaded when they are asked for: they import models."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from evals.runs.evaluation import Conditions, Evaluation
from evals.runs.experiment import run_evaluation
from evals.runs.folder import SavedRun, UnreadableRun

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
    "masking": "evals.masking:Masking",
    "speed": "evals.speed:Speed",
    "judges": "evals.judges:Judges",
}
EVALUATIONS = tuple(_CLASSES)


def evaluation_class(name: str) -> type[Evaluation]:
    """Return the class of one kind of evaluation, by its name in `EVALUATIONS`."""
    module, _, attribute = _CLASSES[name].partition(":")
    found: type[Evaluation] = getattr(import_module(module), attribute)
    return found


def evaluation_of(run: SavedRun) -> Evaluation:
    """Return the evaluation that a run was made by, for its metrics. Raises `UnreadableRun` if there is none."""
    name = str(run.metadata.get("evaluation", ""))
    if name not in _CLASSES:
        raise UnreadableRun(f"{run.folder} holds a run of an evaluation that is not known here: {name or 'unnamed'}.")
    return evaluation_class(name)(Conditions())


async def evaluate(
    name: str, paths: Sequence[Path], conditions: Conditions | None = None, **options: Any
) -> dict[str, Any]:
    """Run an evaluation without keeping it, and return its summary. Raises `UnreadableSet`."""
    evaluation = evaluation_class(name)(conditions or Conditions(), **options)
    results = await run_evaluation(evaluation, paths, {})
    return evaluation.summary([result for result in results if not result.error])
