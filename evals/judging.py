"""Judging answers by the chat model: are they right, complete, and supported by what they cite?

Zheng et al., "Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena", 2023. How far such a judge agrees with labels is
measured by `evals.judges`, and asked for by `evals.agreement` before it is believed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import BaseModel

from models.chat import open_chat
from prompts import fenced, load_prompt
from settings import Settings
from state.errors import FootnoteError
from state.ports import ChatModel
from state.usage import Usage

Aspect = Literal["correctness", "completeness", "groundedness"]
ASPECTS: tuple[Aspect, ...] = get_args(Aspect)


class NoJudge(FootnoteError):
    """There is no chat model that could judge, or none that is to be believed."""


class Judgement(BaseModel):
    """What a chat model answers to ``prompts/judge_ASPECT.md``: the reason first, so that the verdict follows it."""

    reason: str
    verdict: Literal["yes", "no"]


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether an answer has an aspect, why, and what finding out cost."""

    holds: bool
    reason: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class Judge:
    """Asks the chat model about an answer. Its methods raise `ChatUnavailable`; ``seconds`` limit each call."""

    chat: ChatModel
    seconds: float

    async def correctness(self, question: str, right: Sequence[str], answer: str) -> Judged:
        """Judge whether an answer says what one of the right answers says."""
        return await self._ask("correctness", [("question", question), *_numbered("right answer", right)], answer)

    async def completeness(self, question: str, full: Sequence[str], answer: str) -> Judged:
        """Judge whether an answer says all that one of the full answers says."""
        return await self._ask("completeness", [("question", question), *_numbered("full answer", full)], answer)

    async def groundedness(self, passages: Sequence[str], answer: str) -> Judged:
        """Judge whether passages support all that an answer says."""
        return await self._ask("groundedness", _numbered("passage", passages), answer)

    async def _ask(self, aspect: Aspect, given: list[tuple[str, str]], answer: str) -> Judged:
        usage = Usage()
        prompt = fenced([*given, ("answer to judge", answer)])
        system = load_prompt(f"judge_{aspect}").text
        said = await self.chat.structured(system, prompt, Judgement, usage, seconds=self.seconds)
        return Judged(said.verdict == "yes", said.reason, usage)


@asynccontextmanager
async def open_judge(configuration: Settings) -> AsyncIterator[Judge]:
    """Open the configured chat model as a judge, without a fallback: that would be another judge. Raises `NoJudge`."""
    alone = configuration.model_copy(update={"chat_fallback_model": None})
    chat, small = open_chat(alone)
    if chat is None:
        raise NoJudge("There is no chat model to judge with: set FOOTNOTE_CHAT_MODEL.")
    try:
        yield Judge(chat, configuration.chat_timeout * (configuration.chat_retries + 1))
    finally:
        for opened in filter(None, {chat, small}):
            await opened.aclose()


def prompt_hash(aspect: Aspect) -> str:
    """Return the hash by which runs know the prompt of an aspect."""
    return load_prompt(f"judge_{aspect}").sha256[:12]


def total(spent: Sequence[Usage]) -> Usage:
    """Return the sum of what judgements cost."""
    whole = Usage()
    for one in spent:
        whole.model_calls += one.model_calls
        whole.input_tokens += one.input_tokens
        whole.output_tokens += one.output_tokens
        whole.cost = None if whole.cost is None or one.cost is None else whole.cost + one.cost
    return whole


def _numbered(label: str, texts: Sequence[str]) -> list[tuple[str, str]]:
    return [(f"{label} {number}", text) for number, text in enumerate(texts, start=1)]
