"""What routing costs: how far each question's search stays behind the mode that would have been best for it.

Where there are utterances with their intents, also whether small talk is known as such, and nothing else is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np

from evals.indexed import Indexed, indexed, rows_of
from evals.measures.ranking import DEEPEST, ranking_scores
from evals.routed import Routed, Router
from evals.runs.evaluation import Conditions, Evaluation, Target, by_set, mean_score
from evals.runs.example import Example, Result
from evals.runs.intervals import mean_interval
from evals.sets import beir, utterances
from evals.sets.beir import EvaluationSet, as_examples, is_beir, read_beir
from evals.sets.find import find_sets
from evals.sets.lookups import generated_lookups
from evals.sets.utterances import is_clinc, read_utterances
from models.embedder import SentenceTransformerEmbedder
from state.evidence import Hit
from tools.fusion import fuse
from tools.routing import SEARCHES
from tools.search import DEPTH

MODES = ("lexical", "vector", "hybrid")
_ROUTED = ("hybrid", "mode", "routed")
_MADE_UP = "lookups"


class Routing(Evaluation):
    """Searches for each question by every mode, by the ``mode`` that it is routed to, and as ``routed`` in the graph.

    The last has the queries that the preset adds. Regret is the nDCG@10 of the best mode less the way's, below 0 where
    a way beats all modes; ``saved`` is the regret of always-hybrid less that of routing.
    """

    name = "routing"
    headline = ("routed regret", "saved", "class right", "small talk known", "requests left alone", "routed nDCG@10")
    lower_is_better = frozenset(f"{way} regret" for way in _ROUTED)

    def __init__(self, conditions: Conditions) -> None:
        super().__init__(conditions)
        self._sets: dict[str, EvaluationSet] = {}
        self._embedder = SentenceTransformerEmbedder(conditions.settings)
        self._router = Router(conditions)

    def read(self, paths: Sequence[Path]) -> dict[str, list[Example]]:
        """Return the questions of BEIR-style sets, with a made-up set of look-ups, and the utterances of others."""
        found = find_sets(paths, lambda path: is_beir(path) or is_clinc(path), f"{beir.WANTED}, or {utterances.WANTED}")
        spoken = {name: read_utterances(path) for name, path in found.items() if is_clinc(path)}
        self._sets = {name: read_beir(path) for name, path in found.items() if name not in spoken}
        if self._sets:
            self._sets = {_MADE_UP: generated_lookups(), **self._sets}
        return {**{name: as_examples(some) for name, some in self._sets.items()}, **spoken}

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[Target]:
        """Read the set's passages in, if it has some, and route."""
        async with self._router.opened():
            if name not in self._sets:
                yield self._classified
                return
            async with indexed(self.conditions, self._sets[name].sources, self._embedder) as read:

                async def target(inputs: Mapping[str, Any]) -> dict[str, Any]:
                    return await self._searched(read, inputs["question"])

                yield target

    def score(self, example: Example, outputs: Mapping[str, Any]) -> dict[str, float]:
        """Return nDCG@10 and regret by way; of an utterance whether its class is right."""
        if "rankings" not in outputs:
            return _class_scores(example, outputs["question_class"])
        relevant = example.reference["relevant"]
        scores = {way: ranking_scores(rows, relevant)["nDCG@10"] for way, rows in outputs["rankings"].items()}
        best = max(scores[mode] for mode in MODES)
        regret = {way: best - scores[way] for way in _ROUTED}
        return {
            **{f"{way} nDCG@10": score for way, score in scores.items()},
            **{f"{way} regret": value for way, value in regret.items()},
            "saved": regret["hybrid"] - regret["routed"],
        }

    def kept(self, example: Example, outputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the places that count of each ranking."""
        if "rankings" not in outputs:
            return dict(outputs)
        rankings = {way: rows[:DEEPEST] for way, rows in outputs["rankings"].items()}
        return {**outputs, "rankings": rankings, "passages": rankings["routed"]}

    def summary(self, results: Sequence[Result]) -> dict[str, Any]:
        """Return for each set and for all the mean nDCG@10 by way, the regret, and the classes.

        ``saved`` is a mean over all questions, with its interval; ``regret_by_set`` weighs each set alike.
        ``utterances`` has the sets of these.
        """
        searched = [result for result in results if "saved" in result.scores]
        sets = by_set(searched)
        found: dict[str, Any] = {}
        if searched:
            found = {
                "sets": {name: _summary(some) for name, some in sets.items()},
                "all": _summary(searched),
                "saved": mean_interval([result.scores["saved"] for result in searched]),
                "regret_by_set": {
                    way: round(float(np.mean([mean_score(some, f"{way} regret") for some in sets.values()])), 4)
                    for way in _ROUTED
                },
            }
        if spoken := by_set([result for result in results if "rankings" not in result.outputs]):
            found["utterances"] = {name: {**self.metrics(some), **_classes(some)} for name, some in spoken.items()}
        return found

    async def _classified(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        routed = await self._router.classified(inputs["question"])
        return {"question_class": routed.kind, "route": routed.route, "degraded": routed.degraded}

    async def _searched(self, read: Indexed, question: str) -> dict[str, Any]:
        found: dict[str, list[Hit]] = {
            mode: await read.searcher.search(read.principal, question, mode, k=DEPTH) for mode in SEARCHES["hybrid"]
        }
        routed: Routed = await self._router.routed(question, read)
        by_mode: dict[str, list[Hit]] = {mode: found[mode] for mode in SEARCHES.get(routed.route, ())}
        rankings = {
            **found,
            "hybrid": fuse(question, found, fusion=read.searcher.fusion),
            "mode": fuse(question, by_mode, fusion=read.searcher.fusion) if by_mode else [],
            "routed": routed.hits,
        }
        return {
            "question_class": routed.kind, "route": routed.route, "degraded": routed.degraded,
            "rankings": {way: rows_of(hits) for way, hits in rankings.items()},
        }  # fmt: skip


def _class_scores(example: Example, kind: str) -> dict[str, float]:
    conversation = example.reference["conversation"]
    right = float((kind == "conversational") == conversation)
    if conversation is None:
        return {}
    if example.kind == "out of scope":
        return {"out of scope left alone": right}
    return {"class right": right, "small talk known" if conversation else "requests left alone": right}


def _summary(results: Sequence[Result]) -> dict[str, Any]:
    return {
        "questions": len(results),
        **_classes(results),
        "nDCG@10": {way: round(mean_score(results, f"{way} nDCG@10"), 4) for way in (*MODES, "mode", "routed")},
        "regret": {way: round(mean_score(results, f"{way} regret"), 4) for way in _ROUTED},
    }


def _classes(results: Sequence[Result]) -> dict[str, dict[str, int]]:
    return {"classes": dict(Counter(result.outputs["question_class"] for result in results).most_common())}
