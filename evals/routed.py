"""Classifying a question and searching as the graph does after it, by the graph's own nodes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from langgraph.runtime import Runtime

from evals.indexed import Indexed
from evals.runs.evaluation import Conditions
from graph.policies import CLASSIFY_SECONDS, ENHANCE_SECONDS, SOURCE_SECONDS
from models.chat import LangChainChat, open_chat
from nodes.classify import Classify
from nodes.desk import Desk, Desks
from nodes.enhance import Enhance
from nodes.fuse import Fuse
from nodes.retrieve import Retrieve
from state.evidence import Hit
from state.filters import Filters
from state.principal import Principal, local_principal
from tools.expansion import unquoted
from tools.routing import SEARCHES


@dataclass(frozen=True, slots=True)
class Routed:
    """A question's class and route, what was found by it, and what was left out."""

    kind: str
    route: str
    degraded: list[str]
    hits: list[Hit] = field(default_factory=list)


class Router:
    """Classifies questions by rules, or by the chat model for small steps where one is set."""

    def __init__(self, conditions: Conditions) -> None:
        self._settings, self._context, self._without = conditions.settings, conditions.context, conditions.without
        self._chat: LangChainChat | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Hold the chat model, if there is one. Raises `ModelUnavailable` for a price file that cannot be read."""
        chat, self._chat = open_chat(self._settings)
        try:
            yield
        finally:
            for opened in filter(None, {chat, self._chat}):
                await opened.aclose()

    async def classified(self, question: str) -> Routed:
        """Return a question's class and route."""
        desks, runtime = Desks(), Runtime(context=self._context)
        key = desks.open(self._desk(local_principal(self._settings), question))
        state: Any = {"desk": key}
        chosen = await Classify(desks, self._chat, CLASSIFY_SECONDS)(state, runtime)
        return Routed(chosen["question_class"], chosen["route"], chosen["degraded"])

    async def routed(self, question: str, read: Indexed) -> Routed:
        """Classify a question and search by its route; small talk and what is refused searches for nothing."""
        routed = await self.classified(question)
        if routed.route not in SEARCHES:
            return routed
        desks, runtime, searcher = Desks(), Runtime(context=self._context), read.searcher
        desk = self._desk(read.principal, question)
        state: Any = {"desk": desks.open(desk), "route": routed.route}
        planned = await Enhance(desks, searcher, self._chat, (), ENHANCE_SECONDS, self._without)(state, runtime)
        retrieve = Retrieve(desks, searcher, (), SOURCE_SECONDS, fusion=searcher.fusion)
        notes = [*routed.degraded, *planned["degraded"]]
        for leg in planned["legs"]:
            notes += (await retrieve(leg, runtime)).get("degraded", [])
        await Fuse(desks, searcher, searcher.fusion)(state, runtime)
        return Routed(routed.kind, routed.route, notes, desk.ranked)

    def _desk(self, principal: Principal, question: str) -> Desk:
        return Desk(principal, question, Filters(), asked=question, queries=[unquoted(question)])
