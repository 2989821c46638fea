"""`footnote eval compare`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import console, print_json, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evals.compare import Change, Comparison

_SHOWN = 8  # changes of each kind; the page has more, the JSON all


def compare(
    before: Annotated[Path, typer.Argument(help="Folder of a run.")],
    after: Annotated[Path, typer.Argument(help="Folder of another run of the same evaluation.")],
    out: Annotated[Path | None, typer.Option(help="Write the comparison as a page to this .html file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare two runs, paired by example: what got better, what got worse, and whether it may be chance."""
    from evals.compare import check_comparable, compare_runs
    from evals.report.comparison import write_comparison
    from evals.runs.folder import read_run
    from evals.runs.registry import evaluation_of

    first, second = read_run(before), read_run(after)
    check_comparable(first, second)
    evaluation = evaluation_of(first)
    found = compare_runs(first, second, evaluation)
    if out:
        write_comparison(out, found, evaluation)
    if as_json:
        print_json(found.as_json())
    else:
        _print(found)
    if out:
        print(f"written to {out}", file=sys.stderr)  # noqa: T201


def _print(found: Comparison) -> None:
    from rich.markup import escape
    from rich.table import Table

    out = console()
    for name, rows in found.tables.items():
        table = Table("metric", "before", "after", "difference", "95 % interval", "p (Holm)", "", box=None)
        for row in rows:
            color = {"better": "green", "worse": "red"}.get(row.verdict, "dim")
            table.add_row(
                escape(row.metric), f"{row.before:.4f}", f"{row.after:.4f}", f"{row.difference:+.4f}",
                f"{row.low:+.4f} to {row.high:+.4f}", f"{row.adjusted:.4f}", f"[{color}]{row.verdict}[/]",
            )  # fmt: skip
        first, second = found.milliseconds[name]
        out.print(f"\n{visible(name)}: median {first:.0f} ms before, {second:.0f} ms after", markup=False)
        out.print(table)
    _print_changes("better", found.better)
    _print_changes("worse", found.worse)
    for said, keys in (("before", found.only_before), ("after", found.only_after)):
        if keys:
            out.print(f"{len(keys)} examples have a result only {said}.")
    if found.altered:
        out.print(f"{len(found.altered)} examples ask or expect something else, and are not compared.")
    if found.only_one_has:
        out.print(f"Metrics of one run only: {visible(', '.join(found.only_one_has))}.", markup=False)
    for name, one, other in found.made_with:
        out.print(f"{visible(name)}: {visible(one) or '–'} → {visible(other) or '–'}", markup=False, soft_wrap=True)


def _print_changes(said: str, changes: Sequence[Change]) -> None:
    if changes:
        console().print(f"\n{len(changes)} {said}:")
    for change in changes[:_SHOWN]:
        asked = change.before.example.inputs
        text = visible(str(asked.get("question") or asked.get("claim") or asked.get("text") or change.key))
        console().print(f"  {change.metric} {change.difference:+.2f}  {text[:100]}", markup=False)
