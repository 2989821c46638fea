"""budget: choose the passages that the answer is written from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from langgraph.runtime import Runtime

from nodes.desk import Desks
from state.evidence import Hit
from state.run import AskState, RunContext

_PER_DOCUMENT = 4  # chunks, so that one long document does not crowd out the others


@dataclass(frozen=True)
class Budget:
    """Neither raises nor degrades."""

    desks: Desks

    async def __call__(self, state: AskState, runtime: Runtime[RunContext]) -> dict[str, Any]:
        """Put the evidence on the desk: the best ``k`` passages, at most some of them from one document."""
        desk = self.desks[state["desk"]]
        context = (runtime.context or RunContext()).clamped()
        limit = context.k if desk.filters.documents else _PER_DOCUMENT
        desk.evidence = _at_most(desk.ranked, limit)[: context.k]
        return {}


def _at_most(hits: list[Hit], limit: int) -> list[Hit]:
    taken: Counter[UUID] = Counter()
    kept = []
    for hit in hits:
        taken[hit.passage.document_id] += 1
        if taken[hit.passage.document_id] <= limit:
            kept.append(hit)
    return kept
