"""What hops bring: the whole graph on a set of questions, with one search and with hops."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from evals.retrieval import latency
from evals.scratch import scratch_database
from evals.sets.beir import EvaluationSet, read_beir
from graph.app import open_application
from graph.application import Application
from ingest.sources import Found
from settings import settings
from state.documents import ParsedDocument, Source
from state.principal import Principal, local_principal
from state.run import RunContext
from store.targets import document_id

_COLLECTION = "eval"
_RESAMPLES = 10_000
_READ_AT_ONCE = 8  # passages that an answer is written from: all that is relevant should be among them


@dataclass(slots=True)
class Measured:
    """One value a question of each measure, and milliseconds a question."""

    scores: dict[str, list[float]] = field(default_factory=dict)
    spent: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, float]:
        """Return the means, and the latency."""
        means = {name: round(float(np.mean(values)), 4) for name, values in self.scores.items()}
        return {**means, **latency(self.spent)}


async def evaluate_hops(folder: Path, *, strip_titles: bool = False, most: int | None = None) -> dict[str, Any]:
    """Return recall, completeness and nDCG of the passages that the graph ranks, without hops and with them.

    ``all_gold@8`` is the share of questions all of whose relevant passages are among the first eight. The differences
    are paired by question: mean, and the ends of the interval that holds 95 % of bootstrap samples. Rows are ranked by
    their first chunk. ``strip_titles`` empties the corpus' titles; ``most`` takes the first questions only.

    Raises `UnreadableSet`.
    """
    evaluated = read_beir(folder)
    sources = [_untitled(source) for source in evaluated.sources] if strip_titles else evaluated.sources
    questions = evaluated.questions[:most]
    configuration = settings()
    principal = local_principal(configuration)
    async with open_application(configuration, scratch_database) as application:
        ingester = application.ingester(principal)
        report = await ingester.ingest(Found(sources=sources), _COLLECTION)
        rows = {document_id(principal.tenant, _COLLECTION, source.uri): source.uri for source in sources}
        without, hopping = Measured(), Measured()
        for number, (key, question) in enumerate([*questions[:1], *questions]):
            for measured, hops in ((without, 0), (hopping, None))[:: 1 if number % 2 else -1]:
                ranking, seconds = await _ranked(application, principal, question, hops, rows)
                if number:  # the first one warms up
                    measured.spent.append(seconds * 1000)
                    _score(measured, ranking, evaluated, key)
    return {
        "without": without.summary(),
        "with": hopping.summary(),
        "difference": {name: _difference(without.scores[name], hopping.scores[name]) for name in without.scores},
        "questions": len(questions),
        "passages": len(sources),
        "links": report.links,
        "titles": not strip_titles,
    }


async def _ranked(
    application: Application, principal: Principal, question: str, hops: int | None, rows: Mapping[UUID, str]
) -> tuple[list[str], float]:
    """Ask; return the rows in the order in which the graph ranked them last, and the seconds that the answer took."""
    started = time.perf_counter()
    answer = await application.ask(principal, question, context=RunContext(hops=hops, cache=False))
    spent = time.perf_counter() - started
    if answer.receipt is None:
        return [], spent
    receipt = await application.receipts.get(principal, answer.receipt)
    return list(dict.fromkeys(rows[record.document_id] for record in receipt.passages)), spent


def _score(measured: Measured, ranking: Sequence[str], evaluated: EvaluationSet, key: str) -> None:
    relevant = evaluated.relevant[key]
    found = {k: sum(row in relevant for row in ranking[:k]) for k in (2, 5, _READ_AT_ONCE)}
    gains = [2.0 ** relevant.get(row, 0) - 1 for row in ranking[:10]]
    ideal = sorted((2.0**grade - 1 for grade in relevant.values()), reverse=True)[:10]
    for name, value in {
        "R@2": found[2] / len(relevant),
        "R@5": found[5] / len(relevant),
        f"all_gold@{_READ_AT_ONCE}": float(found[_READ_AT_ONCE] == len(relevant)),
        "nDCG@10": _discounted(gains) / _discounted(ideal),
    }.items():
        measured.scores.setdefault(name, []).append(value)


def _discounted(gains: Sequence[float]) -> float:
    return float(sum(gain / np.log2(rank + 1) for rank, gain in enumerate(gains, start=1)))


def _difference(before: Sequence[float], after: Sequence[float]) -> list[float]:
    """Return the mean difference and its paired-bootstrap interval of 95 % (Efron and Tibshirani, 1993)."""
    differences = np.asarray(after) - np.asarray(before)
    samples = np.random.default_rng(0).integers(len(differences), size=(_RESAMPLES, len(differences)))
    means = differences[samples].mean(axis=1)
    return [round(float(value), 4) for value in (differences.mean(), *np.quantile(means, (0.025, 0.975)))]


def _untitled(source: Source) -> Source:
    return replace(
        source,
        content_hash=lambda: source.content_hash() + b" untitled",
        parse=partial(_parse_untitled, source.parse),
    )


def _parse_untitled(parse: Callable[[], ParsedDocument]) -> ParsedDocument:
    """Return a document without its title; a function of the module, because parsing may happen in another process."""
    return replace(parse(), title="")
