"""budget: choose the passages that the answer is written from, and what of them a chat model reads."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from langgraph.runtime import Runtime

from nodes.desk import Desk, Desks
from nodes.quarantine import trusted
from state.errors import StoreMisconfigured, StoreUnavailable
from state.evidence import Hit, Passage
from state.ports import Neighbours
from state.run import AskState, RunContext
from text.forms import question_form
from tools.condensing import Condenser
from tools.context import fitting, wants_neighbours
from tools.routing import READ

_PER_DOCUMENT = 4  # chunks, so that one long document does not crowd out the others
_READ_AROUND = 3  # passages whose neighbours are looked at


@dataclass(frozen=True)
class Budget:
    """Degrades: neighbours that cannot be read, or a summary that the chat model does not give, are noted.

    Without a ``condenser`` no chat model reads: the passages are those of the ranking. ``passages`` is how many are
    read where a client does not say, None by the question's class.
    """

    desks: Desks
    condenser: Condenser | None = None
    neighbours: Neighbours | None = None
    passages: int | None = None

    async def __call__(self, state: AskState, runtime: Runtime[RunContext]) -> dict[str, Any]:
        """Put the evidence on the desk: the best ``k`` passages, at most some of them from one document."""
        desk = self.desks[state["desk"]]
        context = (runtime.context or RunContext()).clamped()
        k = context.k or self.passages or READ[state["question_class"]]
        limit = k if desk.filters.documents else _PER_DOCUMENT
        hits = at_most(desk.ranked, limit)
        if self.condenser is None or not context.prose:
            desk.evidence = hits[:k]
            return {}
        found = {hit.passage.chunk_id: hit for hit in hits}
        strategy, passages = self.condenser.choose(desk.question, [hit.passage for hit in hits], k)
        around, notes = await self._around(desk, passages)
        desk.evidence = [found[passage.chunk_id] for passage in passages] + around
        passages = [hit.passage for hit in desk.evidence]
        desk.excerpts = await self.condenser.excerpts(
            desk.question, passages, strategy, desk.usage, desk.seconds_left() / 2
        )
        desk.ran["context"] = strategy
        return {"degraded": notes}

    async def _around(self, desk: Desk, passages: list[Passage]) -> tuple[list[Hit], list[str]]:
        """Return what stands around the best passages that cannot be read alone, as far as there is room for it."""
        form = question_form(desk.question)
        cut_off = [passage for passage in passages[:_READ_AROUND] if wants_neighbours(passage, form)]
        if self.neighbours is None or self.condenser is None or not cut_off:
            return [], []
        try:
            read = await self.neighbours.around(desk.principal, cut_off)
        except (StoreUnavailable, StoreMisconfigured) as error:
            return [], [f"what stands around the passages was not read: {error}"]
        known = {passage.chunk_id for passage in passages}
        trusted_ones, _ = trusted(desk, [Hit(passage, 0.0) for passage in read])
        fresh = [hit.passage for hit in trusted_ones if hit.passage.chunk_id not in known]
        kept = fitting([*passages, *fresh], self.condenser.room)
        return [Hit(passage, 0.0, {"neighbour": 1}) for passage in kept if passage.chunk_id not in known], []


def at_most(hits: list[Hit], limit: int) -> list[Hit]:
    """Return the hits without those beyond the first ``limit`` of their document."""
    taken: Counter[UUID] = Counter()
    kept = []
    for hit in hits:
        taken[hit.passage.document_id] += 1
        if taken[hit.passage.document_id] <= limit:
            kept.append(hit)
    return kept
