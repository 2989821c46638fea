"""Whether answers hold what is right, and whether their quotes are exact: the whole graph on a set of questions."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from evals.asking import Asking, asking
from evals.runs.evaluation import Evaluation, Target
from evals.runs.example import Example, Result
from evals.runs.timing import latency
from evals.sets.questions import QuestionSet, read_question_sets
from state.answer import Answer, quote_hash
from store.documents import document_text

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans(dict.fromkeys(string.punctuation, " "))


def normalised(text: str) -> str:
    """Fold case, punctuation, articles and white space, as SQuAD's evaluation does (Rajpurkar et al., 2016)."""
    return " ".join(_ARTICLES.sub(" ", text.casefold().translate(_PUNCTUATION)).split())


def holds(text: str, right: Sequence[str]) -> bool:
    """Whether a text holds one of the right answers, as whole words."""
    said = f" {normalised(text)} "
    return any(f" {normalised(answer)} " in said for answer in right)


def token_f1(text: str, right: Sequence[str]) -> float:
    """Return the best F1 of a text's words against those of one of the right answers (Rajpurkar et al., 2016)."""
    said = Counter(normalised(text).split())
    best = 0.0
    for answer in right:
        wanted = Counter(normalised(answer).split())
        total = said.total() + wanted.total()
        best = max(best, 2 * (said & wanted).total() / total if total else 1.0)
    return best


class Answers(Evaluation):
    """Asks the questions that have right answers. An abstention counts as wrong, and as right if there is no answer."""

    name = "answers"
    headline = ("right", "first_sentence", "exact_quotes", "abstained")
    lower_is_better = frozenset({"abstained"})

    def read(self, paths: Sequence[Path]) -> dict[str, list[Example]]:
        """Return the questions of each set, with their right answers; none of a question that cannot be answered."""
        self._sets: dict[str, QuestionSet] = read_question_sets(paths, with_answers=True)
        return {name: some.examples for name, some in self._sets.items()}

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[Target]:
        """Read the set's passages in, and ask."""
        async with asking(self.conditions, self._sets[name].sources) as asked:
            texts: dict[tuple[UUID, int], str] = {}

            async def target(inputs: Mapping[str, Any]) -> dict[str, Any]:
                answer, outputs = await asked.ask(inputs["question"])
                said = [claim.text for claim in answer.claims]
                return {**outputs, "sentences": said, "quotes": await _exact(asked, answer, texts)}

            yield target

    def score(self, example: Example, outputs: Mapping[str, Any]) -> dict[str, float]:
        """Return whether the whole answer is right, whether its first sentence is, and the share of exact quotes."""
        right, said = example.reference["answers"], outputs["sentences"]
        quotes = {"exact_quotes": sum(outputs["quotes"]) / len(outputs["quotes"])} if outputs["quotes"] else {}
        if not right:
            return {"right": float(outputs["abstained"]), "abstained": float(outputs["abstained"]), **quotes}
        return {
            "right": float(holds(" ".join(said), right)),
            "first_sentence": float(holds(" ".join(said[:1]), right)),
            "f1": token_f1(" ".join(said), right),
            "abstained": float(outputs["abstained"]),
            **quotes,
        }

    def summary(self, results: Sequence[Result]) -> dict[str, Any]:
        """Return the metrics over all results, with the names that they have had from the beginning, and each set's."""
        metrics = self.metrics(results)
        return {
            "questions": len(results),
            "first_sentence": metrics.get("first_sentence"),
            "whole_answer": metrics["right"],
            "f1": metrics.get("f1"),
            "abstained": metrics["abstained"],
            "citations": sum(len(result.outputs["quotes"]) for result in results),
            "exact_quotes": metrics.get("exact_quotes", 0.0),
            **latency([result.ms for result in results]),
            "sets": super().summary(results),
        }


async def _exact(asked: Asking, answer: Answer, texts: dict[tuple[UUID, int], str]) -> list[bool]:
    """Compare each citation with the stored text."""
    found = []
    for citation in (citation for claim in answer.claims for citation in claim.citations):
        key = (citation.document_id, citation.version)
        if key not in texts:
            async with asked.application.database.session(asked.principal) as connection:
                texts[key] = await document_text(connection, *key)
        quote = texts[key][citation.start : citation.end]
        found.append(quote == citation.quote and quote_hash(quote) == citation.sha256)
    return found
