"""Joining rankings by their ranks, never by scores of different scales."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

import regex

from settings import Settings
from state.evidence import Hit, Passage
from text.tokens import codes
from tools.deduplication import without_duplicates

_DIGITS = regex.compile(r"\d+")
Key = TypeVar("Key", bound=Hashable)

# The paper (Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet …", SIGIR 2009) has 60, found
# on fusions of many rankings. For two, 20 gave 0.731 instead of 0.727 nDCG@10 on SciFact, and more on MuSiQue.
RRF_K = 20
CODES_WEIGHT = 1.0  # of the ranking of passages that hold the question's codes, beside 1 for words and for meaning


@dataclass(frozen=True)
class Fusion:
    """How rankings are joined: RRF's ``k``, and what rankings by `lexical`, `vector` and `codes` count for.

    ``weights`` has those that do not count as by default. ``distinct`` leaves out near duplicates.
    """

    k: float = RRF_K
    weights: Mapping[str, float] = field(default_factory=dict)
    distinct: bool = True

    def weight(self, kind: str) -> float:
        """Return what a ranking of this kind counts for."""
        return self.weights.get(kind, CODES_WEIGHT if kind == "codes" else 1.0)


def configured_fusion(configuration: Settings) -> Fusion:
    """Return the fusion that the settings ask for."""
    k = RRF_K if configuration.fusion_k is None else configuration.fusion_k
    return Fusion(k, dict(zip(configuration.fusion_weights, configuration.fusion_weights.values(), strict=True)))


def reciprocal_rank_fusion(
    rankings: Mapping[str, Sequence[Key]], *, weights: Mapping[str, float] | None = None, k: float = RRF_K
) -> list[tuple[Key, float]]:
    """Fuse named rankings: score of an item = sum over rankings of ``weight / (k + rank)``, ranks from 1.

    An item that is missing from a ranking gets nothing from it. Equal scores keep the order in which the items first
    appear. Weights default to 1.
    """
    scores: dict[Key, float] = {}
    for name, ranking in rankings.items():
        weight = 1.0 if weights is None else weights.get(name, 1.0)
        for rank, item in enumerate(dict.fromkeys(ranking), start=1):
            scores[item] = scores.get(item, 0.0) + weight / (k + rank)
    return sorted(scores.items(), key=lambda entry: -entry[1])


def fuse(
    question: str,
    rankings: Mapping[str, Sequence[Hit]],
    *,
    weights: Mapping[str, float] | None = None,
    fusion: Fusion | None = None,
) -> list[Hit]:
    """Fuse rankings of passages and leave out duplicates; each hit keeps its rank in every stage."""
    fusion = fusion or Fusion()
    known = {hit.passage.chunk_id: hit for hits in rankings.values() for hit in hits}
    wanted = codes(question)
    held = {chunk: codes_held(wanted, hit.passage) for chunk, hit in known.items()} if wanted else {}
    order = fused_order(
        {name: [hit.passage.chunk_id for hit in hits] for name, hits in rankings.items()},
        held,
        weights,
        fusion,
    )
    hits = [Hit(known[key].passage, score, ranks) for key, score, ranks in order]
    return ranked(without_duplicates(hits) if fusion.distinct else hits, "fused")


def fused_order(
    rankings: Mapping[str, Sequence[Key]],
    held: Mapping[Key, int],
    weights: Mapping[str, float] | None = None,
    fusion: Fusion | None = None,
) -> list[tuple[Key, float, dict[str, int]]]:
    """Fuse rankings of items; return each item's score and its rank, from 1, in every ranking, the best first.

    ``held`` says how many codes of the question (``ERR-41``) an item holds: those with most of them, then those ranked
    first, are a ranking of their own, ``codes``. To an embedding all codes are alike, and what it likes twice would
    outrank what was asked for. ``weights`` are by the rankings' names; of ``fusion``, what codes count for and its
    ``k`` count here.
    """
    fusion = fusion or Fusion()
    items = dict.fromkeys(item for name in sorted(rankings) for item in rankings[name])
    if holding := sorted((item for item in items if held.get(item)), key=lambda item: -held[item]):
        rankings, weights = {**rankings, "codes": holding}, {**(weights or {}), "codes": fusion.weight("codes")}
    places = {name: {item: rank for rank, item in enumerate(found, start=1)} for name, found in rankings.items()}
    return [
        (item, score, {name: found[item] for name, found in places.items() if item in found})
        for item, score in reciprocal_rank_fusion(rankings, weights=weights, k=fusion.k)
    ]


def codes_held(wanted: Collection[str], passage: Passage) -> int:
    """Return how many of these codes, which a question holds, a passage or what it stands under holds."""
    text = f"{passage.context}\n{passage.text}"
    if text.isascii() and not any(digits in text for code in wanted for digits in _DIGITS.findall(code)):
        return 0  # most hold none, and taking each apart takes time
    return len(_codes(text).intersection(wanted))


@lru_cache(maxsize=4096)
def _codes(text: str) -> frozenset[str]:
    """Return a passage's codes: the same passages come again with the next question."""
    return codes(text)


def ranked(hits: Sequence[Hit], stage: str) -> list[Hit]:
    """Return the hits with their rank in this stage, from 1."""
    return [Hit(hit.passage, hit.score, {**hit.ranks, stage: rank}) for rank, hit in enumerate(hits, start=1)]
