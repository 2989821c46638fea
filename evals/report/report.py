"""The report of a run: one page that needs nothing else, to be read by who did not write the evaluation."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evals.report.items import worst_items, worst_metric
from evals.report.plots.choice import plots_of
from evals.report.rendering import number, render
from evals.report.tables import breakdowns, headline, set_table
from evals.report.words import explained
from evals.runs.evaluation import Evaluation, by_set
from evals.runs.folder import SavedRun, UnreadableRun

_TITLES = {"pii": "Personal data"}
_APART = ("settings", "prompts", "libraries")  # long, and rarely looked at


def write_report(run: SavedRun, evaluation: Evaluation) -> Path:
    """Write ``report.html`` into the run's folder and return it. Raises `UnreadableRun` if it cannot be written."""
    return write_page(run.folder / "report.html", report_html(run, evaluation))


def write_page(path: Path, page: str) -> Path:
    """Write a page and return its path. Raises `UnreadableRun` if it cannot be written."""
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UnreadableRun(f"The report cannot be written to {path}: {error.strerror}.") from error
    return path


def report_html(run: SavedRun, evaluation: Evaluation) -> str:
    """Return the report of a run as a page."""
    results = [one for one in run.results if not one.error]
    sets = by_set(run.results)
    tables = [set_table(name, metrics, sets.get(name, []), evaluation) for name, metrics in run.metrics.items()]
    metrics = dict.fromkeys(metric for table in run.metrics.values() for metric in table)
    return render(
        "report.html",
        {
            "title": title(evaluation),
            "description": description(evaluation),
            "asked": asked(run),
            "total": len(run.results),
            "failed": [(one.set, one.example.key, one.error) for one in run.results if one.error],
            "summary": headline(run, evaluation) if len(tables) > 1 else None,
            "tables": tables,
            "breakdowns": breakdowns(evaluation, results),
            "plots": plots_of(evaluation, results),
            "items": worst_items(evaluation, results),
            "worst_by": worst_metric(evaluation, results) or "",
            "lower_is_better": evaluation.lower_is_better,
            "words": explained(metrics, evaluation.lower_is_better),
            "metadata": flat({name: value for name, value in run.metadata.items() if name not in _APART}),
            "more_metadata": [(name, flat(run.metadata[name])) for name in _APART if run.metadata.get(name)],
        },
    )


def description(evaluation: Evaluation) -> str:
    """Return what an evaluation does, in the words of its class."""
    said = " ".join((inspect.getdoc(type(evaluation)) or "").split())
    return re.sub(r"``(.+?)``", r"“\1”", said).replace("`", "")


def title(evaluation: Evaluation) -> str:
    """Return what an evaluation is called in a heading."""
    return _TITLES.get(evaluation.name, evaluation.name.capitalize())


def moment(at: object) -> str:
    """Return a time of the metadata as people write it."""
    try:
        return f"{datetime.fromisoformat(str(at)).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return str(at)


def asked(run: SavedRun) -> str:
    """Say in a sentence what was asked of what, when and by which code."""
    sets = by_set(run.results)
    named = ", ".join(f"{name} ({len(some)})" for name, some in sets.items())
    machine = run.metadata.get("machine") or {}
    where = f" on {machine.get('cores')} cores ({machine.get('processor')})" if machine else ""
    seconds = number(sum(one.ms for one in run.results) / 1000)
    return (
        f"{len(run.results)} examples of {len(sets)} {'set' if len(sets) == 1 else 'sets'}: {named}. "
        f"Made {moment(run.metadata.get('at', ''))} from commit {run.metadata.get('commit', 'unknown')}{where}; "
        f"the examples took {seconds} s."
    )


def flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested values as rows of dotted names and texts; what is empty is left out."""
    rows: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            rows += flat(value, f"{prefix}{name}.")
        elif value not in (None, "", [], ()):
            rows.append((f"{prefix}{name}", ", ".join(map(str, value)) if isinstance(value, list) else str(value)))
    return rows
