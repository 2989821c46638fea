"""The questions of one document, made when they are asked for and handed out by kind."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence

from evals.making.chat import written_questions
from evals.making.clauses import Written
from evals.making.question import Kind, MadeQuestion
from evals.making.statements import questions_of
from evals.making.structure import heading_questions, list_questions, table_questions
from state.evidence import Passage
from state.ports import ChatModel
from state.usage import Usage

_WRITTEN_EACH = 3  # questions asked of the chat model for a passage


class Pool:
    """Questions to the passages of one document, by rules if there is no ``chat``."""

    def __init__(
        self,
        passages: Sequence[Passage],
        written: Written,
        chance: random.Random,
        chat: ChatModel | None,
        usage: Usage,
    ) -> None:
        self._chat, self._usage = chat, usage
        self._waiting: dict[Kind, list[MadeQuestion]] = {}
        self._unread = list(passages) if chat else []
        chance.shuffle(self._unread)
        if chat is None:
            made = list(by_rules(passages, written))
            chance.shuffle(made)
            self._add(made)

    async def draw(self, drawn: Counter[Kind]) -> MadeQuestion | None:
        """Return the next question, of the kind that ``drawn`` has least of; None if there is none left.

        Raises `ChatUnavailable`.
        """
        while self._chat and self._unread and not any(self._waiting.values()):
            self._add(await written_questions(self._chat, self._unread.pop(), _WRITTEN_EACH, self._usage))
        left = [kind for kind, some in self._waiting.items() if some]
        return self._waiting[min(left, key=lambda kind: (drawn[kind], kind))].pop() if left else None

    def _add(self, made: Sequence[MadeQuestion]) -> None:
        for one in made:
            self._waiting.setdefault(one.kind, []).append(one)


def by_rules(passages: Sequence[Passage], written: Written) -> Iterator[MadeQuestion]:
    """Yield the questions that rules make from the passages of one document, given in the order of its text."""
    for passage in passages:
        for span, sentence in zip(passage.sentences, passage.sentence_texts(), strict=True):
            for asked in questions_of(sentence, written):
                yield MadeQuestion(asked.question, asked.answers, passage, span.start, span.end, asked.kind)
    yield from table_questions(passages)
    yield from list_questions(passages, written)
    yield from heading_questions(passages, written)
