"""Whether answers hold what is right, and whether their quotes are exact: the whole graph on a set of questions."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from evals.agreement import believed
from evals.asking import Asking, asking
from evals.judged_answers import judged_answer, judged_scores
from evals.judging import Judge, open_judge
from evals.measures.citations import citation_scores, groundedness
from evals.measures.known_spans import cited_places, span_scores
from evals.measures.quoting import whole_quotes
from evals.measures.verdicts import VERDICTS, verdict_scores
from evals.runs.evaluation import Conditions, Evaluation, Target
from evals.runs.example import Example, Result
from evals.runs.timing import latency
from evals.sets.questions import QuestionSet, read_question_sets
from state.answer import Answer, quote_hash
from store.documents import document_text
from text.languages import stop_words

_CHECKED = ("citation_precision", "citation_recall", "groundedness", "completeness")
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


def completeness(text: str, right: Sequence[str]) -> float:
    """Return the share of a right answer's words that a text holds, stop words left out; the best of the answers."""
    said, best = set(normalised(text).split()), 0.0
    for answer in right:
        words = normalised(answer).split()
        wanted = [word for word in words if word not in stop_words("en")] or words
        best = max(best, sum(word in said for word in wanted) / len(wanted) if wanted else 1.0)
    return best


class Answers(Evaluation):
    """Asks the questions that have right answers. An abstention counts as wrong, and as right if there is no answer."""

    name = "answers"
    headline = ("right", "first_sentence", "exact_quotes", "abstained")
    lower_is_better = frozenset({"abstained"})

    def __init__(self, conditions: Conditions, *, judge: bool = False) -> None:
        """Prepare; with ``judge`` the chat model judges answers too. Raises `NoJudge` if it is not to be believed."""
        super().__init__(conditions)
        self._believed = believed(conditions.settings) if judge else {}
        self._judge: Judge | None = None

    def read(self, paths: Sequence[Path]) -> dict[str, list[Example]]:
        """Return the questions of each set, with their right answers; none of a question that cannot be answered."""
        self._sets: dict[str, QuestionSet] = read_question_sets(paths, with_answers=True)
        return {name: some.examples for name, some in self._sets.items()}

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[Target]:
        """Read the set's passages in, and ask."""
        async with AsyncExitStack() as stack:
            asked = await stack.enter_async_context(asking(self.conditions, self._sets[name].sources))
            if self._believed:
                self._judge = await stack.enter_async_context(open_judge(self.conditions.settings))
            texts: dict[tuple[UUID, int], str] = {}

            async def target(inputs: Mapping[str, Any]) -> dict[str, Any]:
                answer, outputs = await asked.ask(inputs["question"], filters=self._filters(inputs))
                said = [claim.text for claim in answer.claims]
                cited = dict.fromkeys(citation.quote for claim in answer.claims for citation in claim.citations)
                quotes = await _exact(asked, answer, texts)
                found = {"sentences": said, "quotes": quotes, "cited": [*cited], "places": cited_places(answer)}
                checked = {"cited_passages": asked.cited(answer), "verdicts": [one.verdict for one in answer.claims]}
                return {**outputs, **found, **checked, "whole": whole_quotes(answer, texts)}

            yield target

    def _filters(self, inputs: Mapping[str, Any]) -> Sequence[str]:
        """Return what a question is restricted to; nothing where other documents than the indexed ones are asked."""
        return () if self.conditions.documents else inputs.get("filters", ())

    async def examined(self, example: Example, outputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Let the judge judge the answer, if asked for."""
        if self._judge is None:
            return outputs
        return {**outputs, "judged": await judged_answer(self._judge, example, outputs)}

    def made_with(self) -> dict[str, Any]:
        """Return the runs that the judge is believed by."""
        if not self._believed:
            return {}
        return {"judge": {"model": self.conditions.settings.chat_model, "believed": self._believed}}

    def score(self, example: Example, outputs: Mapping[str, Any]) -> dict[str, float]:
        """Return whether the whole answer is right, whether its first sentence is, and the share of exact quotes."""
        right, said = example.reference["answers"], outputs["sentences"]
        quotes = {"exact_quotes": sum(outputs["quotes"]) / len(outputs["quotes"])} if outputs["quotes"] else {}
        quotes |= judged_scores(outputs) | span_scores(example.reference, outputs["places"])
        quotes |= groundedness(outputs["verdicts"]) | outputs["whole"]
        is_right = holds(" ".join(said), right) if right else outputs["abstained"]
        quotes |= verdict_scores(example.reference, float(is_right))
        if not right:
            return {"right": float(outputs["abstained"]), "abstained": float(outputs["abstained"]), **quotes}
        return {
            "right": float(is_right),
            "first_sentence": float(holds(" ".join(said[:1]), right)),
            "f1": token_f1(" ".join(said), right),
            "completeness": completeness(" ".join(said), example.reference.get("long_answers") or right),
            "abstained": float(outputs["abstained"]),
            **citation_scores(outputs["cited_passages"], example.reference.get("relevant", ())),
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
            **{name: metrics[name] for name in _CHECKED if name in metrics},
            **{name: metrics[name] for name in ("span_recall", *VERDICTS) if name in metrics},
            **{name: value for name, value in metrics.items() if name.startswith("judged ")},
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
