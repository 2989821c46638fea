"""Leaving out passages that say the same as one ranked before them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import regex

from state.evidence import Hit

_SAME = 0.9  # Jaccard similarity of their words from which two passages count as one, if their numbers agree
_WORD = regex.compile(r"[\p{L}\p{N}]+")
_BITS = 1024
_ALIKE = 0.5  # the same for what blanks separate: below it, passages are not compared word by word


class _Content(NamedTuple):
    """A text's words, and those of them with a digit."""

    words: frozenset[str]
    numbers: frozenset[str]


def without_duplicates(hits: Sequence[Hit], *, limit: int | None = None) -> list[Hit]:
    """Keep the first of passages that are the same or nearly so, in the order given, up to ``limit``."""
    if len(hits) < 2:
        return list(hits[:limit])
    alike = np.triu(_alike([hit.passage.text for hit in hits]), 1).T
    if not alike.any():
        return list(hits[:limit])
    kept: list[int] = []
    for number, hit in enumerate(hits):
        if len(kept) == limit:
            break
        if not any(alike[number, other] and _same(hit, hits[other]) for other in kept):
            kept.append(number)
    return [hits[number] for number in kept]


def _alike(texts: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Return which of the texts may say the same, told by the bits of their parts; several parts may share a bit.

    Taking all passages of a ranking apart into words takes three times as long, and nearly no two are alike.
    """
    held = np.zeros((len(texts), _BITS), dtype=np.float32)
    bits = [_bits(text) for text in texts]
    held[np.repeat(np.arange(len(texts)), [len(some) for some in bits]), np.concatenate(bits)] = 1
    common = held @ held.T
    counts = np.diagonal(common)
    return np.asarray(common >= _ALIKE * (counts[:, None] + counts - common))


@lru_cache(maxsize=4096)
def _bits(text: str) -> npt.NDArray[np.int64]:
    parts = set(text.casefold().split())
    return np.fromiter(map(hash, parts), np.int64, len(parts)) % _BITS


@lru_cache(maxsize=4096)
def _content(text: str) -> _Content:
    words = frozenset(_WORD.findall(text.casefold()))
    return _Content(words, frozenset(word for word in words if not word.isalpha()))


def _same(hit: Hit, other: Hit) -> bool:
    """Whether two passages say the same: nearly the same words, and exactly the same numbers.

    The numbers, because two versions of a rule often differ in nothing else.
    """
    one, two = _content(hit.passage.text), _content(other.passage.text)
    common = len(one.words & two.words)
    return one.numbers == two.numbers and common >= _SAME * (len(one.words) + len(two.words) - common)
