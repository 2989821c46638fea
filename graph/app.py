"""The application with its real parts: what the faces start, and what langgraph.json names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from graph.application import Application
from graph.builder import AskGraph, Parts, build_graph
from graph.tracing import traced
from graph.without import Switch
from ingest.uploads import Uploads
from models.alignment import SentenceAligner
from models.answerability import PassageJudge
from models.chat import open_chat
from models.chat_tokens import chat_token_counter
from models.embedder import SentenceTransformerEmbedder
from models.embedding_cache import CachedEmbedder
from models.extractive import ExtractiveWriter
from models.ladder import open_reader, open_reranker, open_verifier
from models.late_interaction import LateInteractionReranker
from models.location import PACKAGED
from models.passages import PassageTokens
from models.pii import PresidioFinder
from models.sentence_scorer import EmbeddingSentenceScorer
from models.tokenizer import ModelTokenCounter
from observe.logs import set_up_logging
from settings import Settings, settings
from state.ports import ChatModel, Embedder, Reranker, Source, Verifier
from state.screening import DEFAULT_POLICY, Action, Entity, policy
from store.cache import ResponseCache
from store.checkpoints import ThreadSaver
from store.database import Database, open_database
from store.feedback import Feedback
from store.keys import Keys
from store.receipts import Receipts
from store.threads import Threads
from tools.condensing import Condenser, room_for_passages
from tools.fusion import configured_fusion
from tools.linked import LinkGraph
from tools.neighbours import Neighbourhood
from tools.ranking_cache import RankingCache
from tools.screening import Screen
from tools.search import Searcher
from tools.sources_file import read_sources

_UNMASKED: dict[Entity, Action] = dict.fromkeys(DEFAULT_POLICY, "allow")


@dataclass(frozen=True)
class _Models:
    """What reads passages, with one memory of token vectors for reranking, grading and writing, and the rerankers."""

    reader: SentenceTransformerEmbedder
    tokens: PassageTokens
    rerankers: tuple[Reranker, ...]
    verifier: Verifier
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Own:
    """Parts that a program brings itself, in place of those of the settings, and sources beside the documents.

    ``question_embedder`` is for embedders that tell questions from documents.
    """

    embedder: Embedder | None = None
    question_embedder: Embedder | None = None
    chat: ChatModel | None = None
    sources: tuple[Source, ...] = ()


def _open_models(configuration: Settings, embedder: SentenceTransformerEmbedder) -> _Models:
    reader, notes = open_reader(configuration, embedder)
    tokens = PassageTokens(reader)
    reranker, missed = open_reranker(configuration, reader, tokens)
    if "reranker_model" in configuration.model_fields_set:  # news only to who asked for a better one
        notes += missed
    rerankers = [reranker] if reranker else []
    if reranker and not isinstance(reranker, LateInteractionReranker):  # what takes over when the better one fails
        rerankers.append(LateInteractionReranker(tokens))
    verifier, unverified = open_verifier(configuration, tokens)
    return _Models(reader, tokens, tuple(rerankers), verifier, (*notes, *unverified))


@asynccontextmanager
async def open_application(
    configuration: Settings,
    connect: Callable[[Settings], AbstractAsyncContextManager[Database]] = open_database,
    own: Own | None = None,
    without: frozenset[Switch] = frozenset(),
) -> AsyncIterator[Application]:
    """Start or join the database and load the models, at the same time; close the pool at the end.

    Without the configured embedding model every answer says so, for as long as the application is open: vector
    searches are left out, and the packaged model reads what is found. ``connect`` opens another database than the
    configured one, and ``without`` leaves steps out, both for evaluations; ``own`` are parts of the caller's. Raises
    `ModelUnavailable` if the packaged model, or an embedder of the caller's, cannot be had, and what ``connect``
    raises.
    """
    own = own or Own()
    read_by = configuration.model_copy(update={"embedding_model": PACKAGED}) if own.embedder else configuration
    reader = SentenceTransformerEmbedder(read_by)
    embedder: Embedder = own.embedder or reader
    async with AsyncExitStack() as stack:
        loading = asyncio.create_task(asyncio.to_thread(_open_models, read_by, reader))
        finder = PresidioFinder()
        try:
            database = await stack.enter_async_context(connect(configuration))
        finally:
            models = await loading
        await stack.enter_async_context(traced(configuration, finder))
        if own.embedder:
            await asyncio.to_thread(own.embedder.open)
        asked_by = own.question_embedder or embedder
        cached_embedder = CachedEmbedder(asked_by) if configuration.cache else asked_by
        rankings = RankingCache() if configuration.cache else RankingCache(most=0)
        fusion = replace(configured_fusion(configuration), distinct="duplicates" not in without)
        searcher = Searcher(
            database, cached_embedder, configuration.max_question_chars, rankings=rankings, fusion=fusion
        )
        receipts = Receipts(database)
        scorer = EmbeddingSentenceScorer(models.tokens)
        writer, verifier = ExtractiveWriter(scorer), models.verifier
        counter = ModelTokenCounter(configuration)
        chat: ChatModel | None = own.chat
        small_chat: ChatModel | None = own.chat
        if not own.chat:
            chat, small_chat = configured_chats = open_chat(configuration)
            for opened in filter(None, {*configured_chats}):
                stack.push_async_callback(opened.aclose)
        count, uncounted = chat_token_counter(configuration)
        room = room_for_passages(configuration.chat_context_tokens, count)
        parts = Parts(
            search=searcher,
            cache=_response_cache(configuration, database, cached_embedder),
            rerankers=models.rerankers,
            judge=PassageJudge(scorer, configuration.abstain_below),
            writer=writer,
            aligner=SentenceAligner(scorer),
            verifier=verifier,
            finder=finder,
            policy=_UNMASKED if "masks" in without else policy(configuration.sensitive_policy),
            receipts=receipts,
            names={
                "chat temperature": str(configuration.chat_temperature),
                "embedder": embedder.space if own.embedder or models.reader is reader else "none",
                "reader": models.reader.space,
                "reranker": models.rerankers[0].name if models.rerankers else "none",
                "writer": writer.name,
                "verifier": verifier.name,
            },
            notes=(*models.notes, *uncounted),
            chat=chat,
            judge_chat=chat if configuration.verifier_model == "judge" else None,
            small_chat=small_chat,
            sources=(
                *read_sources(configuration.sources, configuration.source_keys, small_chat or chat),
                *own.sources,
            ),
            condenser=Condenser(room, chat, scorer) if chat and "condensing" not in without else None,
            neighbours=None if "neighbours" in without else Neighbourhood(database),
            links=LinkGraph(searcher),
            max_question_chars=configuration.max_question_chars,
            counter=counter,
            max_question_tokens=configuration.max_question_tokens,
            fusion=fusion,
            passages=configuration.passages,
            rerank_depth=configuration.rerank_depth,
            without=without,
        )
        threads = Threads(database, configuration.thread_days)
        thread_graph = build_graph(parts, ThreadSaver(database))
        graph = build_graph(parts)
        uploads = Uploads(database, embedder, counter, configuration)
        stack.push_async_callback(uploads.close)
        yield Application(
            database, embedder, counter, searcher, receipts, threads, graph, thread_graph,
            keys=Keys(database), feedback=Feedback(database), uploads=uploads, verifier=verifier, finder=finder,
            screen=Screen(finder, parts.policy),
        )  # fmt: skip


def _response_cache(configuration: Settings, database: Database, embedder: Embedder) -> ResponseCache | None:
    if not configuration.cache:
        return None
    alike = embedder if configuration.cache_alike else None
    return ResponseCache(database, alike, configuration.cache_entries, configuration.cache_days)


_opened = AsyncExitStack()
_opening = asyncio.Lock()
_application: Application | None = None


async def served_application() -> Application:
    """Return the application of this process for the LangGraph server, opened at the first call and kept."""
    global _application
    async with _opening:
        if _application is None:
            configuration = await asyncio.to_thread(settings)
            set_up_logging(configuration)
            _application = await _opened.enter_async_context(open_application(configuration))
            await _application.warm()
    return _application


async def served_graph() -> AskGraph:
    """Return the graph of this process for the LangGraph server."""
    # The server loads this file under a name of its own, and the files of its other parts too: they share what the
    # module has under its own name.
    from graph import app

    return (await app.served_application()).graph
