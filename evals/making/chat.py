"""Questions that the chat model writes from a passage; what it copied is checked, and none of it is taken on trust."""

from __future__ import annotations

from collections.abc import Iterator

import regex
from pydantic import BaseModel, Field

from evals.making.question import MadeQuestion
from prompts import fenced, load_prompt
from state.evidence import Passage
from state.ports import ChatModel
from state.usage import Usage

_SECONDS = 60.0
_LEAST_CHARS = 40  # of a passage worth asking about
_MOST_ANSWER_WORDS = 25


class Written(BaseModel):
    """A question as the model wrote it."""

    question: str = Field(max_length=400)
    answer: str = Field(max_length=400)
    evidence: str = Field(max_length=1500)


class WrittenQuestions(BaseModel):
    """The questions to one passage."""

    questions: list[Written] = Field(max_length=10)


async def written_questions(chat: ChatModel, passage: Passage, count: int, usage: Usage) -> list[MadeQuestion]:
    """Return the questions that the model writes to a passage, those left out whose answer does not stand in it.

    Raises `ChatUnavailable`.
    """
    if len(passage.text) < _LEAST_CHARS:
        return []
    system = load_prompt("make_questions").render(count=str(count))
    prompt = fenced([("title", passage.context), ("passage", passage.text)])
    written = await chat.structured(system, prompt, WrittenQuestions, usage, seconds=_SECONDS)
    return [made for one in written.questions for made in _checked(one, passage)]


def _checked(written: Written, passage: Passage) -> Iterator[MadeQuestion]:
    """Yield the question if its evidence stands in the passage and holds the answer."""
    evidence = _place(written.evidence, passage.text)
    if evidence is None or not written.answer.strip() or len(written.answer.split()) > _MOST_ANSWER_WORDS:
        return
    start, end = evidence
    if _place(written.answer, passage.text[start:end]) is None:
        return
    question = " ".join(written.question.split())
    yield MadeQuestion(
        question, (written.answer.strip(),), passage, passage.start + start, passage.start + end, "written"
    )


def _place(copied: str, text: str) -> tuple[int, int] | None:
    """Return where a copied text stands, whatever the white space and its final full stop."""
    words = copied.strip().split()
    if not words:
        return None
    pattern = r"\s+".join(regex.escape(word) for word in words)
    found = regex.search(pattern, text) or regex.search(pattern.removesuffix(r"\."), text)
    return found.span() if found else None
