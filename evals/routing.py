"""What routing costs: how far each question's search stays behind the mode that would have been best for it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from langgraph.runtime import Runtime

from evals.runs.intervals import mean_interval
from evals.scratch import scratch_database
from evals.sets.beir import EvaluationSet, UnreadableSet, read_beir
from evals.sets.lookups import generated_lookups
from ingest.pipeline import Ingester
from ingest.sources import Found
from models.embedder import SentenceTransformerEmbedder
from models.tokenizer import ModelTokenCounter
from nodes.desk import Desk, Desks
from nodes.enhance import Enhance
from nodes.fuse import Fuse
from nodes.retrieve import Retrieve
from settings import settings
from state.evidence import Hit, Mode
from state.filters import Filters
from state.ports import Embedder
from state.principal import Principal, local_principal
from state.run import RunContext
from tools.expansion import unquoted
from tools.fusion import fuse
from tools.routing import ROUTES, SEARCHES, question_class
from tools.search import DEPTH, Searcher

_MODES = ("lexical", "vector", "hybrid")
_ROUTED = ("hybrid", "mode", "routed")
_SEEN = 10  # rows that count, in nDCG
_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """nDCG@10 of one question, and its class.

    ``scores`` are by each mode, by the ``mode`` that it is routed to, and as ``routed`` in the graph: by that mode,
    with the queries that the default preset adds.
    """

    kind: str
    scores: dict[str, float]

    @property
    def regret(self) -> dict[str, float]:
        """Return by how much hybrid and both kinds of routing stay behind the best mode; below 0 where they beat it."""
        best = max(self.scores[mode] for mode in _MODES)
        return {name: best - self.scores[name] for name in _ROUTED}


async def evaluate_routing(folder: Path) -> dict[str, Any]:
    """Return for each set the mean nDCG@10 by mode and as routed, and the regret of always-hybrid and of routing.

    Takes the folder if it is a BEIR-style set, else those up to two levels below it, and with them a made-up set of
    look-ups of codes and names. ``saved`` is the mean over all questions of always-hybrid's regret less the route's,
    with its interval; ``regret_by_set`` weighs each set alike. Raises `UnreadableSet`.
    """
    sets = {"lookups": generated_lookups(), **_read(folder)}
    embedder = SentenceTransformerEmbedder(settings())
    await asyncio.to_thread(embedder.open)
    outcomes = {name: await _outcomes(evaluated, embedder) for name, evaluated in sets.items()}
    everything = [outcome for some in outcomes.values() for outcome in some]
    return {
        "sets": {name: _summary(some) for name, some in outcomes.items()},
        "all": _summary(everything),
        "saved": mean_interval([outcome.regret["hybrid"] - outcome.regret["routed"] for outcome in everything]),
        "regret_by_set": {
            name: round(float(np.mean([_regret(some, name) for some in outcomes.values()])), 4) for name in _ROUTED
        },
    }


def _read(folder: Path) -> dict[str, EvaluationSet]:
    found = [folder, *sorted(folder.glob("*/")), *sorted(folder.glob("*/*/"))]
    sets = {}
    for path in found:
        if (path / "queries.jsonl").exists() and (path / "corpus.jsonl").exists():
            sets[path.name] = read_beir(path)
    if not sets:
        raise UnreadableSet(f"{folder} holds no BEIR-style set: corpus.jsonl, queries.jsonl, qrels*.tsv.")
    return sets


async def _outcomes(evaluated: EvaluationSet, embedder: Embedder) -> list[Outcome]:
    configuration = settings()
    principal = local_principal(configuration)
    async with scratch_database(configuration) as database:
        ingester = Ingester(database, embedder, ModelTokenCounter(configuration), principal)
        await ingester.ingest(Found(sources=evaluated.sources), "eval")
        searcher = Searcher(database, embedder)
        return [
            await _outcome(searcher, principal, question, evaluated.relevant[key])
            for key, question in evaluated.questions
        ]


async def _outcome(searcher: Searcher, principal: Principal, question: str, relevant: dict[str, int]) -> Outcome:
    found: dict[str, list[Hit]] = {
        mode: await searcher.search(principal, question, mode, k=DEPTH) for mode in SEARCHES["hybrid"]
    }
    kind, _ = question_class(question)
    route = ROUTES.get(kind, "hybrid")
    rankings = {
        **found,
        "hybrid": fuse(question, found),
        "mode": fuse(question, {mode: found[mode] for mode in SEARCHES[route]}),
        "routed": await _routed(searcher, principal, question, route),
    }
    return Outcome(kind, {name: _ndcg(hits, relevant) for name, hits in rankings.items()})


async def _routed(searcher: Searcher, principal: Principal, question: str, route: Mode) -> list[Hit]:
    """Search as the graph does by default after it has classified a question: with the queries that it adds."""
    desks, runtime = Desks(), Runtime(context=RunContext())
    desk = Desk(principal, question, Filters(), asked=question, queries=[unquoted(question)])
    key = desks.open(desk)
    state: Any = {"desk": key, "route": route}
    planned = await Enhance(desks, searcher, None, (), _SECONDS)(state, runtime)
    retrieve = Retrieve(desks, searcher, (), _SECONDS)
    for leg in planned["legs"]:
        await retrieve(leg, runtime)
    await Fuse(desks, searcher)(state, runtime)
    return desk.ranked


def _ndcg(hits: Sequence[Hit], relevant: dict[str, int]) -> float:
    """Return nDCG@10 with gains that double with each grade (Järvelin and Kekäläinen, ACM TOIS 2002)."""
    rows = list(dict.fromkeys(hit.passage.source for hit in hits))[:_SEEN]
    gains = [2.0 ** relevant.get(row, 0) - 1 for row in rows]
    ideal = sorted((2.0**grade - 1 for grade in relevant.values()), reverse=True)[:_SEEN]
    return _discounted(gains) / _discounted(ideal)


def _discounted(gains: Sequence[float]) -> float:
    return float(sum(gain / np.log2(rank + 1) for rank, gain in enumerate(gains, start=1)))


def _regret(outcomes: Sequence[Outcome], name: str) -> float:
    return float(np.mean([outcome.regret[name] for outcome in outcomes]))


def _summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    return {
        "questions": len(outcomes),
        "classes": dict(Counter(outcome.kind for outcome in outcomes).most_common()),
        "nDCG@10": {
            name: round(float(np.mean([outcome.scores[name] for outcome in outcomes])), 4)
            for name in (*_MODES, "mode", "routed")
        },
        "regret": {name: round(_regret(outcomes, name), 4) for name in _ROUTED},
    }
