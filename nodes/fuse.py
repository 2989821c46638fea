"""fuse: join the rankings of all searches into one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langgraph.runtime import Runtime

from nodes.desk import Desks
from state.run import AskState, RunContext
from tools.search import fuse


@dataclass(frozen=True)
class Fuse:
    """Neither raises nor degrades."""

    desks: Desks

    async def __call__(self, state: AskState, runtime: Runtime[RunContext]) -> dict[str, Any]:
        """Put the fused ranking on the desk."""
        desk = self.desks[state["desk"]]
        desk.ranked = fuse(desk.question, {mode: desk.rankings[mode] for mode in sorted(desk.rankings)})
        return {}
