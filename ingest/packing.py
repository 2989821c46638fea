"""Packs sentences into chunks of even size: the cheapest cut by dynamic programming."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from state.documents import Span

_FILL = 0.9
_CUT_COST = {"block": 0.0, "sentence": 0.12, "word": 0.5}


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, or a piece of one, with its size in tokens and what the boundary before it parts.

    ``boundary`` is ``block`` where a paragraph, item or row begins, ``sentence`` between two of a block's sentences,
    ``word`` within a sentence too long for a chunk. ``introduces`` marks a block that leads to the next (``…:``).
    """

    span: Span
    tokens: int
    boundary: str
    introduces: bool = False


def pack(units: Sequence[Unit], budget: int) -> list[list[Unit]]:
    """Cut units into consecutive groups of at most ``budget`` tokens, even in size, at block boundaries if possible.

    The cost of a group is the square of its distance from the even size, relative to it, plus a price for a cut within
    a block; the sum is minimised exactly. A single unit over the budget stays alone.
    """
    total = sum(unit.tokens for unit in units)
    if total <= budget or len(units) < 2:
        return [list(units)] if units else []
    target = total / ceil(total / (_FILL * budget))
    best = [0.0] + [float("inf")] * len(units)
    origin = [0] * (len(units) + 1)
    for end in range(1, len(units) + 1):
        size = 0
        cut = _cut_cost(units, end)
        for start in range(end - 1, -1, -1):
            size += units[start].tokens
            if size > budget and start < end - 1:
                break
            cost = best[start] + ((size - target) / target) ** 2 + cut
            if cost < best[end]:
                best[end], origin[end] = cost, start
    groups: list[list[Unit]] = []
    end = len(units)
    while end:
        groups.append(list(units[origin[end] : end]))
        end = origin[end]
    return groups[::-1]


def _cut_cost(units: Sequence[Unit], end: int) -> float:
    if end == len(units):
        return 0.0
    return _CUT_COST[units[end].boundary] + (0.2 if units[end - 1].introduces else 0.0)
