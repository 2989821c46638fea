"""grade: is there anything relevant at all?"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from langgraph.runtime import Runtime

from nodes.desk import Desks
from state.errors import ModelUnavailable
from state.ports import RelevanceJudge
from state.run import AskState, RunContext

_LOOKED_AT = 5  # passages


@dataclass(frozen=True)
class Grade:
    """Degrades: without the embedding model, passages count as relevant because they were found, noted."""

    desks: Desks
    judge: RelevanceJudge

    async def __call__(self, state: AskState, runtime: Runtime[RunContext]) -> dict[str, Any]:
        """Return the relevance of the best passages, and whether it is enough to answer."""
        desk = self.desks[state["desk"]]
        best = [hit.passage for hit in desk.ranked[:_LOOKED_AT]]
        if not best:
            return {"relevance": 0.0, "grade": "nothing"}
        try:
            relevance = await asyncio.to_thread(self.judge.relevance, desk.question, best)
        except ModelUnavailable as error:
            return {"relevance": 0.5, "grade": "enough", "degraded": [f"relevance was not measured: {error}"]}
        return {"relevance": relevance, "grade": "enough" if relevance >= self.judge.threshold else "nothing"}
