"""The whole graph on follow-up questions: what it finds for the last turn of a conversation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage

from evals.ablation.questions import FOUND, told
from evals.asking import asking
from evals.measures.ranking import ranking_scores
from evals.runs.evaluation import Evaluation, Target
from evals.runs.example import Example
from evals.sets.conversations import Conversations, read_conversations
from evals.sets.rows import NoSet


class FollowUps(Evaluation):
    """Asks the last turns of conversations that have judged passages, with the turns before them."""

    name = "ablate"
    headline = ("R@5", "nDCG@10")

    def read(self, paths: Sequence[Path]) -> dict[str, list[Example]]:
        """Return the last turns of each set. Raises `UnreadableSet`."""
        found = read_conversations(paths)
        self._sets: dict[str, Conversations] = {name: some for name, some in found.items() if some.sources}
        if not self._sets:
            raise NoSet("No follow-up question there has a relevant passage in its corpus.")
        return {name: some.examples for name, some in self._sets.items()}

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[Target]:
        """Read the set's passages in, and ask."""
        async with asking(self.conditions, self._sets[name].sources) as asked:

            async def target(inputs: Mapping[str, Any]) -> dict[str, Any]:
                history = [message for turn in inputs["turns"] for message in _messages(*turn)]
                answer = await asked.application.ask(
                    asked.principal, inputs["question"], context=asked.context, history=history
                )
                return {**await asked.outputs(answer), **told(asked, answer)}

            yield target

    def score(self, example: Example, outputs: Mapping[str, Any]) -> dict[str, float]:
        """Return how good the ranking of what was found is."""
        return ranking_scores(outputs["passages"], example.reference["relevant"], FOUND)


def _messages(question: str, answer: str) -> list[AnyMessage]:
    return [HumanMessage(question), *([AIMessage(answer)] if answer else [])]
