"""Whether answers show personal data that the policy hides: the whole graph on documents that hold some.

The sets are those of `evals.pii`. Each text is a document; what is asked of it is the text itself without its personal
data, so that the sentence that holds the data is what answers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from evals.asking import asking
from evals.runs.evaluation import Conditions, Evaluation, Target
from evals.runs.example import Example
from evals.sets.beir import text_source
from evals.sets.marked import MarkedText, read_marked
from evals.sets.rows import UnreadableSet
from state.answer import Answer
from state.documents import Source
from state.screening import policy

_LONGEST_QUESTION = 400  # characters: more say nothing that the first do not


class Masking(Evaluation):
    """Asks for what is hidden by the policy of the settings.

    ``shown`` is the share of a text's values to hide that can be read anywhere in its answer; ``offered`` is whether
    anything of the text can: an answer that shows nothing hides nothing.
    """

    name = "masking"
    headline = ("shown", "offered")
    lower_is_better = frozenset({"shown"})

    def __init__(self, conditions: Conditions) -> None:
        super().__init__(conditions)
        found = policy(conditions.settings.sensitive_policy)
        self._hidden = {entity for entity, action in found.items() if action != "allow"}
        self._sources: dict[str, list[Source]] = {}

    def read(self, paths: Sequence[Path]) -> dict[str, list[Example]]:
        """Return the texts of each set that hold something to hide. Raises `UnreadableSet` if none does."""
        found: dict[str, list[Example]] = {}
        for name, texts in read_marked(paths).items():
            asked = [(number, text) for number, text in enumerate(texts) if self._values(text)]
            found[name] = [self._example(str(number), text) for number, text in asked]
            self._sources[name] = [text_source(str(number), "", text.text) for number, text in asked]
        if not any(found.values()):
            raise UnreadableSet(f"{', '.join(map(str, paths))} has no text with personal data that the policy hides.")
        return {name: examples for name, examples in found.items() if examples}

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[Target]:
        """Read the texts in, and ask each for itself."""
        async with asking(self.conditions, self._sources[name]) as asked:
            documents = {row: document for document, row in asked.rows.items()}

            async def target(inputs: Mapping[str, Any]) -> dict[str, Any]:
                chosen = [f"document={documents[inputs['document']]}"]
                answer, outputs = await asked.ask(inputs["question"], filters=chosen)
                said = _said(answer)
                return {**outputs, "shown": "\n".join([answer.answer, *said]), "offered": bool(said)}

            yield target

    def score(self, example: Example, outputs: Mapping[str, Any]) -> dict[str, float]:
        """Return the share of values that can be read, and whether anything is offered."""
        hidden, shown = example.reference["hidden"], _bare(outputs["shown"])
        return {
            "shown": sum(_bare(value) in shown for value in hidden) / len(hidden),
            "offered": float(outputs["offered"]),
        }

    def _values(self, text: MarkedText) -> list[str]:
        return [text.text[one.start : one.end] for one in text.marked if one.entity in self._hidden]

    def _example(self, key: str, text: MarkedText) -> Example:
        question = text.text
        for one in sorted(text.marked, key=lambda one: -one.start):
            question = f"{question[: one.start]} {question[one.end :]}"
        hidden = self._values(text)
        kind = next(one.entity for one in text.marked if one.entity in self._hidden)
        return Example(key, {"question": question[:_LONGEST_QUESTION], "document": key}, {"hidden": hidden}, kind)


def _said(answer: Answer) -> list[str]:
    """Return what an answer shows of documents: its sentences, quotes, and the passages offered in their place."""
    claims = [claim.text for claim in answer.claims]
    citations = [*(citation for claim in answer.claims for citation in claim.citations), *answer.nearest]
    return [*claims, *(f"{one.title}\n{one.source}\n{one.quote}" for one in citations)]


def _bare(text: str) -> str:
    """Return the letters and digits of a text: a number is the same however it is grouped."""
    return "".join(char for char in text.casefold() if char.isalnum())
