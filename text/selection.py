"""Which sentences an extractive answer says: the best ones that together cover what the question names."""

from __future__ import annotations

from collections.abc import Sequence

from state.evidence import Passage
from text.tokens import index_terms, query_terms

# What a sentence gains by holding all of the question's words that the sentences before it lack, in the units of the
# scores (within -1 and 1). It brings in the second document of a question about two; without it the three best
# sentences often say one half three times.
COVERAGE_GAIN = 0.25


def select_sentences(
    question: str, passages: Sequence[Passage], scores: Sequence[Sequence[float]], limit: int
) -> list[tuple[int, int]]:
    """Choose at most ``limit`` sentences, as ``(index of the passage, index of the sentence)``, best first.

    The first is the one with the highest score. Each further one has the highest sum of its score and
    `COVERAGE_GAIN` times the share of the question's words that it adds, title and headings included (greedy
    maximum coverage). A sentence in the same words as a chosen one is left out. Equal sentences keep their order.
    """
    asked = query_terms(question, {passage.language for passage in passages})
    candidates = {
        (row, column): (scores[row][column], frozenset(index_terms(text, passage.language)))
        for row, passage in enumerate(passages)
        for column, text in enumerate(passage.sentence_texts())
    }
    named = [_covered(asked, index_terms(passage.context, passage.language)) for passage in passages]
    covers = {place: named[place[0]] | _covered(asked, words) for place, (_, words) in candidates.items()}
    chosen: list[tuple[int, int]] = []
    covered: set[int] = set()
    while candidates and len(chosen) < limit:
        share = COVERAGE_GAIN / len(asked) if chosen and asked else 0.0
        best = max(candidates, key=lambda at: candidates[at][0] + share * len(covers[at] - covered))
        said = candidates[best][1]
        chosen.append(best)
        covered |= covers[best]
        candidates = {at: found for at, found in candidates.items() if at != best and found[1] != said}
    return chosen


def _covered(asked: Sequence[tuple[str, ...]], words: Sequence[str] | frozenset[str]) -> set[int]:
    """Return which of the question's words (by index) are among these, in any of their forms."""
    held = frozenset(words)
    return {index for index, forms in enumerate(asked) if not held.isdisjoint(forms)}
