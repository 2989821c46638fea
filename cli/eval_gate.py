"""`footnote eval gate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import console, print_json, visible
from cli.running import run

if TYPE_CHECKING:
    from evals.gate.check import Checked, Report


def gate(
    gates: Annotated[
        Path | None, typer.Option(help="File of gates, such as evals/gates.toml; by default the project's own.")
    ] = None,
    only: Annotated[str, typer.Option(help="Evaluations to run, with commas between; by default all.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure on a small fixed sample, and fail if a metric is below its floor."""
    from evals.gate.check import check_gates
    from evals.gate.gates import GATES, read_gates
    from settings import settings

    chosen = read_gates(gates or GATES).only([name.strip() for name in only.split(",") if name.strip()])
    report = run(check_gates(chosen, settings()))
    if as_json:
        print_json(report.summary())
    else:
        _print(report)
    for failure in report.failures:
        print(visible(failure), file=sys.stderr)  # noqa: T201
    if not report.passed:
        fallen = [f"{one.evaluation} {one.set} {one.metric}" for one in report.checked if not one.passed]
        print(visible(f"The gate is shut: {', '.join(fallen) or 'examples failed'}."), file=sys.stderr)  # noqa: T201
        raise typer.Exit(1)


def _print(report: Report) -> None:
    from rich.table import Table

    table = Table("evaluation", "set", "metric", "measured", "bound", "", box=None)
    for one in report.checked:
        measured = "none" if one.measured is None else f"{one.measured:.4f}"
        table.add_row(visible(one.evaluation), visible(one.set), visible(one.metric), measured, _bound(one),
                      "passed" if one.passed else "[bold red]FELL[/]")  # fmt: skip
    console().print(table)
    spent = ", ".join(f"{name} {seconds:.0f}" for name, seconds in report.seconds.items())
    console().print(f"{sum(report.seconds.values()):.0f} s: {spent}")


def _bound(one: Checked) -> str:
    bounds = [f"at least {one.floor:g}"] if one.floor is not None else []
    bounds += [f"at most {one.ceiling:g}"] if one.ceiling is not None else []
    return ", ".join(bounds)
