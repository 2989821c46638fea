"""`footnote eval`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.output import console, print_json, visible
from cli.running import run

evals = typer.Typer(help="Measure quality and speed on sets of questions.", no_args_is_help=True)


@evals.callback()
def _evals() -> None:
    """Measure quality and speed on sets of questions."""


@evals.command("retrieval")
def retrieval(
    folder: Annotated[Path, typer.Argument(help="A BEIR-style folder: corpus.jsonl, queries.jsonl, qrels*.tsv.")],
    modes: Annotated[str, typer.Option(help="Of lexical, vector, hybrid, rerank.")] = "lexical,vector,hybrid,rerank",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Index a set in a database of its own and measure how well each mode finds what is relevant."""
    from evals.retrieval import evaluate_retrieval

    result = run(evaluate_retrieval(folder, [mode.strip() for mode in modes.split(",") if mode.strip()]))
    if as_json:
        print_json(result)
        return
    from rich.table import Table

    measures = ["nDCG@10", "R@5", "R@10", "RR@10", "p50_ms", "p95_ms"]
    table = Table("mode", *measures, box=None)
    for mode, row in result.items():
        if isinstance(row, dict):
            table.add_row(mode, *(str(row[measure]) for measure in measures))
    console().print(table)
    console().print(
        f"{result['passages']} passages, {result['questions']} questions, {result['ingest_per_s']} passages/s in"
    )


@evals.command("answers")
def answers(
    folder: Annotated[Path, typer.Argument(help="A BEIR-style folder whose queries.jsonl has `answers`.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask a set's questions, and measure how many answers hold the right one and whether every quote is exact."""
    from evals.answers import evaluate_answers

    result = run(evaluate_answers(folder))
    if as_json:
        print_json(result)
    else:
        for key, value in result.items():
            console().print(f"{key:>16}  {value}", markup=False)


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


@evals.command("hops")
def hops(
    folder: Annotated[Path, typer.Argument(help="A BEIR-style folder: corpus.jsonl, queries.jsonl, qrels*.tsv.")],
    strip_titles: Annotated[bool, typer.Option("--strip-titles", help="Read the set in without its titles.")] = False,
    most: Annotated[int | None, typer.Option(min=1, help="Ask the first questions only.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask a set's questions with one search and with hops, and compare what is found."""
    from evals.hops import evaluate_hops

    result = run(evaluate_hops(folder, strip_titles=strip_titles, most=most))
    if as_json:
        print_json(result)
        return
    from rich.table import Table

    table = Table("", *result["with"], box=None)
    for name in ("without", "with"):
        table.add_row(name, *map(str, result[name].values()))
    console().print(table)
    for measure, (mean, low, high) in result["difference"].items():
        console().print(f"{measure:>12}  {mean:+.4f}  ({low:+.4f} to {high:+.4f})", markup=False)


@evals.command("pii")
def pii(
    folder: Annotated[Path, typer.Argument(help="JSON lists of texts with marked spans (presidio-research).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look for personal data in texts, and measure what is found of each entity."""
    from rich.table import Table

    from evals.pii import evaluate_pii

    result = evaluate_pii(folder)
    if as_json:
        print_json(result)
        return
    measures = ["marked", "precision", "recall", "F2", "covered"]
    for name, rows in result["sets"].items():
        table = Table(visible(name), *measures, box=None)
        for entity, row in rows.items():
            table.add_row(entity, *(str(row[measure]) for measure in measures))
        console().print(table)
    console().print(f"{result['texts']} texts, {result['ms_a_text']} ms each, {result['open_s']} s to load")


@evals.command("injection")
def injection(
    folder: Annotated[Path, typer.Argument(help="BIPIA's attacks and contexts in bipia/, labelled prompts beside it.")],
    attacks: Annotated[int, typer.Option(help="Attacks on each context.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Put attacks into documents, ask the documents' questions, and measure how many attacks reach an answer."""
    from evals.injection import evaluate_injection

    result = run(evaluate_injection(folder, attacks))
    if as_json:
        print_json(result)
    else:
        for key, value in result.items():
            console().print(f"{key:>24}  {value}", markup=False)


@evals.command("grounding")
def grounding(
    folders: Annotated[list[Path], typer.Argument(help="Folders of claims with evidence: SummEdits, WiCE, SciFact.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Judge claims against their evidence and measure how many are told right."""
    from evals.grounding import evaluate_grounding

    result = run(evaluate_grounding(folders))
    if as_json:
        print_json(result)
        return
    from rich.table import Table

    measures = ["claims", "supported", "balanced_accuracy", "auroc", "p50_ms", "p95_ms"]
    table = Table("set", *measures, box=None)
    for name, row in result["sets"].items():
        table.add_row(visible(name), *(str(row[measure]) for measure in measures))
    console().print(table)
    console().print(f"mean: {result['mean']['balanced_accuracy']}", markup=False)


@evals.command("abstention")
def abstention(
    folders: Annotated[list[Path], typer.Argument(help="BEIR-style folders whose queries.jsonl has `answers`.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask questions with and without the passages that answer them; measure whether the confidence tells which."""
    from evals.abstention import evaluate_abstention

    result = run(evaluate_abstention(folders))
    if as_json:
        print_json(result)
        return
    for key, value in result.items():
        console().print(f"{visible(key)}: {value}", markup=False)


@evals.command("routing")
def routing(
    folder: Annotated[Path, typer.Argument(help="A BEIR-style folder, or one with such folders inside.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure how far searches as routed stay behind the best mode of each question, against always-hybrid."""
    from evals.routing import evaluate_routing

    result = run(evaluate_routing(folder))
    if as_json:
        print_json(result)
        return
    from rich.table import Table

    columns = ["set", "questions", "lexical", "vector", "hybrid", "mode", "routed"]
    columns += [f"regret {name}" for name in ("hybrid", "mode", "routed")]
    table = Table(*columns, box=None)
    for name, row in {**result["sets"], "all": result["all"]}.items():
        table.add_row(name, str(row["questions"]), *map(str, [*row["nDCG@10"].values(), *row["regret"].values()]))
    console().print(table)
    mean, low, high = result["saved"]
    console().print(f"regret saved a question: {mean:+.4f}  ({low:+.4f} to {high:+.4f})", markup=False)


@evals.command("rewriting")
def rewriting(
    folder: Annotated[Path, typer.Argument(help="With rewrite_pairs.jsonl and corpus.jsonl, or rewrites*.jsonl.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Rewrite follow-ups by rules, and measure what is found after it and how near it comes to what people wrote."""
    from evals.rewriting import evaluate_rewriting

    result = run(evaluate_rewriting(folder))
    if as_json:
        print_json(result)
        return
    for name, row in result.items():
        console().print(f"{name:>12}  {row}", markup=False)


@evals.command("load")
def load(
    seconds: Annotated[float, typer.Option(min=10, max=480, help="Seconds of load, all parts together.")] = 480,
) -> None:
    """Start a server with a scripted chat model, and measure capacity, latency, refusals, memory and CPU time; JSON."""
    from evals.load.measure import evaluate_load

    print_json(run(evaluate_load(seconds)))
