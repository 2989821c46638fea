"""How well the tokens of a claim that evidence does not support are told: by counts over all tokens of all claims."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evals.measures.classification import f_beta, precision_recall
from evals.runs.aggregates import Table
from text.languages import stop_words


def marked_tokens(text: str, tokens: Sequence[str], spans: Sequence[Sequence[int]]) -> list[bool]:
    """Return of each token of a text whether it is in one of the spans ``(start, end)``.

    A word in common use goes with the word that follows it: people mark phrases ("in San Diego"), a verifier words. A
    token that the text does not have in this form is in none.
    """
    marked, at, common = [], 0, stop_words("en")
    for token in tokens:
        start = text.find(token, at)
        end = at = start + len(token) if start >= 0 else at
        marked.append(start >= 0 and any(start < last and first < end for first, last in spans))
    for place in range(len(tokens) - 2, -1, -1):
        marked[place] = marked[place] or (tokens[place].casefold() in common and marked[place + 1])
    return marked


def token_counts(unsupported: Sequence[bool], said: Sequence[bool]) -> tuple[float, float, float]:
    """Return how many tokens were found, missed and wrongly named."""
    pairs = list(zip(unsupported, said, strict=True))
    return float(pairs.count((True, True))), float(pairs.count((True, False))), float(pairs.count((False, True)))


def span_metric(name: str) -> Callable[[Table], float]:
    """Return what computes ``precision``, ``recall`` or ``F1`` from a table of counts, shape ``(claims, 3)``."""

    def metric(table: Table) -> float:
        precision, recall = precision_recall(*table.sum(axis=0))
        return {"precision": precision, "recall": recall, "F1": f_beta(precision, recall)}[name]

    return metric
