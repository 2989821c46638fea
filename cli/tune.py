"""`footnote tune`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.eval_all import Documents
from cli.output import console, visible
from cli.running import run


def tune(
    questions: Annotated[
        Path, typer.Argument(help="A .csv or .jsonl file with the columns question and answer, or a BEIR-style folder.")
    ],
    documents: Documents = None,
    out: Annotated[Path, typer.Option(help="File for the settings; the report is written beside it.")] = Path(
        "tuned.env"
    ),
    most: Annotated[int | None, typer.Option(min=1, help="Take the first questions only.")] = None,
) -> None:
    """Fit search and abstention to your questions; write settings that hold on questions held out, and why."""
    from evals.runs.evaluation import Conditions
    from evals.tune import tune as fit
    from evals.tuning.writing import refuse_unwritable, shown, write_settings

    refuse_unwritable(out)
    tuned = run(fit(questions, Conditions(most=most, documents=tuple(documents or ())), tell=_tell))
    report = write_settings(tuned, out)
    for one in tuned.choices:
        fitted = f": {shown(one.tuned)}" if one.accepted else ""
        console().print(f"{one.name}{fitted}: {one.reason}", markup=False, soft_wrap=True)
    if tuned.together and not tuned.changes:
        console().print(f"nothing is taken: together, {tuned.together['why']}", markup=False, soft_wrap=True)
    console().print(f"settings in {visible(str(out))}, why in {visible(str(report))}", markup=False, soft_wrap=True)
    if tuned.changes:
        console().print(f"use them: FOOTNOTE_SETTINGS={visible(str(out))} footnote ask …", markup=False, soft_wrap=True)


def _tell(said: str) -> None:
    print(visible(said), file=sys.stderr)  # noqa: T201
