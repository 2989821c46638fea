"""`footnote eval`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.eval_ablate import ablate
from cli.eval_all import Documents, everything
from cli.eval_compare import compare
from cli.eval_gate import gate
from cli.eval_make import feedback, make
from cli.output import console, print_json, visible
from cli.running import run

if TYPE_CHECKING:
    from evals.runs.folder import SavedRun

evals = typer.Typer(help="Measure quality and speed on sets of questions.", no_args_is_help=True)

Paths = Annotated[list[Path], typer.Argument(help="Sets, or folders that have some inside.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Out = Annotated[Path | None, typer.Option(help="Folder for the run; by default a new one below the home folder.")]
Most = Annotated[int | None, typer.Option(min=1, help="Take the first examples of each set only.")]

# What each kind does, for those without options of their own.
_HELP = {
    "grounding": "Judge claims against their evidence (SummEdits, WiCE, SciFact) and measure how many are told right.",
    "routing": "Measure how far searches as routed stay behind the best mode of each question.",
    "rewriting": "Rewrite follow-ups by rules; measure what is found after it, and how near it comes to people's.",
    "pii": "Look for personal data in texts (presidio-research), and measure what is found of each entity.",
    "masking": "Ask documents with personal data in them, and measure how much of it answers show.",
}
# Of these, questions of one's own may be asked of documents that are given.
_OF_DOCUMENTS = {
    "abstention": "Ask questions with and without the passages that answer them: does the confidence tell which?",
    "speed": "Ask questions by each preset, and measure how long answers take and how good they are.",
}


@evals.callback()
def _evals() -> None:
    """Measure quality and speed on sets of questions."""


evals.command("all")(everything)
evals.command("make")(make)
evals.command("feedback")(feedback)
evals.command("ablate")(ablate)
evals.command("compare")(compare)
evals.command("gate")(gate)


@evals.command("retrieval")
def retrieval(
    paths: Paths,
    modes: Annotated[str, typer.Option(help="Of lexical, vector, hybrid, rerank.")] = "lexical,vector,hybrid,rerank",
    most: Most = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Search for questions of BEIR-style sets and measure how well each mode finds what is relevant."""
    chosen = tuple(mode.strip() for mode in modes.split(",") if mode.strip())
    _evaluate("retrieval", paths, most, out, as_json, modes=chosen)


@evals.command("hops")
def hops(
    paths: Paths,
    strip_titles: Annotated[bool, typer.Option("--strip-titles", help="Read the set in without its titles.")] = False,
    most: Most = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Ask questions with one search and with hops, and compare what is found."""
    _evaluate("hops", paths, most, out, as_json, strip_titles=strip_titles)


@evals.command("injection")
def injection(
    paths: Paths,
    attacks: Annotated[int, typer.Option(min=1, help="Attacks on each context.")] = 3,
    most: Most = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Put attacks (BIPIA's) into documents, ask their questions, and measure how many attacks reach an answer."""
    _evaluate("injection", paths, most, out, as_json, attacks_a_context=attacks)


@evals.command("answers")
def answers(
    paths: Paths,
    judge: Annotated[bool, typer.Option("--judge", help="Let the chat model judge too: see `eval judges`.")] = False,
    documents: Documents = None,
    most: Most = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Ask questions, and measure how many answers are right and whether every quote is exact."""
    _evaluate("answers", paths, most, out, as_json, documents, judge=judge)


@evals.command("judges")
def judges(
    paths: Paths,
    most: Annotated[int, typer.Option(min=1, help="Take this many answers of each set.")] = 60,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Let the chat model judge answers whose labels are known, and measure how far it agrees."""
    _evaluate("judges", paths, most, out, as_json)


def _command(name: str) -> Callable[..., None]:
    def command(paths: Paths, most: Most = None, out: Out = None, as_json: AsJson = False) -> None:
        _evaluate(name, paths, most, out, as_json)

    return command


def _command_of_documents(name: str) -> Callable[..., None]:
    def command(
        paths: Paths, documents: Documents = None, most: Most = None, out: Out = None, as_json: AsJson = False
    ) -> None:
        _evaluate(name, paths, most, out, as_json, documents)

    return command


for _name, _help in _HELP.items():
    evals.command(_name, help=_help)(_command(_name))
for _name, _help in _OF_DOCUMENTS.items():
    evals.command(_name, help=_help)(_command_of_documents(_name))


@evals.command("fidelity")
def fidelity(
    folder: Annotated[Path, typer.Argument(help="Files with what they should read like next to them: x.expected.md.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read files and measure how much of their expected text is stored, in order, and how little else."""
    from rich.markup import escape
    from rich.table import Table

    from evals.fidelity import evaluate_fidelity

    result = evaluate_fidelity(folder)
    if as_json:
        print_json(result)
        return

    measures = ["files", "in_order", "least", "present", "precision"]
    table = Table("format", *measures, "worst", box=None)
    for kind, row in result["formats"].items():
        worst = ", ".join(f"{visible(file)} {share}" for file, share in row["worst"].items())
        table.add_row(kind, *(str(row[measure]) for measure in measures), escape(worst))
    console().print(table)
    for file, reason in result["unread"].items():
        console().print(f"not read: {visible(file)}: {visible(reason)}", markup=False)


@evals.command("load")
def load(
    seconds: Annotated[float, typer.Option(min=10, max=480, help="Seconds of load, all parts together.")] = 480,
) -> None:
    """Start a server with a scripted chat model, and measure capacity, latency, refusals, memory and CPU time; JSON."""
    from evals.load.measure import evaluate_load

    print_json(run(evaluate_load(seconds)))


def _evaluate(
    name: str,
    paths: list[Path],
    most: int | None,
    out: Path | None,
    as_json: bool,
    documents: list[Path] | None = None,
    **options: Any,
) -> None:
    """Run an evaluation, keep it, and print its summary as JSON or its metrics as a table; fail if an example did."""
    from evals.runs.evaluation import Conditions
    from evals.runs.keeping import kept_run
    from evals.runs.registry import evaluation_class

    conditions = Conditions(most=most, documents=tuple(documents or ()))
    evaluation = evaluation_class(name)(conditions, **options)
    saved = run(kept_run(evaluation, paths, out))
    if as_json:
        print_json(saved.summary)
    else:
        _print_metrics(saved)
    for note in saved.metadata.get("degraded", ()):
        print(visible(note), file=sys.stderr)  # noqa: T201
    print(f"kept with its report in {saved.folder}", file=sys.stderr)  # noqa: T201
    failed = [result for result in saved.results if result.error]
    for result in failed[:5]:
        print(f"{result.set} {result.example.key}: {visible(result.error)}", file=sys.stderr)  # noqa: T201
    if failed:
        print(f"{len(failed)} of {len(saved.results)} examples failed.", file=sys.stderr)  # noqa: T201
        raise typer.Exit(1)


def _print_metrics(saved: SavedRun) -> None:
    from rich.table import Table

    table = Table("set", "metric", "mean", "95 % interval", box=None)
    for name, metrics in saved.metrics.items():
        for metric, (mean, low, high) in metrics.items():
            table.add_row(visible(name), metric, f"{mean:.4f}", f"{low:.4f} to {high:.4f}")
    console().print(table)
