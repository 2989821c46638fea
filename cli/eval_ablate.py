"""`footnote eval ablate`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.eval_all import Documents
from cli.output import console, print_json, visible
from cli.running import run


def ablate(
    paths: Annotated[list[Path], typer.Argument(help="Sets, or folders that have some inside.")],
    most: Annotated[int | None, typer.Option(min=1, help="Take the first examples of each set only.")] = None,
    documents: Documents = None,
    only: Annotated[list[str] | None, typer.Option(help="A step to measure; may be given several times.")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write the table to as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Turn each step off in turn, on the sets where it matters, and compare quality, time and cost."""
    from evals.ablate import ablate as measure
    from evals.runs.evaluation import Conditions

    if out:
        out.open("a").close()  # what cannot be written is said before the work, not after it
    table = run(measure(paths, Conditions(most=most, documents=tuple(documents or ())), only or (), tell=_tell))
    if out:
        out.write_text(json.dumps(table, ensure_ascii=False, indent=1), encoding="utf-8")
    if as_json:
        print_json(table)
    else:
        _print(table)
    for failure in table["failures"][:5]:
        _tell(failure)
    if table["failures"]:
        _tell(f"{len(table['failures'])} examples failed.")
        raise typer.Exit(1)


def _tell(said: str) -> None:
    print(visible(said), file=sys.stderr)  # noqa: T201


def _print(table: dict[str, Any]) -> None:
    """Print the metrics that each step changes, with 95 % intervals; and its milliseconds with and without it."""
    from rich.table import Table

    columns = ("step", "set", "n", "metric", "with", "without", "difference", "ms", "default", "should be")
    shown = Table(*columns, box=None)
    for row in table["rows"]:
        milliseconds = "{:.0f} / {:.0f}".format(*row["ms"])
        changed = {name: some for name, some in row["metrics"].items() if any(some)}
        lines = [
            [name, *(f"{mean:.3f}" for mean in row["with_without"][name]), f"{by:+.3f} ({low:+.3f} to {high:+.3f})"]
            for name, (by, low, high) in changed.items()
        ] or [["none changes", "", "", ""]]
        first = [row["step"], visible(row["set"]), str(row["questions"])]
        last = [milliseconds, "on" if row["on"] else "off", row["should"]]
        for number, line in enumerate(lines):
            shown.add_row(*(["", "", ""] if number else first), *line, *(["", "", ""] if number else last))
    console().print(shown)
    for name, reason in table["not_measured"].items():
        console().print(f"not measured: {name}: {reason}", markup=False)
