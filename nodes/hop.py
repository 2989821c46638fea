"""The nodes of a hop: say what to look for next, and bring what the passages found lead to in among them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from langgraph.runtime import Runtime
from pydantic import BaseModel

from nodes.asking import asked_for
from nodes.deadline import affords, left_out
from nodes.desk import Desk, Desks, Hop
from nodes.fuse import fused_passages
from nodes.quarantine import NOTE, trusted
from state.errors import ChatUnavailable, StoreMisconfigured
from state.evidence import Hit, Mode
from state.ports import ChatModel, Links, Search
from state.run import HopState, Leg, RunContext
from tools.fusion import Fusion, fuse, ranked
from tools.linked import FIRST

_READ = 6  # passages that a chat model reads to say what is missing, and of which a new one means that a hop paid
_MODES: tuple[Mode, ...] = ("lexical", "vector")


class NextHop(BaseModel):
    """What a chat model says about the passages found so far."""

    enough: bool
    missing: str = ""
    follow_up: str = ""


@dataclass(frozen=True)
class Plan:
    """Says what the next hop looks for. Degrades: without time, or when the chat model fails, noted.

    A chat model is asked about questions that are complex, or that nothing relevant was found for; it has ``seconds``.
    """

    desks: Desks
    chat: ChatModel | None
    seconds: float

    async def __call__(self, state: HopState, runtime: Runtime[RunContext]) -> dict[str, Any]:
        """Begin a hop: by a question of its own if a chat model asks one, else by what the passages lead to."""
        desk = self.desks[state["desk"]]
        step: dict[str, Any] = {"hop_legs": [], "sought": state["grade"] == "nothing"}
        most = (runtime.context or RunContext()).most_hops(state["question_class"])
        if len(desk.hops) >= most or not desk.ranked:
            return {**step, "hop": "stop"}
        if not affords(desk, "hop"):
            return {**step, "hop": "stop", "degraded": [left_out("a hop")]}
        if self.chat is None or (state["question_class"] != "complex" and not step["sought"]):
            return {**step, "hop": "follow"}
        try:
            plan = await self._plan(desk, self.chat)
        except ChatUnavailable as error:
            return {**step, "hop": "follow", "degraded": [f"no follow-up question was asked: {error}"]}
        if plan.enough and desk.hops:
            return {**step, "hop": "stop"}
        asked = " ".join(plan.follow_up.split())
        if plan.enough or not asked or asked.casefold() in {query.casefold() for query in desk.queries}:
            return {**step, "hop": "follow"}
        documents = [hit.passage.document_id for hit in desk.ranked[:_READ]]
        desk.hops.append(Hop(asked, plan.missing, documents))
        desk.queries.append(asked)
        query = len(desk.queries) - 1
        legs = [Leg(desk=state["desk"], mode=mode, query=query) for mode in _MODES]
        return {**step, "hop": "search", "hop_legs": legs}

    async def _plan(self, desk: Desk, chat: ChatModel) -> NextHop:
        passages = [hit.passage for hit in desk.ranked[:_READ]]
        read = [(f"passage {n}", f"{p.context}\n{p.text}") for n, p in enumerate(passages, start=1)]
        asked = [("question already asked", query) for query in desk.queries[1:]]
        given = [("question", desk.question), *asked, *read]
        return await asked_for(NextHop, chat, desk, "hop", given, self.seconds)


@dataclass(frozen=True)
class Follow:
    """Degrades: when the index that links are followed in cannot be used, they are not, noted.

    Raises `StoreUnavailable`.
    """

    desks: Desks
    search: Search
    links: Links | None
    fusion: Fusion = field(default_factory=Fusion)

    async def __call__(self, state: HopState, runtime: Runtime[RunContext]) -> dict[str, Any]:
        """Put what the hop found among the passages on the desk; ``hop`` is ``stop`` when it brought nothing new."""
        desk = self.desks[state["desk"]]
        before = [hit.passage.chunk_id for hit in desk.ranked[:_READ]]
        degraded: list[str] = []
        if state["hop_legs"]:
            found = await self._searched(desk, state["hop_legs"][0]["query"])
            fused = fuse(desk.question, {"hopped": desk.ranked, "followed": found}, fusion=self.fusion)
            desk.ranked = ranked(fused, "found")
        elif not any("found" in hit.ranks for hit in desk.ranked):
            desk.ranked = ranked(desk.ranked, "found")
        try:
            if self.links is not None:
                put_aside = await self._link(desk, self.links)
                degraded = [NOTE] if put_aside else []
        except StoreMisconfigured as error:
            degraded = [f"links were not followed: {error}"]
        new = [hit.passage for hit in desk.ranked[:_READ] if hit.passage.chunk_id not in before]
        if new and not state["hop_legs"]:
            desk.hops.append(Hop(desk.question, "", [passage.document_id for passage in new]))
        leads = {hit.passage.chunk_id for hit in desk.ranked[:FIRST]} != set(before[:FIRST])
        return {"hop": "plan" if new and (leads or state["hop_legs"]) else "stop", "degraded": degraded}

    async def _searched(self, desk: Desk, query: int) -> list[Hit]:
        """Return what the searches for the hop's own question found."""
        names = [name for mode in _MODES if (name := f"{mode} {query}") in desk.rankings]
        found = await fused_passages(self.search, desk, desk.queries[query], names, self.fusion)
        for name in names:
            del desk.rankings[name]
        return trusted(desk, found)[0]

    async def _link(self, desk: Desk, links: Links) -> int:
        """Rank what is on the desk and what it leads to, without what gives orders; return how many passages did."""
        order = await links.linked(desk.principal, desk.question, desk.ranked, filters=desk.filters)
        known = {hit.passage.chunk_id for hit in desk.ranked}
        kept, put_aside = trusted(desk, [hit for hit in order if hit.passage.chunk_id not in known])
        readable = {hit.passage.chunk_id: hit.passage for hit in (*desk.ranked, *kept)}
        desk.ranked = [
            replace(hit, passage=readable[hit.passage.chunk_id]) for hit in order if hit.passage.chunk_id in readable
        ]
        return put_aside
