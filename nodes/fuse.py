"""fuse: join the rankings of all searches into one, what several of them found gains; and read what comes first."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langgraph.runtime import Runtime

from nodes.desk import Desk, Desks
from state.evidence import Hit, Passage
from state.ports import Search
from state.run import AskState, RunContext
from text.tokens import codes
from tools.fusion import Fusion, codes_held, fused_order, ranked
from tools.reading import first_distinct

# Places of a ranking that count. XQuAD's nDCG@10 is 0.974 with 50 and 0.963 with 100: far down, chance decides.
DEPTH = 50
_MOST = 30  # passages that any step looks at
_FEW = 10
_MOST_CHECKED = 60  # passages read for the codes of a question


@dataclass(frozen=True)
class Fuse:
    """Raises why the search by words was left out if no search of the widest route could be made."""

    desks: Desks
    search: Search
    fusion: Fusion = field(default_factory=Fusion)

    async def __call__(self, state: AskState, runtime: Runtime[RunContext]) -> dict[str, Any]:
        """Put the fused ranking on the desk."""
        desk = self.desks[state["desk"]]
        if state["route"] == "hybrid" and not desk.rankings:
            raise desk.failures["lexical"]
        desk.ranked = await fused_passages(self.search, desk, desk.question, desk.rankings, self.fusion)
        return {}


async def fused_passages(
    search: Search, desk: Desk, question: str, names: Collection[str], fusion: Fusion
) -> list[Hit]:
    """Fuse those of the desk's rankings that have these names, and read the best passages, without duplicates.

    What stands further down than `DEPTH` counts only where duplicates leave hardly anything of what does not.
    """
    rankings = {name: desk.rankings[name] for name in sorted(names)}
    first = {name: places[:DEPTH] for name, places in rankings.items()}
    hits = await _read(search, desk, question, first, fusion)
    if len(hits) < _FEW and first != rankings:
        hits = await _read(search, desk, question, rankings, fusion)
    return ranked(hits, "fused")


async def _read(
    search: Search, desk: Desk, question: str, rankings: Mapping[str, Sequence[int]], fusion: Fusion
) -> list[Hit]:
    order = fused_order(rankings, {}, desk.weights, fusion)
    known = dict(desk.live)

    async def read(places: Sequence[int]) -> dict[int, Passage]:
        if missing := [place for place in places if place not in known]:
            known.update(await search.read(desk.principal, missing))
        return known

    if wanted := codes(question):
        passages = await read([place for place, *_ in order[:_MOST_CHECKED]])
        held = {place: codes_held(wanted, passage) for place, passage in passages.items()}
        order = fused_order(rankings, held, desk.weights, fusion)
    return await first_distinct(read, order, _MOST, distinct=fusion.distinct)
