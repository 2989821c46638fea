"""Questions that the documents do not answer, like those that they do: about a name that no passage has."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import regex

from evals.making.question import MadeQuestion

_CODE = regex.compile(r"\b(?P<stem>\p{Lu}{2,}-?)(?P<number>\d{1,5})\b")


def unanswerable(made: Sequence[MadeQuestion], chance: random.Random) -> Iterator[MadeQuestion]:
    """Yield questions about codes that are one digit off, and about sections that only another document has.

    As SQuAD 2.0's, they are near to answerable ones (Rajpurkar et al., "Know What You Don't Know", ACL 2018). Whether
    nothing answers them has still to be checked.
    """
    shuffled = list(made)
    chance.shuffle(shuffled)
    headings = [one for one in shuffled if one.kind == "heading" and " say about " in one.question]
    for one in shuffled:
        if code := _CODE.search(one.question):
            number = str((int(code["number"]) + chance.randint(1, 8)) % 10 ** len(code["number"]))
            before, after = one.question[: code.start("number")], one.question[code.end() :]
            yield _without_answer(one, before + number.zfill(len(code["number"])) + after)
    for one, other in zip(headings, headings[1:] + headings[:1], strict=True):
        if one.passage.document_id != other.passage.document_id:
            asked = one.question.split(" say about ")[0] + " say about " + other.question.split(" say about ")[1]
            yield _without_answer(one, asked)


def _without_answer(made: MadeQuestion, question: str) -> MadeQuestion:
    return replace(made, question=question, answers=(), kind="unanswerable")
