"""rerank: let a model that reads question and passage together put the best first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langgraph.runtime import Runtime

from nodes.desk import Desks
from state.errors import ModelUnavailable
from state.ports import Reranker
from state.run import AskState, RunContext
from tools.rerank import rerank


@dataclass(frozen=True)
class Rerank:
    """Degrades: without a reranker, or when it fails as models do, the fused order stays, noted."""

    desks: Desks
    reranker: Reranker | None

    async def __call__(self, state: AskState, runtime: Runtime[RunContext]) -> dict[str, Any]:
        """Put the reranked order on the desk."""
        desk = self.desks[state["desk"]]
        wanted = (runtime.context or RunContext()).rerank
        if self.reranker is None or not wanted or len(desk.ranked) < 2:
            return {}
        try:
            desk.ranked = await rerank(self.reranker, desk.question, desk.ranked)
        except (ModelUnavailable, RuntimeError, ValueError) as error:  # what torch and transformers raise at run time
            return {"degraded": [f"reranking was left out: {type(error).__name__}: {error}"]}
        return {}
