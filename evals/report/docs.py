"""The page of the documentation that shows what was measured: ``python -m evals.report.docs RUNS… --out FILE``.

RUNS are folders of runs, or folders that have some inside. Plots are written beside the page, into ``images/``.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evals.report.index import runs_below
from evals.report.markdown import ablation_section, bench_section, conditions_section, run_section
from evals.report.plots.choice import plots_of
from evals.report.report import title
from evals.runs.evaluation import Evaluation
from evals.runs.folder import SavedRun, UnreadableRun, read_run
from evals.runs.registry import EVALUATIONS, evaluation_of
from state.errors import FootnoteError

_HEAD = """# What was measured

Written by `python -m evals.report.docs` from the runs that it describes; nothing here is typed in by hand.
Every figure is a mean with the interval, in brackets, that holds 95 % of bootstrap samples' means.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page and its images; return 1 if a run or a file cannot be read or written."""
    chosen = _chosen(arguments)
    try:
        runs = [run for folder in chosen.runs for run in _runs(folder)]
        benches = [_read_json(file) for file in chosen.bench]
        ablations = [_read_json(file) for file in chosen.ablation]
        write_docs(chosen.out, runs, benches, ablations, chosen.images)
    except FootnoteError as error:
        print(f"docs: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def write_docs(
    out: Path,
    runs: Sequence[SavedRun],
    benches: Sequence[dict[str, Any]] = (),
    ablations: Sequence[dict[str, Any]] = (),
    images: Path | None = None,
) -> Path:
    """Write the page over runs, what ``evals.bench`` and ``footnote eval ablate`` print as JSON, and return it.

    Images lie in ``images``, by default the folder of that name beside the page; those of an earlier page are replaced.
    Raises `UnreadableRun` if there are no runs, or a file cannot be written.
    """
    if not runs:
        raise UnreadableRun("There is no run to write a page of.")
    place = images or out.parent / "images"
    evaluations = [evaluation_of(run) for run in runs]
    pairs = sorted(zip(runs, evaluations, strict=True), key=lambda pair: EVALUATIONS.index(pair[1].name))
    try:
        place.mkdir(parents=True, exist_ok=True)
        for old in place.glob("evaluation-*.svg"):
            old.unlink()
        parts = [_HEAD, conditions_section([run for run, _ in pairs])]
        for at, (run, evaluation) in enumerate(pairs):
            earlier = sum(other.name == evaluation.name for _, other in pairs[:at])
            parts.append(_section(run, evaluation, out, place, earlier))
        parts += [bench_section(bench) for bench in benches]
        parts += [ablation_section(ablation) for ablation in ablations]
        out.write_text("\n".join(parts), encoding="utf-8")
    except OSError as error:
        raise UnreadableRun(f"The page cannot be written to {out}: {error.strerror} ({error.filename}).") from error
    return out


def _section(run: SavedRun, evaluation: Evaluation, out: Path, place: Path, earlier: int) -> str:
    """Write a run's plots, and return its section; ``earlier`` runs of the same evaluation have been written."""
    heading, name = title(evaluation), evaluation.name
    if earlier:
        heading, name = f"{heading}: {run.folder.name}", f"{name}-{earlier + 1}"
    drawn = []
    for plot in plots_of(evaluation, [one for one in run.results if not one.error]):
        file = place / f"evaluation-{name}-{plot.name}.svg"
        file.write_text(plot.image(), encoding="utf-8")
        drawn.append((plot, Path(os.path.relpath(file, out.parent)).as_posix()))
    return run_section(run, evaluation, heading, drawn)


def _runs(folder: Path) -> list[SavedRun]:
    """Return the run of a folder, or those of the folders inside it. Raises `UnreadableRun`."""
    if (folder / "run.json").is_file():
        return [read_run(folder)]
    runs, unread = runs_below(folder)
    if unread:
        raise UnreadableRun(unread[0])
    if not runs:
        raise UnreadableRun(f"{folder} holds no evaluation run.")
    return runs


def _read_json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnreadableRun(f"{file} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise UnreadableRun(f"{file} is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise UnreadableRun(f"{file} is not what the command prints with --json.")
    return found


def _chosen(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m evals.report.docs", description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUNS", help="folder of a run, or of several")
    parser.add_argument("--out", type=Path, default=Path("docs/evaluation.md"), help="the page")
    parser.add_argument("--images", type=Path, help="folder of the images, by default images/ beside the page")
    parser.add_argument(
        "--bench", type=Path, action="append", default=[], help="what `python -m evals.bench SET --json` printed"
    )
    parser.add_argument(
        "--ablation", type=Path, action="append", default=[], help="what `footnote eval ablate --json` printed"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
