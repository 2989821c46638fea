"""Retrieval quality and speed of each mode on a set, in a database of its own."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from evals.scratch import scratch_database
from evals.sets.beir import EvaluationSet, read_beir
from ingest.pipeline import Ingester
from ingest.sources import Found
from models.embedder import SentenceTransformerEmbedder
from models.ladder import open_reranker
from models.tokenizer import ModelTokenCounter
from settings import Settings, settings
from state.errors import InvalidFilter, ModelUnavailable
from state.evidence import Hit
from state.ports import Embedder, Reranker
from state.principal import Principal, local_principal
from store.database import Database
from tools.rerank import rerank
from tools.search import DEPTH, Searcher

MODES = ("lexical", "vector", "hybrid", "rerank")
_WARM_UP = 5  # questions not timed

Search = Callable[[str], Awaitable[list[Hit]]]


async def evaluate_retrieval(folder: Path, modes: Sequence[str]) -> dict[str, Any]:
    """Return nDCG@10, R@5, R@10, RR@10 and latency of each mode, and how fast the set was read in.

    A row of the corpus is one unit, however it was split: a mode's ranking of chunks is taken for a ranking of rows by
    their first chunk. Raises `UnreadableSet`, `InvalidFilter` for an unknown mode.
    """
    unknown = sorted(set(modes) - set(MODES))
    if unknown or not modes:
        raise InvalidFilter(f"Unknown mode {', '.join(unknown) or '(none)'}: choose of {', '.join(MODES)}.")
    evaluated = read_beir(folder)
    configuration = settings()
    principal = local_principal(configuration)
    embedder = SentenceTransformerEmbedder(configuration)
    await asyncio.to_thread(embedder.open)
    async with scratch_database(configuration) as database:
        ingester = Ingester(database, embedder, ModelTokenCounter(configuration), principal)
        report = await ingester.ingest(Found(sources=evaluated.sources), "eval")
        result = await measure_modes(modes, database, embedder, principal, configuration, evaluated)
    return {
        **result,
        "ingest_per_s": round(len(evaluated.sources) / report.seconds, 1),
        "passages": len(evaluated.sources),
        "questions": len(evaluated.questions),
    }


async def measure_modes(
    modes: Sequence[str],
    database: Database,
    embedder: Embedder,
    principal: Principal,
    configuration: Settings,
    evaluated: EvaluationSet,
) -> dict[str, dict[str, float]]:
    """Return the quality and latency of each mode on a set that has been read in."""
    searcher = Searcher(database, embedder)
    return {
        mode: await _measure(_search(mode, searcher, principal, configuration, embedder), evaluated) for mode in modes
    }


def _search(mode: str, searcher: Searcher, principal: Principal, configuration: Settings, embedder: Embedder) -> Search:
    if mode != "rerank":
        return lambda question: searcher.search(principal, question, mode, k=DEPTH)  # type: ignore[arg-type]
    reranker, notes = open_reranker(configuration, embedder)
    if reranker is None:
        raise ModelUnavailable(" ".join(notes))
    return lambda question: _reranked(searcher, principal, reranker, question)


async def _reranked(searcher: Searcher, principal: Principal, reranker: Reranker, question: str) -> list[Hit]:
    return await rerank(reranker, question, await searcher.hybrid_search(principal, question, k=DEPTH))


async def _measure(search: Search, evaluated: EvaluationSet) -> dict[str, float]:
    from ir_measures import RR, R, calc_aggregate, nDCG

    for _, question in evaluated.questions[:_WARM_UP]:
        await search(question)
    run: dict[str, dict[str, float]] = {}
    spent = []
    for key, question in evaluated.questions:
        started = time.perf_counter()
        hits = await search(question)
        spent.append((time.perf_counter() - started) * 1000)
        rows = list(dict.fromkeys(hit.passage.source for hit in hits))
        run[key] = {row: float(-rank) for rank, row in enumerate(rows)}
    scores = calc_aggregate([nDCG @ 10, R @ 5, R @ 10, RR @ 10], evaluated.relevant, run)
    return {
        **{str(measure): round(value, 4) for measure, value in scores.items()},
        **latency(spent),
    }


def latency(spent: Sequence[float]) -> dict[str, float]:
    """Return the median and the 95th percentile of times in milliseconds."""
    return {
        "p50_ms": round(statistics.median(spent), 1),
        "p95_ms": round(statistics.quantiles(spent, n=20)[18] if len(spent) > 1 else spent[0], 1),
    }
