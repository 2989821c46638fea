"""Sections of the documentation's page, as Markdown: what sets and files are called is text there, never markup."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evals.report.plots.drawing import Plot
from evals.report.rendering import number, readable, signed
from evals.report.report import description
from evals.report.tables import Cell, SetTable, set_table
from evals.report.words import explained
from evals.runs.evaluation import Evaluation, by_set
from evals.runs.folder import SavedRun
from tools.markdown import plain

_BENCH = ("nDCG@10", "R@5", "R@10", "RR@10", "p50_ms", "p95_ms")
_MODES = ("lexical", "vector", "hybrid", "rerank", "ask", "ask rerank")


def conditions_section(runs: Sequence[SavedRun]) -> str:
    """Return when, of which code, with which models and on which machine the runs were made, each value once."""
    shown = {
        "Date": [str(run.metadata.get("at", ""))[:10] for run in runs],
        "Commit": [run.metadata.get("commit", "") for run in runs],
        "Machine": [_machine(run.metadata.get("machine") or {}) for run in runs],
        **{
            f"Model: {part}": [(run.metadata.get("models") or {}).get(part) for run in runs]
            for part in ("embedding", "reranker", "verifier", "chat")
        },
    }
    rows = [
        (name, "; ".join(_text(str(value)) for value in dict.fromkeys(values) if value))
        for name, values in shown.items()
    ]
    return _table(("", ""), [(name, said or "none") for name, said in rows])


def _machine(machine: Mapping[str, Any]) -> str:
    return (
        f"{machine.get('processor')}, {machine.get('cores')} cores, Python {machine.get('python')}" if machine else ""
    )


def run_section(run: SavedRun, evaluation: Evaluation, heading: str, plots: Sequence[tuple[Plot, str]]) -> str:
    """Return a run's section: its command, its tables, how to read them, and its plots with their files."""
    sets = by_set(run.results)
    tables = [set_table(name, metrics, sets.get(name, []), evaluation) for name, metrics in run.metrics.items()]
    failed = run.metadata.get("failed") or 0
    parts = [
        f"## {_text(heading)}", "", _text(description(evaluation)), "", f"    {command(run)}", "",
        *([f"{failed} of {run.metadata.get('results')} examples failed and count in no figure.", ""] if failed else []),
        *_plain_tables(tables), *_grid_tables(tables), *_words(tables, evaluation),
    ]  # fmt: skip
    for plot, file in plots:
        parts += [f"![{_text(plot.title)}]({file})", "", f"**{_text(plot.title)}** – {_text(plot.caption)}", ""]
    return "\n".join(parts)


def command(run: SavedRun) -> str:
    """Return the command that makes a run again, the sets by their names."""
    most = run.metadata.get("most")
    sets = " ".join(shlex.quote(readable(name)) for name in run.metadata.get("sets") or [])
    return f"footnote eval {run.metadata['evaluation']} {sets}{f' --most {most}' if most else ''}".replace("\n", " ")


def _plain_tables(tables: Sequence[SetTable]) -> list[str]:
    """Return the metrics that are not variants' measures: a row a set, or a row a metric where these are more."""
    metrics = list(dict.fromkeys(cell.metric for table in tables for cell in table.cells))
    if not metrics:
        return []
    cells = {table.name: {cell.metric: cell for cell in table.cells} for table in tables}
    if len(metrics) <= 5:
        rows = [
            (_text(table.name), table.n, *(_cell(cells[table.name].get(one)) for one in metrics)) for table in tables
        ]
        return [_table(("set", "n", *map(_text, metrics)), rows)]
    rows = [(_text(one), *(_cell(cells[table.name].get(one)) for table in tables)) for one in metrics]
    return [_table(("metric", *(f"{_text(table.name)} (n={table.n})" for table in tables)), rows)]


def _grid_tables(tables: Sequence[SetTable]) -> list[str]:
    gridded = [table for table in tables if table.grid]
    if not gridded:
        return []
    measures = list(dict.fromkeys(measure for table in gridded if table.grid for measure in table.grid.measures))
    rows = []
    for table in gridded:
        grid = table.grid
        for variant, row in grid.rows if grid else []:
            cells = dict(zip(grid.measures if grid else [], row, strict=True))
            shown = [_cell(cell, cell is not None and grid is not None and cell.metric in grid.best)
                     for cell in (cells.get(measure) for measure in measures)]  # fmt: skip
            rows.append((_text(table.name), table.n, _text(variant), *shown))
    return [_table(("set", "n", "variant", *map(_text, measures)), rows)]


def _words(tables: Sequence[SetTable], evaluation: Evaluation) -> list[str]:
    metrics = dict.fromkeys(cell.metric for table in tables for cell in table.all_cells())
    said = explained(metrics, evaluation.lower_is_better)
    return [*(f"- {_text(name)}: {text}{' Lower is better.' if lower else ''}" for name, text, lower in said), ""]


def _text(text: str) -> str:
    """Return a text that is no markup, and breaks no table."""
    return plain(readable(text)).replace("|", "\\|")


def _cell(cell: Cell | None, best: bool = False) -> str:
    if cell is None:
        return ""
    shown = number(cell.mean)
    return f"{f'**{shown}**' if best else shown} [{number(cell.low)}, {number(cell.high)}]"


def bench_section(bench: Mapping[str, Any]) -> str:
    """Return our figures beside other systems' on the same machine, as ``python -m evals.bench --json`` prints them."""
    ours, peers = bench.get("ours") or {}, bench.get("peers") or []
    rows = [(f"Footnote, {mode}", *_figures(ours[mode]), number(ours.get("ingest_per_s")) if mode == "hybrid" else "")
            for mode in _MODES if mode in ours]  # fmt: skip
    rows += [(_text(str(peer.get("peer"))), *_figures(peer), number(peer.get("ingest_per_s"))) for peer in peers]
    name = str(bench.get("set", "")).rstrip("/").rpartition("/")[2]
    targets = [(_text(str(one["what"])), number(one["value"]), number(one["floor"]), number(one["aim"]), one["reached"])
               for one in bench.get("targets") or []]  # fmt: skip
    return "\n".join(
        [
            f"## Beside other systems: {_text(name)}", "",
            f"{ours.get('passages', '–')} passages, {ours.get('questions', '–')} questions, all systems on the same "
            "machine, one after another.", "", f"    make bench SET={shlex.quote(readable(name))}", "",
            _table(("system", *_BENCH, "passages read in a second"), rows),
            *([_table(("target", "reached", "floor", "aim", "verdict"), targets)] if targets else []),
        ]
    )  # fmt: skip


def _figures(row: Mapping[str, Any]) -> list[str]:
    return [number(row[name]) if name in row else "" for name in _BENCH]


def ablation_section(ablation: Mapping[str, Any]) -> str:
    """Return what each step brings, as ``footnote eval ablate --json`` prints it."""
    rows = []
    for row in ablation.get("rows") or []:
        metrics = row.get("metrics") or {}
        told = [
            f"{_text(name)} {signed(value)} [{signed(low)}, {signed(high)}]"
            for name, (value, low, high) in metrics.items()
            if low > 0 or high < 0
        ]
        rows.append(
            (
                _text(str(row.get("step"))),
                "on" if row.get("on") else "off",
                _text(str(row.get("set", ""))),
                row.get("questions", ""),
                "<br>".join(told) or "nothing told apart",
                _with_without(row.get("ms")),
                _with_without(row.get("cost")),
                _text(f"{row.get('should', '')}: {row.get('why', '')}"),
            )
        )
    left = ablation.get("not_measured") or {}
    return "\n".join(
        [
            "## What each step brings", "",
            "Each step turned off in turn (or on, where it is off by default): the metric with it less the metric "
            "without it, paired by question, where the interval leaves 0 out.", "", "    footnote eval ablate", "",
            _table(("step", "default", "set", "n", "with it, less without", "ms with / without", "cost with / without",
                    "should be"), rows),
            *(f"- Not measured: {_text(str(step))}, {_text(str(why))}." for step, why in left.items()), "",
        ]
    )  # fmt: skip


def _with_without(both: Sequence[float | None] | None) -> str:
    known = [value for value in both or () if value is not None]
    return " / ".join(number(float(value)) for value in known) if both and len(known) == len(both) else ""


def _table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    titles = [str(title) for title in head]
    lines = [titles, ["---"] * len(titles), *([str(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
