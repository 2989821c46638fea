"""`footnote search` and `footnote ask`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import hit_as_json, print_answer, print_hits, print_json, visible
from cli.running import run
from state.evidence import Mode

if TYPE_CHECKING:
    from state.answer import Answer
    from state.evidence import Hit
    from state.run import RunContext


Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Filter = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        help="key=value; several times. Keys: collection, document, type, source, tag, language, after, before.",
    ),
]
Collection = Annotated[list[str] | None, typer.Option(help="Only in these collections; all if left out.")]


def search(
    question: Annotated[str, typer.Argument(help='What to look for; "phrases" and -exclusions work.')],
    mode: Annotated[Mode, typer.Option(help="How to search.")] = "hybrid",
    k: Annotated[int, typer.Option(min=1, max=1000, help="How many passages.")] = 10,
    rerank: Annotated[bool, typer.Option("--rerank", help="Let the reranker order the best.")] = False,
    filters: Filter = None,
    collection: Collection = None,
    as_json: Json = False,
) -> None:
    """Search for passages."""
    hits = run(_search(question, mode, k, rerank, _filters(filters, collection)))
    if as_json:
        print_json([hit_as_json(hit, rank) for rank, hit in enumerate(hits, start=1)])
    else:
        print_hits(hits)


def _filters(filters: list[str] | None, collections: list[str] | None) -> list[str]:
    return [*(filters or []), *(f"collection={name}" for name in collections or [])]


async def _search(question: str, mode: Mode, k: int, reranked: bool, filters: list[str]) -> list[Hit]:
    from models.embedder import SentenceTransformerEmbedder
    from settings import settings
    from state.filters import parse_filters
    from state.principal import local_principal
    from store.database import open_database
    from tools.fusion import configured_fusion
    from tools.rerank import RERANK_DEPTH, rerank
    from tools.search import Searcher

    configuration = settings()
    wanted = parse_filters(filters)
    notes: list[str] = []
    embedder = SentenceTransformerEmbedder(configuration)
    async with open_database(configuration) as database:
        fusion = configured_fusion(configuration)
        searcher = Searcher(database, embedder, configuration.max_question_chars, fusion=fusion)
        depth = max(k, RERANK_DEPTH) if reranked else k
        principal = local_principal(configuration)
        hits = await searcher.search(principal, question, mode, k=depth, filters=wanted, notes=notes)
    if reranked:
        from models.ladder import open_reader, open_reranker

        reader, notes_on_reader = open_reader(configuration, embedder)
        reranker, missed = open_reranker(configuration, reader)
        # That a better reranker could not be had is news only to who asked for one.
        notes += notes_on_reader + (missed if "reranker_model" in configuration.model_fields_set else [])
        hits = await rerank(reranker, question, hits) if reranker else hits
    for note in notes:
        typer.echo(f"note: {visible(note)}", err=True)
    return hits[:k]


def ask(
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    mode: Annotated[
        Mode | None, typer.Option(help="Force a way to search; chosen by the question if left out.")
    ] = None,
    filters: Filter = None,
    collection: Collection = None,
    rerank: Annotated[bool, typer.Option(help="Let the reranker order the passages.")] = True,
    cache: Annotated[bool, typer.Option(help="Give an answer again that was given before.")] = True,
    deadline: Annotated[
        float | None, typer.Option(min=0.1, max=600, help="Seconds that the answer may take; steps are left out then.")
    ] = None,
    thread: Annotated[
        str | None, typer.Option(help="The conversation that this belongs to: its id, or `new` to begin one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Answer a question, every sentence with a checked footnote."""
    from state.run import RunContext

    context = RunContext(rerank=rerank, cache=cache, deadline=deadline)
    answer = run(_ask(question, mode, _filters(filters, collection), context, thread))
    if as_json:
        print_json(answer.model_dump(mode="json"))
    else:
        print_answer(answer)


async def _ask(question: str, mode: Mode | None, filters: list[str], context: RunContext, thread: str | None) -> Answer:
    from graph.app import open_application
    from nodes.guard import clean_question
    from settings import settings
    from state.filters import parse_filters
    from state.principal import local_principal
    from store.checkpoints import thread_id

    configuration = settings()
    clean_question(question, configuration.max_question_chars)  # fail before models are loaded
    parse_filters(filters)
    principal = local_principal(configuration)
    async with open_application(configuration) as application:
        conversation = None
        if thread == "new":
            conversation = await application.threads.begin(principal)
            typer.echo(f"conversation: {conversation}", err=True)
        elif thread is not None:
            conversation = thread_id({"configurable": {"thread_id": thread}})
        return await application.ask(
            principal, question, mode=mode, filters=filters, context=context, thread=conversation
        )
