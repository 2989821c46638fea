"""`footnote`: the commands, and how failures are told."""

from __future__ import annotations

import io
import os
import sys
from typing import NoReturn

import typer

from cli import doctor, documents, evaluation, keys, mcp, questions, receipts, serve, threads, tune, ui
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
app.add_typer(threads.threads, name="threads")
app.add_typer(keys.keys, name="keys")
app.command("verify")(receipts.verify)
app.command("replay")(receipts.replay)
app.command("ui")(ui.ui)
app.command("serve")(serve.serve)
app.command("mcp")(mcp.mcp)
app.add_typer(evaluation.evals, name="eval")
app.command("tune")(tune.tune)
app.command("doctor")(doctor.doctor)
app.command("reindex")(doctor.reindex)


def main() -> None:
    """Run a command; tell an expected failure in one line on stderr, with exit status 1."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # what a terminal's encoding lacks is no reason to fail
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # here, where it can still be told that it failed
    except FootnoteError as error:
        _fail(str(error))
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone: nothing to tell, and nobody to tell it to
        sys.exit(0)
    except OSError as error:  # a full disk under the output
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the same would be told again at exit
        _fail(f"{error.filename or 'The output'} cannot be written or read: {error.strerror or error}.")
    except ValueError as error:
        _fail(_unusable_setting(error))


def _fail(reason: str) -> NoReturn:
    print(f"footnote: {' '.join(reason.split())}", file=sys.stderr)  # noqa: T201
    sys.exit(1)


def _unusable_setting(error: ValueError) -> str:
    """Say which setting cannot be used; raise any other error again."""
    from pydantic import ValidationError  # imported late, so that help is quick

    from settings import UnusableSettings

    if isinstance(error, UnusableSettings):
        return str(error)
    if not isinstance(error, ValidationError) or error.title != "Settings":
        raise error
    first = error.errors()[0]
    name = str(first["loc"][0])
    variable = name if name.isupper() else f"FOOTNOTE_{name.upper()}"
    return f"The setting {variable} is unusable ({first['input']!r}): {first['msg']}."
