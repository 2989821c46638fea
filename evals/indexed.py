"""A set's passages in a database of their own, and what searches them, without the rest of the application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from evals.runs.evaluation import Conditions
from ingest.pipeline import Ingester
from ingest.report import IngestReport
from ingest.sources import Found
from models.embedder import SentenceTransformerEmbedder
from models.tokenizer import ModelTokenCounter
from state.documents import Source
from state.evidence import Hit
from state.principal import Principal, local_principal
from tools.fusion import configured_fusion
from tools.search import Searcher

_COLLECTION = "eval"


@dataclass(frozen=True)
class Indexed:
    """Who searches, what searches, and how the passages were read in."""

    principal: Principal
    searcher: Searcher
    report: IngestReport


@asynccontextmanager
async def indexed(
    conditions: Conditions, sources: Sequence[Source], embedder: SentenceTransformerEmbedder
) -> AsyncIterator[Indexed]:
    """Read passages into a scratch database. Raises `ModelUnavailable`."""
    configuration = conditions.settings
    principal = local_principal(configuration)
    await asyncio.to_thread(embedder.open)
    async with conditions.connect(configuration) as database:
        ingester = Ingester(database, embedder, ModelTokenCounter(configuration), principal)
        report = await ingester.ingest(Found(sources=list(sources)), _COLLECTION)
        fusion = replace(configured_fusion(configuration), distinct="duplicates" not in conditions.without)
        yield Indexed(principal, Searcher(database, embedder, fusion=fusion), report)


def rows_of(hits: Sequence[Hit]) -> list[str]:
    """Return the rows of the set that hits are of, each at its first chunk: a row is one unit, however it was split."""
    return list(dict.fromkeys(hit.passage.source for hit in hits))
