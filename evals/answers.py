"""Whether answers hold what is right, and whether their quotes are exact: the whole graph on a set of questions."""

from __future__ import annotations

import re
import string
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from evals.beir import UnreadableSet, read_beir
from evals.retrieval import latency
from evals.scratch import scratch_database
from graph.app import open_application
from graph.application import Application
from ingest.sources import Found
from settings import settings
from state.answer import Answer, quote_hash
from state.principal import Principal, local_principal
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


async def evaluate_answers(folder: Path) -> dict[str, Any]:
    """Return the share of questions answered right by the first sentence and by the whole answer, and more.

    ``exact_quotes`` is the share of citations with ``stored_text[start:end] == quote`` and the right hash;
    abstentions count as wrong. Raises `UnreadableSet` if the questions have no answers.
    """
    evaluated = read_beir(folder)
    questions = [(text, evaluated.answers[key]) for key, text in evaluated.questions if key in evaluated.answers]
    if not questions:
        raise UnreadableSet(f"{folder} has no question with answers in queries.jsonl.")
    configuration = settings()
    principal = local_principal(configuration)
    async with open_application(configuration, scratch_database) as application:
        ingester = application.ingester(principal)
        await ingester.ingest(Found(sources=evaluated.sources), "eval")
        first = whole = abstained = 0
        spent: list[float] = []
        quotes: list[bool] = []
        texts: dict[tuple[UUID, int], str] = {}
        for question, right in questions:
            started = time.perf_counter()
            answer = await application.ask(principal, question)
            spent.append((time.perf_counter() - started) * 1000)
            said = [claim.text for claim in answer.claims]
            first += holds(" ".join(said[:1]), right)
            whole += holds(" ".join(said), right)
            abstained += answer.abstained
            quotes += await _exact(application, principal, answer, texts)
    return {
        "questions": len(questions),
        "first_sentence": round(first / len(questions), 4),
        "whole_answer": round(whole / len(questions), 4),
        "abstained": round(abstained / len(questions), 4),
        "citations": len(quotes),
        "exact_quotes": round(sum(quotes) / len(quotes), 4) if quotes else 0.0,
        **latency(spent),
    }


async def _exact(
    application: Application, principal: Principal, answer: Answer, texts: dict[tuple[UUID, int], str]
) -> list[bool]:
    """Compare each citation with the stored text."""
    found = []
    for citation in (citation for claim in answer.claims for citation in claim.citations):
        key = (citation.document_id, citation.version)
        if key not in texts:
            async with application.database.session(principal) as connection:
                texts[key] = await document_text(connection, *key)
        quote = texts[key][citation.start : citation.end]
        found.append(quote == citation.quote and quote_hash(quote) == citation.sha256)
    return found
