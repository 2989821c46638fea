"""ground: does the cited evidence support the sentence?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langgraph.runtime import Runtime
from pydantic import BaseModel

from nodes.desk import Clause, Desk, Desks, Sentence
from prompts import fenced, load_prompt
from state.answer import Verdict
from state.errors import ChatUnavailable, ModelUnavailable
from state.ports import ChatModel, Verifier
from state.run import AskState, RunContext
from text.claims import without_yes_or_no

_GOOD: tuple[Verdict, ...] = ("supported", "partly")
_JUDGED: dict[Verdict, float] = {"supported": 0.9, "partly": 0.5, "unsupported": 0.1, "contradicted": 0.0}


class Judgement(BaseModel):
    """What a chat model answers to `prompts/judge.md`."""

    verdict: Verdict


@dataclass(frozen=True)
class Ground:
    """Degrades without letting pass: what cannot be verified is unsupported, and noted if a model is to blame.

    With a ``judge``, a chat model has the last word on clauses that are not verbatim; when it fails, the verifier has.
    """

    desks: Desks
    verifier: Verifier
    judge: ChatModel | None
    most_seconds: float

    async def __call__(self, state: AskState, runtime: Runtime[RunContext]) -> dict[str, Any]:
        """Judge the sentence in flight; return whether it goes on, is to be repaired (once), or is dropped."""
        desk = self.desks[state["desk"]]
        sentence = desk.sentence
        if sentence is None:
            return {"verdict": "drop"}
        if sentence.template:
            return {"verdict": "emit"}
        notes: dict[str, Any] = {}
        try:
            await asyncio.to_thread(self._verify, sentence)
            if self.judge is not None:
                await self._ask(self.judge, desk, sentence)
        except ModelUnavailable as error:
            sentence.verdict, sentence.score = "unsupported", 0.0
            notes = {"degraded": [f"sentences were not verified: {error}"]}
        except ChatUnavailable as error:
            notes = {"degraded": [f"sentences were verified without the chat model: {error}"]}
        clauses_hold = all(clause.verdict in _GOOD for clause in sentence.clauses)
        if sentence.citations and sentence.verdict in _GOOD and clauses_hold:
            return {**notes, "verdict": "emit"}
        if not sentence.repaired:
            return {**notes, "verdict": "repair"}
        desk.dropped += 1
        desk.sentence = None
        return {**notes, "verdict": "drop"}

    def _verify(self, sentence: Sentence) -> None:
        """Verify each clause against its own quotes and their documents' titles, then the sentence by its clauses."""
        for clause in sentence.clauses:
            evidence = [citation.quote for citation in clause.citations]
            titles = list(dict.fromkeys(citation.title for citation in clause.citations if citation.title))
            clause.verdict, clause.score = (
                self.verifier.verify(without_yes_or_no(clause.text), [*evidence, *titles])
                if evidence
                else ("unsupported", 0.0)
            )
        sentence.verdict, sentence.score = _together(sentence.clauses)

    async def _ask(self, judge: ChatModel, desk: Desk, sentence: Sentence) -> None:
        """Let the chat model judge each clause that has evidence and does not stand in it word for word."""
        for clause in sentence.clauses:
            quotes = [citation.quote for citation in clause.citations]
            if not quotes or any(clause.text in quote for quote in quotes):
                continue
            prompt = fenced([*((f"evidence {n}", quote) for n, quote in enumerate(quotes, 1)), ("claim", clause.text)])
            seconds = min(self.most_seconds, max(desk.seconds_left(), 0.1))
            system = load_prompt("judge").text
            judged = await judge.structured(system, prompt, Judgement, desk.usage, seconds=seconds)
            clause.verdict, clause.score = judged.verdict, _JUDGED[judged.verdict]
        sentence.verdict, sentence.score = _together(sentence.clauses)


def _together(clauses: Sequence[Clause]) -> tuple[Verdict, float]:
    """Join the verdicts of clauses: a sentence is as true as its worst clause; partly, where only some hold."""
    if not clauses:
        return "unsupported", 0.0
    verdicts = {clause.verdict for clause in clauses}
    score = min(clause.score for clause in clauses)
    if len(verdicts) == 1:
        return clauses[0].verdict, score
    if "contradicted" in verdicts:
        return "contradicted", score
    return "partly", sum(clause.score for clause in clauses) / len(clauses)
