"""One page over several runs."""

from __future__ import annotations

from pathlib import Path

from evals.report.rendering import render
from evals.report.report import asked, description, flat, title, write_page
from evals.report.tables import Headline, headline
from evals.runs.folder import SavedRun, UnreadableRun, read_run
from evals.runs.registry import evaluation_of

_SAME = ("at", "commit", "settings", "models", "machine", "libraries", "context")


def write_index(folder: Path) -> Path:
    """Write ``index.html`` over the runs in the folders of a folder, and return it. Raises `UnreadableRun`."""
    return write_page(folder / "index.html", index_html(folder))


def index_html(folder: Path) -> str:
    """Return the page; runs that cannot be read are named on it. Raises `UnreadableRun` if there is none at all."""
    runs, unread = runs_below(folder)
    if not runs:
        raise UnreadableRun(f"{folder} has no folder that holds an evaluation run.")
    rows: list[tuple[SavedRun, str, str, str, Headline]] = []
    for run in runs:
        evaluation = evaluation_of(run)
        rows.append((run, title(evaluation), description(evaluation), asked(run), headline(run, evaluation)))
    first = runs[0].metadata
    return render(
        "index.html",
        {
            "rows": rows,
            "unread": unread,
            "made_with_rows": flat({name: first[name] for name in _SAME if first.get(name)}),
        },
    )


def runs_below(folder: Path) -> tuple[list[SavedRun], list[str]]:
    """Return the runs in the folders of a folder by their names, and why others could not be read."""
    runs, unread = [], []
    for place in sorted(path.parent for path in folder.glob("*/run.json")):
        try:
            run = read_run(place)
            evaluation_of(run)
        except UnreadableRun as error:
            unread.append(str(error))
        else:
            runs.append(run)
    return runs, unread
