"""`footnote eval all`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import console, print_json, visible
from cli.running import run

if TYPE_CHECKING:
    from evals.everything import WholeRun
    from evals.runs.folder import SavedRun

Documents = Annotated[
    list[Path] | None,
    typer.Option(help="Files or folders that questions of your own are asked of, in place of what is indexed."),
]
_SHOWN = 2  # metrics of the headline a set


def everything(
    paths: Annotated[list[Path], typer.Argument(help="Sets, or folders that have some inside.")],
    documents: Documents = None,
    most: Annotated[int | None, typer.Option(min=1, help="Take the first examples of each set only.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the runs; by default a new one below home.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run every evaluation on the sets that fit it; one report over all."""
    from evals.everything import run_everything
    from evals.runs.evaluation import Conditions

    conditions = Conditions(most=most, documents=tuple(documents or ()))
    whole = run(run_everything(paths, conditions, out, _tell))
    if as_json:
        print_json({name: saved.summary for name, saved in whole.runs.items()})
    else:
        _print(whole)
    for name, reason in whole.passed_over.items():
        _say(f"{name} was passed over: {reason}")
    for name, reason in whole.failed.items():
        _say(f"{name} failed: {reason}")
    _say(f"kept with a report in {whole.index or whole.folder}")
    failed = sum(saved.metadata["failed"] for saved in whole.runs.values())
    if failed:
        _say(f"{failed} examples failed.")
    if whole.broken:
        raise whole.broken[0]
    if whole.failed or failed:
        raise typer.Exit(1)


def _tell(name: str, paths: Sequence[Path]) -> None:
    _say(f"{name}: {', '.join(path.name or str(path) for path in paths)} …")


def _say(text: str) -> None:
    print(visible(text), file=sys.stderr)  # noqa: T201


def _print(whole: WholeRun) -> None:
    from rich.table import Table

    from evals.runs.registry import evaluation_class

    table = Table("evaluation", "set", "metric", "mean", "95 % interval", "failed", box=None)
    for name, saved in whole.runs.items():
        headline = evaluation_class(name).headline
        failed = _failed(saved)
        for number, (one, metrics) in enumerate(saved.metrics.items()):
            shown = [metric for metric in headline if metric in metrics][:_SHOWN] or list(metrics)[:_SHOWN]
            for place, metric in enumerate(shown):
                mean, low, high = metrics[metric]
                table.add_row(
                    "" if number or place else name, "" if place else visible(one), visible(metric), f"{mean:.4f}",
                    f"{low:.4f} to {high:.4f}", "" if place else failed.get(one, ""),
                )  # fmt: skip
    console().print(table)


def _failed(saved: SavedRun) -> dict[str, str]:
    """Return how many examples of each set failed, where some did."""
    counts: dict[str, int] = {}
    for result in saved.results:
        counts[result.set] = counts.get(result.set, 0) + bool(result.error)
    return {name: str(count) for name, count in counts.items() if count}
