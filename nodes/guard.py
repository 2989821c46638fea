"""guard: take a question in, or refuse it."""

from __future__ import annotations

import asyncio
import math
import re
import time
import unicodedata
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import HumanMessage
from langgraph.runtime import Runtime
from langgraph.types import Overwrite

from nodes.desk import Desk, Desks
from state.errors import InvalidQuestion, QuestionTooLong
from state.filters import parse_filters
from state.identity import identify
from state.ports import TokenCounter
from state.run import AskState, RunContext

# Attempts to turn the program against itself. Harmless when they fail to match: the extractive writer obeys nobody.
_UNSAFE = re.compile(
    r"\b(ignore|disregard|forget|override)\b.{0,40}\b(previous|prior|above|all|your)\b.{0,40}\b(instruction|rule|prompt)"
    r"|\b(reveal|print|show|repeat)\b.{0,40}\b(system prompt|hidden prompt|your (instructions|prompt))"
    r"|\b(developer|jailbreak|DAN) mode\b",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class Guard:
    """Checks the question and opens the run's desk. Raises `InvalidQuestion`, `InvalidFilter`, `NotAuthenticated`."""

    desks: Desks
    max_chars: int
    notes: tuple[str, ...] = ()
    counter: TokenCounter | None = None
    max_tokens: int = 1000

    async def __call__(self, state: AskState, runtime: Runtime[RunContext]) -> dict[str, Any]:
        """Return a fresh scratch for this turn; unsafe questions are marked as such."""
        principal = identify(runtime)
        question = clean_question(_asked(state), self.max_chars)
        if self.counter and len(question) > self.max_tokens:  # a token is a character or more
            tokens = await asyncio.to_thread(self.counter.count, question)
            if tokens > self.max_tokens:
                raise QuestionTooLong(f"The question has {tokens} tokens; the limit is {self.max_tokens}: shorten it.")
        unsafe = bool(_UNSAFE.search(question))
        filters = parse_filters(state.get("filters") or ())
        seconds = (runtime.context or RunContext()).clamped().deadline
        until = math.inf if seconds is None else time.monotonic() + seconds
        desk = Desk(principal, question, filters, asked=question, queries=[question], until=until)
        return {
            "question": "",  # or it would be taken for the next turn's on a thread
            "messages": [HumanMessage(question)] if state.get("question") else [],
            "desk": self.desks.open(desk),
            "rewritten": "",
            "recalled": "",
            "question_class": "unsafe" if unsafe else "factual",
            "route": "refuse" if unsafe else "",
            "route_reason": "the question tries to change how answers are made" if unsafe else "",
            "attempts": 0,
            "grade": "",
            "sought": False,
            "degraded": Overwrite(list(self.notes)),
            "timings": Overwrite({}),
            "answer": None,
        }


def _asked(state: AskState) -> str:
    """Return the question: the one given, or the text of the last human message."""
    if state.get("question"):
        return state["question"]
    for message in reversed(state.get("messages") or []):
        if message.type == "human":
            return str(message.text)
    return ""


def clean_question(text: str, max_chars: int) -> str:
    """Return the question without control characters and outer spaces. Raises `InvalidQuestion`."""
    if len(text) > max_chars:
        raise QuestionTooLong(f"The question has {len(text)} characters; the limit is {max_chars}: shorten it.")
    visible = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn") else c for c in text)
    question = " ".join(visible.split())
    if "\ufffd" in question:
        raise InvalidQuestion("The question is not readable text: some of its bytes are not UTF-8. Send it as UTF-8.")
    if not any(c.isalnum() for c in question):
        raise InvalidQuestion("The question has no words in it: write what you want to know.")
    return question
