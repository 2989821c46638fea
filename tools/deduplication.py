"""Leaving out passages that say the same as one ranked before them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from state.evidence import Hit

_SHINGLE = 3  # words
_SKETCH = 48  # smallest shingle hashes kept of a passage (bottom-k sketch, Broder 1997)
_SAME = 0.9  # estimated resemblance from which two passages count as one


def _sketch(text: str) -> frozenset[int]:
    words = text.casefold().split()
    shingles = {" ".join(words[i : i + _SHINGLE]) for i in range(max(1, len(words) - _SHINGLE + 1))}
    return frozenset(sorted(zlib.crc32(shingle.encode()) for shingle in shingles)[:_SKETCH])


def _resemblance(one: frozenset[int], other: frozenset[int]) -> float:
    """Estimate the Jaccard similarity of two texts from their sketches."""
    union = frozenset(sorted(one | other)[: max(len(one), len(other))])
    return len(union & one & other) / len(union) if union else 1.0


def without_duplicates(hits: Sequence[Hit]) -> list[Hit]:
    """Keep the first of passages that are the same or nearly so, in the order given."""
    kept: list[Hit] = []
    sketches: list[frozenset[int]] = []
    for hit in hits:
        sketch = _sketch(hit.passage.text)
        if all(_resemblance(sketch, other) < _SAME for other in sketches):
            kept.append(hit)
            sketches.append(sketch)
    return kept
