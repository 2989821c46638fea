"""rerank: let a model that reads question and passage together put the best first."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from langgraph.runtime import Runtime

from nodes.deadline import GivenUp, affords, left_out, within
from nodes.desk import Desk, Desks
from state.errors import ModelUnavailable
from state.ports import Reranker
from state.run import AskState, RunContext
from tools.rerank import reordered
from tools.routing import RERANKED

_SHARE_OF_THE_FIRST = 0.6  # of the time left: a better reranker that hangs must leave some to the next


@dataclass(frozen=True)
class Rerank:
    """Degrades: a reranker that fails, hangs or comes too late gives way to the next, and the last to the fused order.

    Each is noted. ``rerankers`` come best first; none is asked again while a call of it that was given up is running.
    ``most_seconds`` is the limit for one call; ``depth`` is how many passages are read, None by the question's class.
    """

    desks: Desks
    rerankers: Sequence[Reranker]
    most_seconds: float
    depth: int | None = None
    _given_up: dict[str, threading.Thread] = field(default_factory=dict)

    async def __call__(self, state: AskState, runtime: Runtime[RunContext]) -> dict[str, Any]:
        """Put the reranked order on the desk."""
        desk = self.desks[state["desk"]]
        desk.ran["reranker"] = "none"
        if not self.rerankers or not (runtime.context or RunContext()).rerank or len(desk.ranked) < 2:
            return {}
        notes: list[str] = []
        for reranker in self.rerankers:
            if not affords(desk, "rerank"):
                return {"degraded": [*notes, left_out("reranking")]}
            failure = await self._reranked(reranker, desk, self.depth or RERANKED[state["question_class"]])
            if not failure:
                return {"degraded": notes}
            notes.append(f"reranking by {reranker.name} was left out: {failure}")
        return {"degraded": notes}

    async def _reranked(self, reranker: Reranker, desk: Desk, depth: int) -> str:
        """Reorder the first ``depth`` passages on the desk; return why not if that failed."""
        earlier = self._given_up.get(reranker.name)
        if earlier is not None and earlier.is_alive():
            return "it has not come back from an earlier question"
        left = desk.seconds_left() - desk.pace.seconds("answer")
        seconds = min(self.most_seconds, left if reranker is self.rerankers[-1] else left * _SHARE_OF_THE_FIRST)
        passages = [hit.passage for hit in desk.ranked[:depth]]
        try:
            scores = await within(seconds, reranker.scores, desk.question, passages)
        except GivenUp as error:
            self._given_up[reranker.name] = error.thread
            return f"it took more than {seconds:.1f} s"
        except (ModelUnavailable, RuntimeError, ValueError) as error:  # what torch and transformers raise at run time
            return f"{type(error).__name__}: {error}"
        desk.ranked = reordered(desk.ranked, scores)
        desk.ran["reranker"] = reranker.name
        return ""
