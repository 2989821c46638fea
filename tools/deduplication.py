"""Leaving out passages that say the same as one ranked before them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import regex

from state.evidence import Hit

_SAME = 0.9  # Jaccard similarity of their words from which two passages count as one, if their numbers agree
_WORD = regex.compile(r"[\p{L}\p{N}]+")


@lru_cache(maxsize=4096)
def _words(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return a text's words, and those of them that hold a digit."""
    words = frozenset(_WORD.findall(text.casefold()))
    return words, frozenset(word for word in words if any(character.isdigit() for character in word))


def _same(one: str, other: str) -> bool:
    """Whether two texts say the same: nearly the same words, and exactly the same numbers.

    The numbers, because two versions of a rule often differ in nothing else.
    """
    (words, numbers), (other_words, other_numbers) = _words(one), _words(other)
    smaller, larger = sorted((len(words), len(other_words)))
    if smaller < _SAME * larger or numbers != other_numbers:
        return False
    common = len(words & other_words)
    return common >= _SAME * (smaller + larger - common)


def without_duplicates(hits: Sequence[Hit], *, limit: int | None = None) -> list[Hit]:
    """Keep the first of passages that are the same or nearly so, in the order given, up to ``limit``."""
    kept: list[Hit] = []
    for hit in hits:
        if len(kept) == limit:
            break
        if not any(_same(hit.passage.text, other.passage.text) for other in kept):
            kept.append(hit)
    return kept
