"""What rewriting follow-ups brings: what is found after it against before, and how near people's rewrites it comes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ir_measures import R
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langgraph.runtime import Runtime

from evals.indexed import Indexed, indexed, rows_of
from evals.measures.ranking import DEEPEST, ranking_scores
from evals.runs.evaluation import Conditions, Evaluation, Target, by_set, mean_score
from evals.runs.example import Example, Result
from evals.runs.intervals import mean_interval
from evals.sets.conversations import Conversations, read_conversations
from graph.policies import CONTEXTUALIZE_SECONDS
from models.chat import LangChainChat, open_chat
from models.embedder import SentenceTransformerEmbedder
from nodes.contextualize import Contextualize
from nodes.desk import Desk, Desks
from nodes.enhance import WEIGHTS
from state.evidence import Hit
from state.filters import Filters
from state.principal import local_principal
from text.topics import content_words
from tools.fusion import fuse
from tools.routing import SEARCHES
from tools.search import DEPTH

_READ = R @ 5  # of the passages that an answer is written from
_WAYS = ("before", "after", "human")


class Rewriting(Evaluation):
    """Rewrites follow-ups as the graph does; ``human`` is a person's rewrite.

    Where passages are judged, it is measured what is found before, after, and for the person's; elsewhere how near the
    question is to the person's, by the embedding's cosine and by words.
    """

    name = "rewriting"
    headline = ("gain R@5", "gain cosine", "after R@5", "after cosine", "gain words F1")
    lower_is_better = frozenset({"worse"})

    def __init__(self, conditions: Conditions) -> None:
        super().__init__(conditions)
        self._sets: dict[str, Conversations] = {}
        self._embedder = SentenceTransformerEmbedder(conditions.settings)
        self._chat: LangChainChat | None = None

    def read(self, paths: Sequence[Path]) -> dict[str, list[Example]]:
        """Return the follow-ups of each set."""
        self._sets = read_conversations(paths)
        return {name: some.examples for name, some in self._sets.items()}

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[Target]:
        """Read the set's passages in, if it has some, and rewrite."""
        configuration, sources = self.conditions.settings, self._sets[name].sources
        chat, self._chat = open_chat(configuration)
        try:
            if sources is None:
                await asyncio.to_thread(self._embedder.open)
                yield self._compared
                return
            async with indexed(self.conditions, sources, self._embedder) as read:

                async def target(inputs: Mapping[str, Any]) -> dict[str, Any]:
                    return await self._searched(read, inputs)

                yield target
        finally:
            for opened in filter(None, {chat, self._chat}):
                await opened.aclose()

    def score(self, example: Example, outputs: Mapping[str, Any]) -> dict[str, float]:
        """Return what was found, or how near the question is to the person's, before and after; and the gain."""
        changed = {"changed": float(outputs["rewrite"] != example.inputs["question"])}
        if "rankings" in outputs:
            relevant = example.reference["relevant"]
            recall = {way: ranking_scores(outputs["rankings"][way], relevant, (_READ,))["R@5"] for way in _WAYS}
            gain, human = recall["after"] - recall["before"], recall["human"] - recall["before"]
            scores = {f"{way} R@5": value for way, value in recall.items()}
            return {**scores, "gain R@5": gain, "human gain R@5": human, "worse": float(gain < 0), **changed}
        cosine, right = outputs["cosine"], example.reference["human"]
        gain = cosine["after"] - cosine["before"]
        words = _overlap(outputs["rewrite"], right) - _overlap(example.inputs["question"], right)
        scores = {f"{way} cosine": value for way, value in cosine.items()}
        return {**scores, "gain cosine": gain, "gain words F1": words, "worse": float(gain < 0), **changed}

    def kept(self, example: Example, outputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the places that count of each ranking."""
        if "rankings" not in outputs:
            return dict(outputs)
        rankings = {way: rows[:DEEPEST] for way, rows in outputs["rankings"].items()}
        return {**outputs, "rankings": rankings, "passages": rankings["after"]}

    def summary(self, results: Sequence[Result]) -> dict[str, Any]:
        """Return retrieval and similarity before and after rewriting, by a person too, and the gains with intervals.

        ``together`` is the mean gain over the questions of both kinds of sets; ``sets`` has each of several.
        """
        searched = [result for result in results if "gain R@5" in result.scores]
        compared = [result for result in results if "gain cosine" in result.scores]
        gains = [result.scores["gain R@5"] for result in searched]
        gains += [result.scores["gain cosine"] for result in compared]
        sets = {name: self.metrics(some) for name, some in by_set(results).items()}
        return {
            **({"retrieval": _retrieval(searched)} if searched else {}),
            **({"similarity": _similarity(compared)} if compared else {}),
            "together": mean_interval(gains),
            **({"sets": sets} if len(sets) > 1 else {}),
        }

    async def _rewritten(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Rewrite by the graph's node: by rules, or by the chat model for small steps where one is set."""
        question = inputs["question"]
        desks = Desks()
        desk = Desk(local_principal(self.conditions.settings), question, Filters(), asked=question, queries=[question])
        messages: list[AnyMessage] = []
        for asked, answered in inputs["turns"]:
            messages += [HumanMessage(asked), *([AIMessage(answered)] if answered else [])]
        state: Any = {"desk": desks.open(desk), "messages": [*messages, HumanMessage(question)]}
        node = Contextualize(desks, self._chat, CONTEXTUALIZE_SECONDS)
        made = await node(state, Runtime(context=self.conditions.context))
        return {"rewrite": desk.question, "reason": made.get("rewritten", ""), "degraded": made.get("degraded", [])}

    async def _compared(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        made = await self._rewritten(inputs)
        texts = [inputs["question"], made["rewrite"], inputs["human"]]
        before, after, human = await asyncio.to_thread(self._embedder.embed, texts)
        return {**made, "cosine": {"before": float(before @ human), "after": float(after @ human)}}

    async def _searched(self, read: Indexed, inputs: Mapping[str, Any]) -> dict[str, Any]:
        made = await self._rewritten(inputs)
        question = inputs["question"]
        queries = {"before": [question], "after": [made["rewrite"], question], "human": [inputs["human"]]}
        return {**made, "rankings": {way: await _found(read, some) for way, some in queries.items()}}


async def _found(read: Indexed, queries: Sequence[str]) -> list[str]:
    """Search for a query, and as the graph does for the question as it was asked beside it, if that is another."""
    rankings: dict[str, list[Hit]] = {}
    weights: dict[str, float] = {}
    for number, query in enumerate(dict.fromkeys(queries)):
        for mode in SEARCHES["hybrid"]:
            rankings[f"{mode} {number}"] = await read.searcher.search(read.principal, query, mode, k=DEPTH)
            weights[f"{mode} {number}"] = (WEIGHTS["asked"] if number else 1.0) * read.searcher.fusion.weight(mode)
    return rows_of(fuse(queries[0], rankings, weights=weights, fusion=read.searcher.fusion))


def _overlap(text: str, other: str) -> float:
    """Return the F1 of the content words of two texts."""
    one, two = Counter(content_words(text)), Counter(content_words(other))
    total = one.total() + two.total()
    return 2 * (one & two).total() / total if total else 1.0


def _retrieval(results: Sequence[Result]) -> dict[str, Any]:
    return {
        "pairs": len(results),
        "R@5": {way: round(mean_score(results, f"{way} R@5"), 4) for way in _WAYS},
        "gain": mean_interval([result.scores["gain R@5"] for result in results]),
        "human_gain": mean_interval([result.scores["human gain R@5"] for result in results]),
    }


def _similarity(results: Sequence[Result]) -> dict[str, Any]:
    return {
        "questions": len(results),
        "cosine": {way: round(mean_score(results, f"{way} cosine"), 4) for way in ("before", "after")},
        "gain": mean_interval([result.scores["gain cosine"] for result in results]),
        "words_f1_gain": mean_interval([result.scores["gain words F1"] for result in results]),
        "changed": sum(int(result.scores["changed"]) for result in results),
        "worse": sum(int(result.scores["worse"]) for result in results),
    }
