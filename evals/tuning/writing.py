"""What `footnote tune` writes: a file of settings, and the report that justifies it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evals.tune import Tuned
from evals.tuning.choosing import Choice
from settings import variables
from state.errors import FootnoteError

_HEAD = "# Written by `footnote tune`"
_SHOWN = 8  # values of a setting in its table


class NotWritten(FootnoteError):
    """The settings or the report cannot be written."""


def write_settings(tuned: Tuned, out: Path) -> Path:
    """Write the settings, and the report beside them, whose path is returned. Raises `NotWritten`."""
    refuse_unwritable(out)
    report = out.with_suffix(".md")
    try:
        out.write_text(settings_file(tuned, report.name), encoding="utf-8")
        report.write_text(report_of(tuned, out.name), encoding="utf-8")
    except OSError as error:
        raise NotWritten(f"{error.filename} cannot be written: {error.strerror}.") from error
    return report


def refuse_unwritable(out: Path) -> None:
    """Raise `NotWritten` if the settings or the report cannot be written there, or a file is there that is not ours."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for path in (out, out.with_suffix(".md")):
            if path.exists() and not path.read_text(encoding="utf-8", errors="replace").startswith(_HEAD):
                raise NotWritten(f"{path} was not written by footnote tune: give another file with --out.")
    except OSError as error:
        raise NotWritten(f"{error.filename} cannot be written: {error.strerror}.") from error
    if out.suffix == ".md":
        raise NotWritten(f"{out} would be the report's name: give the settings another ending, such as .env.")


def settings_file(tuned: Tuned, report: str) -> str:
    """Return the lines of the file of settings: what was taken, in the format of environment files."""
    names = variables()
    lines = [f"{_HEAD}; {report} says why. Read where FOOTNOTE_SETTINGS names this file."]
    lines += [f"{names[name][0]}={_value(value)}" for name, value in sorted(tuned.changes.items())]
    if not tuned.changes:
        lines.append("# Nothing: every setting keeps its default.")
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    return f"'{json.dumps(value)}'" if isinstance(value, dict) else f"{value:g}"


def report_of(tuned: Tuned, file: str) -> str:
    """Return the report in Markdown."""
    made = tuned.metadata
    parts = [
        f"{_HEAD}: what was fitted, and whether it holds",
        f"{tuned.questions} questions of `{', '.join(made['sets']).replace('`', '')}`; {made['at']}; commit "
        f"{made['commit']}. "
        f"Settings: `{file}`.",
        "A value is taken only if it is better on questions that it was not fitted on: the 95 % interval of its paired "
        "gain (bootstrap) lies above 0. All else keeps its default.",
        _table(tuned),
        *(_tried(choice) for choice in tuned.choices if choice.table),
        _together(tuned),
    ]
    return "\n\n".join(parts) + "\n"


def _table(tuned: Tuned) -> str:
    rows = [
        "| setting | questions | metric | present | fitted | gain (95 %) | fitted value | outcome |",
        "|---" * 8 + "|",
    ]
    for one in tuned.choices:
        measured = [""] * 5
        if one.table:
            before, after = one.held_out
            mean, low, high = one.gain
            measured = [one.metric, f"{before:.3f}", f"{after:.3f}", f"{mean:+.3f} ({low:+.3f} to {high:+.3f})",
                        shown(one.tuned)]  # fmt: skip
        rows.append(f"| {one.name} | {one.questions or ''} | {' | '.join(measured)} | {one.reason} |")
    return "\n".join(rows)


def _tried(choice: Choice) -> str:
    """Return the best values with what they are worth on the questions that were fitted on, the present one first."""
    present, *others = choice.table
    best = sorted(others, key=lambda one: -one[1])[: _SHOWN - 1]
    rows = [f"| {shown(value)} | {worth:.3f} |" for value, worth in (present, *best)]
    head = f"## {choice.name}: {len(choice.table)} values tried, {choice.metric}"
    return "\n".join([head, "", "| value | on what was fitted on |", "|---|---|", *rows])


def _together(tuned: Tuned) -> str:
    if tuned.together is None:
        return "Nothing is taken, so the settings stay as they are."
    where = "questions held out" if tuned.held_out else (
        "all questions, which were fitted on, too: there are too few to hold some out of everything"
    )  # fmt: skip
    rows = ["## Together, asked of the whole graph", "", f"On {tuned.together['questions']} {where}.", "",
            "| metric | present | tuned | difference (95 %) |", "|---|---|---|---|"]  # fmt: skip
    for name, (mean, low, high) in tuned.together["metrics"].items():
        after, before = tuned.together["with_without"][name]
        rows.append(f"| {name} | {before:.3f} | {after:.3f} | {mean:+.3f} ({low:+.3f} to {high:+.3f}) |")
    after, before = tuned.together["ms"]
    rows.append(f"| median ms | {before:.0f} | {after:.0f} | |")
    if not tuned.changes:
        rows += ["", f"Together they make answers worse ({tuned.together['why']}): every setting keeps its default."]
    return "\n".join(rows)


def shown(value: Mapping[str, Any]) -> str:
    """Return a value of settings in words."""
    return ", ".join(f"{name} {'by class' if one is None else json.dumps(one)}" for name, one in value.items())
