"""What the weights of the fusion and the depth of the reranker are worth: rankings are made once, and fused anew."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from ir_measures import iter_calc, nDCG

from evals.answers import holds
from evals.asking import Asking
from evals.runs.example import Example
from evals.tuning.choosing import Changes, Choices
from models.embedder import SentenceTransformerEmbedder
from models.ladder import open_reranker
from settings import Settings
from state.evidence import Hit, Mode, Passage
from state.ports import Reranker
from text.tokens import codes
from tools.fusion import RRF_K, Fusion, codes_held, configured_fusion, fused_order
from tools.rerank import reordered
from tools.routing import RERANKED, ROUTES, question_class
from tools.search import DEPTH

_MEASURE = nDCG @ 10
_MODES: tuple[Mode, ...] = ("lexical", "vector")
_BALANCES = ((1.0, 1.0), (0.75, 1.0), (0.5, 1.0), (0.25, 1.0), (0.0, 1.0), (1.0, 0.75), (1.0, 0.5), (1.0, 0.25),
             (1.0, 0.0))  # fmt: skip
_CODES = (1.0, 0.0, 0.5, 2.0)
_CONSTANTS = (RRF_K, 5.0, 10.0, 40.0, 60.0, 100.0)
_DEPTHS = (5, 10, 20, 30)
_RERANKED = max(_DEPTHS)
_VERDICTS = {"yes", "no", "maybe"}  # right answers that any passage may hold


@dataclass(frozen=True)
class Recorded:
    """The rankings of one question: slots by mode, what stands there, and which of it is relevant.

    ``units`` names what a slot is of: the row of a set, or the passage itself. ``reranked`` are the reranker's scores
    of the first of ``fused``.
    """

    example: Example
    rankings: Mapping[str, Sequence[int]]
    held: Mapping[int, int]
    units: Mapping[int, str]
    relevant: Mapping[str, int]
    fused: Sequence[Hit]
    reranked: Sequence[float]

    @property
    def is_fused(self) -> bool:
        """Whether the question is routed to a search by both modes."""
        kind, _ = question_class(self.example.inputs["question"])
        return ROUTES.get(kind) == "hybrid"

    def order(self, fusion: Fusion) -> list[str]:
        """Return the units as this fusion ranks them."""
        weights = {mode: fusion.weight(mode) for mode in self.rankings}
        order = fused_order(self.rankings, self.held, weights, fusion)
        return list(dict.fromkeys(self.units[slot] for slot, *_ in order))

    def reordered(self, depth: int) -> list[str]:
        """Return the units as they are when the reranker has read the first ``depth`` passages."""
        return list(dict.fromkeys(self.units[hit.passage.slot] for hit in reordered(self.fused, self.reranked[:depth])))


async def record(asked: Asking, examples: Sequence[Example], configuration: Settings) -> list[Recorded]:
    """Search for each question by both modes, and rerank; questions for which nothing relevant is known are left out.

    What is relevant is judged, or else what holds a right answer.
    """
    embedder = asked.application.embedder
    reranker = None
    if isinstance(embedder, SentenceTransformerEmbedder):
        reranker, _ = await asyncio.to_thread(open_reranker, configuration, embedder)
    recorded = []
    for example in examples:
        one = await _recorded(asked, example, reranker)
        if one.relevant:
            recorded.append(one)
    return recorded


async def _recorded(asked: Asking, example: Example, reranker: Reranker | None) -> Recorded:
    question, searcher, principal = example.inputs["question"], asked.application.searcher, asked.principal
    found = {str(mode): await searcher.rank(principal, question, mode, k=DEPTH) for mode in _MODES}
    fused = await searcher.hybrid_search(principal, question, k=DEPTH)
    slots = dict.fromkeys([slot for some in found.values() for slot in some])
    passages = {**await searcher.read(principal, list(slots)), **{hit.passage.slot: hit.passage for hit in fused}}
    rankings = {mode: [slot for slot in some if slot in passages] for mode, some in found.items()}
    wanted = codes(question)
    units, relevant = _judged(asked, example, passages)
    scores: list[float] = []
    if reranker and relevant:
        first = [hit.passage for hit in fused[:_RERANKED]]
        scores = [float(score) for score in await asyncio.to_thread(reranker.scores, question, first)]
    held = {slot: codes_held(wanted, passage) for slot, passage in passages.items()} if wanted else {}
    return Recorded(example, rankings, held, units, relevant, fused, scores)


def _judged(
    asked: Asking, example: Example, passages: Mapping[int, Passage]
) -> tuple[dict[int, str], Mapping[str, int]]:
    judged: Mapping[str, int] = example.reference.get("relevant") or {}
    if judged:
        return {slot: asked.rows.get(passage.document_id, passage.source) for slot, passage in passages.items()}, judged
    right = [one for one in example.reference.get("answers") or () if one.casefold() not in _VERDICTS]
    units = {slot: str(slot) for slot in passages}
    return units, {units[slot]: 1 for slot, passage in passages.items() if holds(passage.text, right)}


def fusion_choices(recorded: Sequence[Recorded], configuration: Settings) -> Choices:
    """Return what constants and weights of the fusion are worth. Codes are weighed only where questions hold some."""
    present = configured_fusion(configuration)
    now = {"fusion_k": present.k, "fusion_weights": dict(present.weights)}
    values: list[Changes] = [now]
    weighed = _CODES if any(one.held for one in recorded) else (present.weight("codes"),)
    for k, (lexical, vector), of_codes in itertools.product(_CONSTANTS, _BALANCES, weighed):
        weights = {"lexical": lexical, "vector": vector, "codes": of_codes}
        value = {"fusion_k": k, "fusion_weights": {kind: weight for kind, weight in weights.items() if weight != 1.0}}
        if value not in values:
            values.append(value)
    scores = [
        _scores(recorded, [one.order(Fusion(value["fusion_k"], value["fusion_weights"])) for one in recorded])
        for value in values
    ]
    return _choices("fusion", values, recorded, np.array(scores))


def depth_choices(recorded: Sequence[Recorded], configuration: Settings) -> Choices:
    """Return what reading so many passages in the reranker is worth, before any hop."""
    values: list[Changes] = [{"rerank_depth": configuration.rerank_depth}]
    values += [{"rerank_depth": depth} for depth in _DEPTHS if depth != configuration.rerank_depth]
    scores = [
        _scores(recorded, [one.reordered(value["rerank_depth"] or _by_class(one)) for one in recorded])
        for value in values
    ]
    return _choices("rerank depth", values, recorded, np.array(scores))


def _by_class(one: Recorded) -> int:
    kind, _ = question_class(one.example.inputs["question"])
    return RERANKED.get(kind, _RERANKED)


def _choices(
    name: str, values: Sequence[Changes], recorded: Sequence[Recorded], scores: npt.NDArray[np.float64]
) -> Choices:
    keys, kinds = [one.example.key for one in recorded], [one.example.kind for one in recorded]
    return Choices(name, str(_MEASURE), values, keys, kinds, scores)


def _scores(recorded: Sequence[Recorded], orders: Sequence[Sequence[str]]) -> list[float]:
    """Return nDCG@10 of each question's ranking."""
    run: dict[str, Any] = {
        str(at): {unit: -float(place) for place, unit in enumerate(order)} for at, order in enumerate(orders)
    }
    judged = {str(at): dict(one.relevant) for at, one in enumerate(recorded)}
    found = {row.query_id: float(row.value) for row in iter_calc([_MEASURE], judged, run)}
    return [found.get(str(at), 0.0) for at in range(len(recorded))]
