"""The report of a run."""

from __future__ import annotations

from pathlib import Path

from evals.runs.evaluation import Evaluation
from evals.runs.folder import SavedRun


def write_report(run: SavedRun, evaluation: Evaluation) -> Path:
    """Write ``report.html`` into the run's folder and return it."""
    path = run.folder / "report.html"
    path.write_text(f"<!doctype html><title>{evaluation.name}</title>", encoding="utf-8")
    return path
