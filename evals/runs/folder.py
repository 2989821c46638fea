"""A run as a folder: ``run.json`` with what it was made with and its metrics, ``results.jsonl`` with every result."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from evals.runs.evaluation import Evaluation, by_set
from evals.runs.example import Example, Result
from evals.runs.intervals import metric_intervals
from state.errors import FootnoteError

_WITH_RECEIPT = 20  # the worst of each set keep their receipts: all of them would be most of the folder
_ANY = "surrogatepass"  # half a character, which JSON can hold, is kept as it came


class UnreadableRun(FootnoteError):
    """A folder that holds no run."""


@dataclass(frozen=True, slots=True)
class SavedRun:
    """A run: what it was made with, its summary, intervals of its metrics by set, and its results."""

    folder: Path
    metadata: dict[str, Any]
    summary: dict[str, Any]
    metrics: dict[str, dict[str, list[float]]]
    results: list[Result]


def save_run(folder: Path, evaluation: Evaluation, results: Sequence[Result], metadata: dict[str, Any]) -> SavedRun:
    """Write a run into a folder, which is made, and return it.

    ``metrics`` has the mean of each metric of each set and the ends of its 95 % interval. Raises `UnreadableRun` if the
    folder cannot be written.
    """
    sets = by_set(results)
    scored = {name: [one for one in some if not one.error] for name, some in sets.items()}
    kept = [one for some in sets.values() for one in _with_few_receipts(evaluation, some)]
    run = SavedRun(
        folder,
        {**metadata, "results": len(results), "failed": sum(bool(one.error) for one in results)},
        evaluation.summary([one for some in scored.values() for one in some]) if any(scored.values()) else {},
        {name: metric_intervals(evaluation, some) for name, some in scored.items() if some},
        kept,
    )
    head = {"metadata": run.metadata, "summary": run.summary, "metrics": run.metrics}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "results.jsonl").open("w", encoding="utf-8", errors=_ANY) as file:
            for result in kept:
                file.write(json.dumps(asdict(result), ensure_ascii=False, default=str) + "\n")
        (folder / "run.json").write_text(json.dumps(head, ensure_ascii=False, indent=1), encoding="utf-8", errors=_ANY)
    except OSError as error:
        raise UnreadableRun(f"The run cannot be written to {folder}: {error.strerror}.") from error
    return run


def read_run(folder: Path) -> SavedRun:
    """Read a run back. Raises `UnreadableRun`."""
    try:
        head = json.loads((folder / "run.json").read_text(encoding="utf-8", errors=_ANY))
        with (folder / "results.jsonl").open(encoding="utf-8", errors=_ANY) as lines:
            rows = [json.loads(line) for line in lines]
        results = [Result(**{**row, "example": Example(**row["example"])}) for row in rows]
        return SavedRun(folder, head["metadata"], head["summary"], head["metrics"], results)
    except OSError as error:
        raise UnreadableRun(f"{folder} holds no evaluation run: {error.strerror} ({error.filename}).") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableRun(f"{folder} holds a run that cannot be read: {error}.") from error


def _with_few_receipts(evaluation: Evaluation, results: Sequence[Result]) -> list[Result]:
    worst = {one.example.key for one in evaluation.worst(results, _WITH_RECEIPT)}
    return [
        result
        if result.example.key in worst
        else replace(result, outputs={name: value for name, value in result.outputs.items() if name != "receipt"})
        for result in results
    ]
