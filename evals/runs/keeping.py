"""Running an evaluation and keeping it: its folder, its report, and LangSmith if there is a key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from evals.report.report import write_report
from evals.runs.evaluation import Evaluation
from evals.runs.experiment import run_evaluation
from evals.runs.folder import SavedRun, save_run
from evals.runs.langsmith_datasets import uploading
from evals.runs.metadata import run_metadata


async def kept_run(evaluation: Evaluation, paths: Sequence[Path], folder: Path | None = None) -> SavedRun:
    """Run an evaluation over the sets at the paths; keep it in a folder, by default a new one below the home folder.

    Raises `UnreadableSet`, `UnreadableRun` if the folder cannot be written.
    """
    conditions = evaluation.conditions
    metadata = {**run_metadata(evaluation.name, conditions, paths), **evaluation.made_with()}
    async with uploading(conditions.settings) as keeper:
        results = await run_evaluation(evaluation, paths, metadata, keeper)
    metadata["degraded"] = keeper.notes
    where = folder or conditions.settings.home / "runs" / f"{evaluation.name} {datetime.now(UTC):%Y-%m-%d %H.%M.%S}"
    run = save_run(where, evaluation, results, metadata)
    write_report(run, evaluation)
    return run
