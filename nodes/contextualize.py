"""contextualize: make the question stand alone, from the conversation before it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import regex
from langchain_core.messages import AnyMessage
from langgraph.runtime import Runtime
from pydantic import BaseModel

from nodes.asking import asked_for
from nodes.deadline import affords
from nodes.desk import Desk, Desks
from nodes.guard import clean_question
from state.errors import ChatUnavailable, InvalidQuestion
from state.ports import ChatModel
from state.run import AskState, RunContext
from text.politeness import is_small_talk, without_politeness
from tools.expansion import unquoted
from tools.rewriting import Exchange, rewrite

_MOST_EXCHANGES = 8  # that a model reads
_MOST_CHARS = 600  # of an answer
_FOOTNOTE = regex.compile(r"(?<!\s)\s*\[\d+\]")  # not from within a run of blanks: that takes its length squared


class StandAlone(BaseModel):
    """What a chat model makes of a follow-up."""

    question: str
    small_talk: bool = False


@dataclass(frozen=True)
class Contextualize:
    """Degrades: without a chat model, or when it fails, rules rewrite the question; a failure is noted.

    ``seconds`` is the limit for the chat model.
    """

    desks: Desks
    chat: ChatModel | None
    seconds: float

    async def __call__(self, state: AskState, runtime: Runtime[RunContext]) -> dict[str, Any]:
        """Put the question as it stands alone on the desk; small talk is marked, and searches for nothing."""
        desk = self.desks[state["desk"]]
        if is_small_talk(desk.asked):
            return _small_talk("it is a greeting or small talk")
        exchanges = conversation(state.get("messages") or [])
        degraded: list[str] = []
        # In a thread: the first time, it reads in the model that tells languages apart.
        alone, why = await asyncio.to_thread(rewrite, without_politeness(desk.asked), exchanges)
        if self.chat and exchanges and affords(desk, "enhance"):
            try:
                made = await self._by_model(self.chat, desk, exchanges)
            except ChatUnavailable as error:
                degraded = [f"the question was rewritten by rules: {error}"]
            else:
                if made.small_talk:
                    return _small_talk("the chat model takes it for small talk")
                alone, why = made.question, f"rewritten by {self.chat.name}"
        try:
            desk.question = clean_question(alone, _limit(desk))
        except InvalidQuestion:  # a model that returned nothing, or far too much
            desk.question = desk.asked
        desk.queries = [unquoted(desk.question)]
        return {"rewritten": why if desk.question != desk.asked else "", "degraded": degraded}

    async def _by_model(self, chat: ChatModel, desk: Desk, exchanges: Sequence[Exchange]) -> StandAlone:
        said = [
            pair
            for exchange in exchanges[-_MOST_EXCHANGES:]
            for pair in (("question", exchange.question), ("answer", exchange.answer))
        ]
        given = [*((label, text) for label, text in said if text), ("latest question", desk.asked)]
        return await asked_for(StandAlone, chat, desk, "rewrite", given, self.seconds)


def conversation(messages: Sequence[AnyMessage]) -> list[Exchange]:
    """Return the exchanges before the last human message: questions, each with the answer to it."""
    exchanges: list[Exchange] = []
    for message in messages:
        text = _FOOTNOTE.sub("", str(message.text)).strip()[:_MOST_CHARS]
        if message.type == "human":
            exchanges.append(Exchange(text))
        elif message.type == "ai" and exchanges and not exchanges[-1].answer:
            exchanges[-1] = exchanges[-1]._replace(answer=text)
    return [exchange for exchange in exchanges[:-1] if not is_small_talk(exchange.question)]


def _limit(desk: Desk) -> int:
    """Return how long a rewritten question may get: a model is not to smuggle a document into it."""
    return 2 * len(desk.asked) + 300


def _small_talk(reason: str) -> dict[str, Any]:
    return {"question_class": "conversational", "route": "greet", "route_reason": reason}
