"""retrieve: one search, by one mode or in one other source. Several run side by side."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from langgraph.runtime import Runtime

from nodes.desk import Desk, Desks
from state.errors import ModelUnavailable, SourceUnavailable, StoreMisconfigured
from state.ports import Search, Source
from state.run import Leg, RunContext
from tools.fusion import Fusion

_DEPTH = 100  # places of a ranking: those of duplicates among them are of no use
_FROM_ELSEWHERE = 10  # passages of another source


@dataclass(frozen=True)
class Retrieve:
    """Degrades when the embedding model, or what it searches in, cannot be used: others carry the question, noted.

    So it does when a source beside the documents cannot, or not within ``seconds``.

    Raises `StoreUnavailable` (there is nothing to answer from then) and `NotFound` for an unknown collection.
    """

    desks: Desks
    search: Search
    sources: tuple[Source, ...]
    seconds: float
    fusion: Fusion = field(default_factory=Fusion)

    async def __call__(self, state: Leg, runtime: Runtime[RunContext]) -> dict[str, Any]:
        """Put a ranking and its weight on the desk."""
        desk = self.desks[state["desk"]]
        mode, query = state["mode"], desk.queries[state["query"]]
        if "source" in state:
            return await self._elsewhere(desk, state["source"], query)
        try:
            found = await self.search.rank(
                desk.principal, query, mode, k=state.get("most", _DEPTH), filters=desk.filters
            )
        except (ModelUnavailable, StoreMisconfigured) as error:
            desk.failures[mode] = error
            return {"degraded": [f"{mode} search was left out: {error}"]}
        name = f"{mode} {state['query']}" if state["query"] else mode
        desk.rankings[name], desk.weights[name] = found, state.get("weight", 1.0) * self.fusion.weight(mode)
        return {}

    async def _elsewhere(self, desk: Desk, name: str, query: str) -> dict[str, Any]:
        source = next(source for source in self.sources if source.name == name)
        try:
            async with asyncio.timeout(max(min(self.seconds, desk.seconds_left()), 0.0)):
                passages = [hit.passage for hit in await source.find(query, k=_FROM_ELSEWHERE)]
        except TimeoutError:
            return {"degraded": [f"{name} was left out: it took too long"]}
        except SourceUnavailable as error:
            return {"degraded": [f"{name} was left out: {error}"]}
        desk.rankings[name] = [passage.chunk_id for passage in passages]
        desk.live.update((passage.chunk_id, passage) for passage in passages)
        return {}
