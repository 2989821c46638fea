"""`footnote eval make` and `footnote eval feedback`: sets of questions from one's own documents and opinions."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.output import print_json, visible
from cli.running import run

if TYPE_CHECKING:
    from evals.feedback import Given
    from evals.make import Made, Wanted

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def make(
    collection: Annotated[str | None, typer.Option(help="Only from this collection; from all if left out.")] = None,
    count: Annotated[int, typer.Option(min=1, max=2000, help="Questions to make.")] = 50,
    unanswerable: Annotated[int, typer.Option(min=0, max=500, help="More of them, that nothing answers.")] = 0,
    seed: Annotated[int, typer.Option(help="Another number draws other questions.")] = 0,
    out: Annotated[Path, typer.Option(help="File to write, for `footnote eval answers`.")] = Path("questions.jsonl"),
    as_json: AsJson = False,
) -> None:
    """Make questions with known answers and spans from the documents: by rules, or by the chat model if one is set."""
    from evals.make import Wanted

    made = run(_made(Wanted(count, unanswerable, collection, seed)))
    write_rows(out, made.rows)
    if as_json:
        print_json({"questions": len(made.rows), "documents": made.documents, "left_out": made.left_out,
                    "usage": made.usage, "file": str(out)})  # fmt: skip
        return
    _say(f"{len(made.rows)} questions about {made.documents} documents in {out}.")
    for reason, number in made.left_out.items():
        _say(f"left out, {number}: {reason}")
    if len(made.rows) < count:
        _say(f"There were no more than these to be made of the {count} asked for.")
    _say(f"Next: footnote eval answers {out}")


def feedback(
    out: Annotated[Path, typer.Option(help="File to write, for `footnote eval answers`.")] = Path("feedback.jsonl"),
    unmasked: Annotated[bool, typer.Option("--unmasked", help="Leave personal data in questions and answers.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make questions of your thumbs and corrections: what was right has to stay so, what was wrong to become right."""
    given = run(_given(masked=not unmasked))
    write_rows(out, given.rows)
    if as_json:
        print_json({"questions": len(given.rows), "left_out": given.left_out, "file": str(out)})
        return
    down = sum(row["verdict"] == "down" for row in given.rows)
    _say(f"{len(given.rows)} questions in {out}: {len(given.rows) - down} answered right, {down} with a correction.")
    for reason, number in given.left_out.items():
        _say(f"left out, {number}: {reason}")
    _say(f"Next: footnote eval answers {out}")


async def _given(*, masked: bool) -> Given:
    from evals.feedback import feedback_questions
    from graph.app import open_application
    from settings import settings
    from state.principal import local_principal

    configuration = settings()
    async with open_application(configuration) as application:
        return await feedback_questions(application, local_principal(configuration), masked=masked)


async def _made(wanted: Wanted) -> Made:
    from evals.make import make_questions
    from graph.app import open_application
    from models.chat import open_chat
    from settings import settings
    from state.principal import local_principal

    configuration = settings()
    chat, _ = open_chat(configuration)
    async with open_application(configuration) as application:
        try:
            return await make_questions(application, local_principal(configuration), wanted, chat)
        finally:
            if chat:
                await chat.aclose()


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as JSON lines, the file whole or not at all. Raises `OSError`."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def _say(line: str) -> None:
    sys.stdout.write(visible(line) + "\n")
