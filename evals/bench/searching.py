"""Searches a loaded synthetic corpus as ordinary principals: latency cold and warm, results, recall and exactness."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from evals.bench.loading import OTHER_CHUNKS, OTHER_TENANTS, READERS, SPACE
from evals.bench.synthetic import LEVELS, SyntheticCorpus
from evals.bench.truth import Truth
from evals.runs.timing import latency
from state.evidence import Hit
from state.filters import Filters
from state.principal import Principal
from store.database import Database
from store.health import table_sizes
from tools.search import Searcher

K = 10
QUESTIONS = 200
_CHECKED = 5  # questions by words of which the whole ranking is compared with an exact one
_TERMS = (2, 3, 4, 5, 6)  # words of a question, in turn


@dataclass
class ReadyVectors:
    """An embedder that knows its questions' vectors: searching is measured without embedding."""

    known: dict[str, npt.NDArray[np.float32]]
    dimension: int
    space: str = SPACE

    def open(self) -> None:
        """Nothing to load."""

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the questions' vectors."""
        return np.stack([self.known[text] for text in texts])


@dataclass
class Scale:
    """A loaded corpus with the questions put to it."""

    corpus: SyntheticCorpus
    questions: list[str] = field(default_factory=list)
    embedder: ReadyVectors = field(init=False)
    truth: Truth = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.corpus.seed + 2)
        self.questions = [self.corpus.question(rng, _TERMS[i % len(_TERMS)]) for i in range(QUESTIONS)]
        vectors = self.corpus.vectors(rng, QUESTIONS)
        self.embedder = ReadyVectors(dict(zip(self.questions, vectors, strict=True)), self.corpus.dimension)
        self.truth = Truth(vectors, tuple(self.questions[:_CHECKED]), K)


async def measure_loaded(database: Database, scale: Scale, chunks: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure sizes, then latency, results and recall for each principal, cold and warm."""
    result: dict[str, Any] = {}
    async with database.session(READERS[0]) as connection:
        sizes = await table_sizes(connection)
    stored = chunks + OTHER_TENANTS * OTHER_CHUNKS
    result["bytes_per_chunk"] = round(sum(sizes.values()) / stored)
    result["tables"] = {name: round(size / stored) for name, size in sizes.items()}
    result["readers"] = {}
    for number, reader in enumerate(READERS):
        say(f"searching as one who sees {LEVELS[number]:.1%}")
        result["readers"][reader.user] = await _as_reader(database, scale, reader, number)
    return result


async def _as_reader(database: Database, scale: Scale, reader: Principal, number: int) -> dict[str, Any]:
    searcher = Searcher(database, scale.embedder)
    started = time.perf_counter()
    await searcher.hybrid_search(reader, scale.questions[0], k=K)
    cold = (time.perf_counter() - started) * 1000
    filters = Filters(types=("pdf",))
    searches: dict[str, Callable[[str], Awaitable[list[Hit]]]] = {
        "lexical": lambda question: searcher.lexical_search(reader, question, k=K),
        "vector": lambda question: searcher.vector_search(reader, question, k=K),
        "hybrid": lambda question: searcher.hybrid_search(reader, question, k=K),
        "filtered": lambda question: searcher.hybrid_search(reader, question, k=K, filters=filters),
    }
    found: dict[str, Any] = {"first_question_ms": round(cold, 1), "chunks": scale.truth.seen(number)}
    for name, search in searches.items():
        first, spent, hits = [], [], []
        for question in scale.questions:
            first.append(await _timed(search, question))
        for question in scale.questions:
            begun = time.perf_counter()
            hits.append(await search(question))
            spent.append((time.perf_counter() - begun) * 1000)
        found[name] = {**latency(spent), "cold": latency(first), "fewest": min(map(len, hits))}
        if name == "vector":
            found[name]["recall@10"] = round(_recall(scale, number, hits), 4)
        if name == "lexical":
            found[name]["exact"] = _exact(scale, number, hits)
    return found


async def _timed(search: Callable[[str], Awaitable[list[Hit]]], question: str) -> float:
    started = time.perf_counter()
    await search(question)
    return (time.perf_counter() - started) * 1000


def _recall(scale: Scale, reader: int, hits: Sequence[Sequence[Hit]]) -> float:
    """Return the mean share of the true nearest chunks among those found."""
    shares = []
    for question, found in enumerate(hits):
        true = set(scale.truth.nearest(question, reader))
        shares.append(len(true & {hit.passage.slot for hit in found}) / len(true) if true else 1.0)
    return float(np.mean(shares))


def _exact(scale: Scale, reader: int, hits: Sequence[Sequence[Hit]]) -> bool:
    """Return whether the checked questions' rankings are those of an exact BM25 over what the reader sees."""
    return all(
        scale.truth.bm25(question, reader) == [hit.passage.slot for hit in hits[question]]
        for question in range(_CHECKED)
    )
