"""Reading the passages of a ranking: no more of them than are wanted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from state.evidence import Hit, Passage
from text.query import Query, matches_phrase
from tools.deduplication import without_duplicates

Scored = tuple[int, float, dict[str, int]]  # a passage's slot, its score, and its rank in each stage


async def first_distinct(
    read: Callable[[Sequence[int]], Awaitable[Mapping[int, Passage]]],
    found: Sequence[Scored],
    k: int,
    wanted: Callable[[Passage], bool] = lambda passage: True,
    *,
    distinct: bool = True,
) -> list[Hit]:
    """Return the first ``k`` passages that are ``wanted``, without duplicates and what ``read`` does not give.

    With ``distinct`` turned off duplicates stay. It reads ``k``, which is nearly always enough, then more at a time.
    """
    hits: list[Hit] = []
    start, step = 0, k
    while len(hits) < k and start < len(found):
        part = found[start : start + step]
        given = await read([slot for slot, *_ in part])
        hits += [Hit(given[slot], score, at) for slot, score, at in part if slot in given and wanted(given[slot])]
        hits = without_duplicates(hits, limit=k) if distinct else hits[:k]
        start, step = start + step, 2 * step
    return hits


def phrases_hold(query: Query, passage: Passage) -> bool:
    """Whether every quoted phrase stands in the passage (or its title and headings), and no excluded one."""
    if not query.phrases and not query.exclusions:
        return True
    text = f"{passage.context}\n{passage.text}"
    return all(matches_phrase(text, phrase) for phrase in query.phrases) and not any(
        " " in phrase and matches_phrase(text, phrase) for phrase in query.exclusions
    )
