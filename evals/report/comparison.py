"""The comparison of two runs as a page."""

from __future__ import annotations

from pathlib import Path

from evals.compare import Change, Comparison
from evals.paired import LEVEL
from evals.report.items import Item, item
from evals.report.rendering import render
from evals.report.report import moment, title, write_page
from evals.runs.evaluation import Evaluation

_SHOWN = 50


def write_comparison(path: Path, found: Comparison, evaluation: Evaluation) -> Path:
    """Write the page and return its path. Raises `UnreadableRun` if it cannot be written."""
    return write_page(path, comparison_html(found, evaluation))


def comparison_html(found: Comparison, evaluation: Evaluation) -> str:
    """Return the comparison as a page."""
    return render(
        "comparison.html",
        {
            "found": found,
            "title": title(evaluation),
            "level": LEVEL,
            "runs": [
                (name, run.folder.name, moment(run.metadata.get("at", "")), run.metadata.get("commit", "unknown"))
                for name, run in (("Before", found.before), ("After", found.after))
            ],
            "changes": {
                "What got better": (found.better, _items(found.better)),
                "What got worse": (found.worse, _items(found.worse)),
            },
            "missing": [
                ("before only", found.only_before),
                ("after only", found.only_after),
                ("asked or expected otherwise, not compared", found.altered),
            ],
        },
    )


def _items(changes: list[Change]) -> list[tuple[Change, Item, Item]]:
    return [(one, item(at, one.before), item(at, one.after)) for at, one in enumerate(changes[:_SHOWN], start=1)]
