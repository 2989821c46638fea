"""`footnote`: the commands, and how failures are told."""

from __future__ import annotations

import sys

import typer

from cli import doctor, documents, evaluation, questions
from state.errors import FootnoteError

app = typer.Typer(
    name="footnote",
    help="Answers from your documents, in which every sentence carries a checked footnote.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command("ingest")(documents.ingest)
app.command("search")(questions.search)
app.command("ask")(questions.ask)
app.add_typer(documents.docs, name="docs")
app.command("verify")(questions.verify)
app.add_typer(evaluation.evals, name="eval")
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Run a command; tell an expected failure in one line on stderr, with exit status 1."""
    try:
        app()
    except FootnoteError as error:
        print(f"footnote: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    except KeyboardInterrupt:
        print("footnote: interrupted; what was done so far is kept.", file=sys.stderr)  # noqa: T201
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone: nothing to tell, and nobody to tell it to
        sys.exit(0)
