"""The whole graph on questions: what it finds, what it says, what that rests on, and what it costs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from ir_measures import R, nDCG

from evals.answers import holds, token_f1
from evals.asking import Asking, asking
from evals.measures.ranking import ranking_scores
from evals.runs.evaluation import Evaluation, Target
from evals.runs.example import Example
from evals.sets.beir import WANTED, is_beir, kind_of, read_rows
from evals.sets.find import find_sets
from evals.sets.questions import QuestionSet, read_question_sets
from evals.sets.rows import NoSet, text_of
from state.answer import Answer
from state.documents import Source

FOUND = (nDCG @ 10, R @ 5)
_GOOD = ("supported", "partly")


class Questions(Evaluation):
    """Asks questions with answers, with judged passages or with both, and those that cannot be answered.

    ``right`` is holding a right answer, and abstaining where there is none. ``grounded`` is the share of sentences that
    the verifier supports, ``citation_precision`` that of citations of judged passages that are relevant.
    """

    name = "ablate"
    headline = ("right", "f1", "nDCG@10", "R@5", "grounded", "citation_precision")

    def read(self, paths: Sequence[Path]) -> dict[str, list[Example]]:
        """Return the questions of each set; of folders also those that are marked as unanswerable."""
        self._sets: dict[str, QuestionSet] = read_question_sets(paths, with_answers=False)
        folders: dict[str, Path] = {}
        for path in paths:
            with suppress(NoSet):
                folders |= find_sets([path], is_beir, WANTED)
        return {
            name: _spread(some.examples, _unanswerable(folders[name]) if name in folders else [])
            for name, some in self._sets.items()
        }

    def sources(self, name: str) -> list[Source] | None:
        """Return the passages of a set; None of one that is asked of documents of one's own."""
        return self._sets[name].sources

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[Target]:
        """Read the set's passages in, and ask."""
        async with asking(self.conditions, self.sources(name)) as asked:

            async def target(inputs: Mapping[str, Any]) -> dict[str, Any]:
                answer, outputs = await asked.ask(inputs["question"])
                return {**outputs, **told(asked, answer)}

            yield target

    def score(self, example: Example, outputs: Mapping[str, Any]) -> dict[str, float]:
        """Return what the answer and what it was made from are worth."""
        scores = {"abstained": float(outputs["abstained"])}
        relevant = example.reference.get("relevant")
        if relevant:
            scores |= ranking_scores(outputs["passages"], relevant, FOUND)
            if outputs["cited"]:
                cited = outputs["cited"]
                scores["citation_precision"] = sum(row in relevant for row in cited) / len(cited)
        if (right := example.reference.get("answers")) is not None:
            said = " ".join(outputs["sentences"])
            scores["right"] = float(holds(said, right) if right else outputs["abstained"])
            if right:
                scores["f1"] = token_f1(said, right)
        if outputs["verdicts"]:
            scores["grounded"] = sum(verdict in _GOOD for verdict in outputs["verdicts"]) / len(outputs["verdicts"])
        return scores


def told(asked: Asking, answer: Answer) -> dict[str, Any]:
    """Return the sentences of an answer, their verdicts, the rows that they cite, and what the answer cost."""
    citations = [citation for claim in answer.claims for citation in claim.citations]
    return {
        "sentences": [claim.text for claim in answer.claims],
        "verdicts": [claim.verdict for claim in answer.claims],
        "cited": [asked.rows.get(one.document_id, one.source) for one in citations],
        "usage": answer.usage,
    }


def _unanswerable(folder: Path) -> list[Example]:
    rows = [row for row in read_rows(folder / "queries.jsonl") if row.get("answerable") is False]
    return [
        Example(str(row["_id"]), {"question": text_of(row, "text")}, {"answers": []}, kind_of(row) or "unanswerable")
        for row in rows
    ]


def _spread(some: Sequence[Example], others: Sequence[Example]) -> list[Example]:
    """Return both in one list, evenly mixed, so that the first of it have their part of each."""
    known = {example.key for example in some}
    others = [example for example in others if example.key not in known]
    placed = [((at + 0.5) / len(part), one) for part in (some, others) for at, one in enumerate(part)]
    return [one for _, one in sorted(placed, key=lambda pair: pair[0])]
