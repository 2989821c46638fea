"""What evaluations take out of the graph to measure what it brings; nothing that a client or a setting can reach."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from langgraph.runtime import Runtime

from nodes.desk import Desks, Sentence
from nodes.validate import Validate
from state.answer import Citation, Claim
from state.evidence import Mode, Passage
from state.filters import Filters
from state.ports import Search
from state.principal import Principal
from state.run import RunContext

if TYPE_CHECKING:
    from graph.builder import Node

Switch = Literal[
    "contextualize", "classify", "routes", "lexical", "vector", "asked", "parts", "duplicates", "quarantine", "broaden",
    "neighbours", "condensing", "ground", "repair", "validate", "masks",
]  # fmt: skip
_OTHER: dict[Mode, Mode] = {"lexical": "vector", "vector": "lexical"}


def stand_ins(nodes: Mapping[str, Node], desks: Desks, without: Collection[Switch]) -> dict[str, Node]:
    """Return the nodes with others in place of those whose work is left out."""
    kept = dict(nodes)
    if "quarantine" in without:
        kept["guard"] = _Unsifted(kept["guard"], desks)
    if "contextualize" in without:
        kept["contextualize"] = _OutOfContext(kept["contextualize"])
    if "classify" in without:
        kept["classify"] = _Updated(kept["classify"], {"question_class": "factual", "route": "hybrid"})
    if "routes" in without:
        kept["classify"] = _Updated(kept["classify"], {"route": "hybrid"})
    for mode in _modes(without):
        kept["classify"] = _Updated(kept["classify"], {"route": _OTHER[mode]})
    if "broaden" in without:
        kept["enhance"] = _Updated(kept["enhance"], {"wider": False})
    if "ground" in without:
        kept["ground"] = _AllPass(kept["ground"], desks)
    if "repair" in without:
        kept["repair"] = _Dropped(desks)
    if "validate" in without and isinstance(validate := kept["validate"], Validate):
        kept["validate"] = _Unscreened(validate.desks, validate.finder, validate.policy)
    return kept


def searched(search: Search, without: Collection[Switch]) -> Search:
    """Return a search in which the modes that are left out find nothing."""
    modes = _modes(without)
    return _Without(search, modes) if modes else search


def _modes(without: Collection[Switch]) -> list[Mode]:
    return [mode for mode in _OTHER if mode in without]


@dataclass(frozen=True)
class _Updated:
    """Does a node's work and changes what comes of it, but for small talk and what is refused."""

    node: Node
    changes: Mapping[str, Any]

    async def __call__(self, state: Any, runtime: Runtime[RunContext]) -> dict[str, Any]:
        update = await self.node(state, runtime)
        return update if update.get("route") in ("greet", "refuse") else {**update, **self.changes}


@dataclass(frozen=True)
class _OutOfContext:
    """Understands a question without what was said before it."""

    node: Node

    async def __call__(self, state: Any, runtime: Runtime[RunContext]) -> dict[str, Any]:
        return await self.node({**state, "messages": []}, runtime)


@dataclass(frozen=True)
class _Unsifted:
    """Opens a desk on which nothing is put aside."""

    guard: Node
    desks: Desks

    async def __call__(self, state: Any, runtime: Runtime[RunContext]) -> dict[str, Any]:
        update = await self.guard(state, runtime)
        self.desks[update["desk"]].sifts = False
        return update


@dataclass(frozen=True)
class _AllPass:
    """Judges sentences, and lets all of them pass."""

    ground: Node
    desks: Desks

    async def __call__(self, state: Any, runtime: Runtime[RunContext]) -> dict[str, Any]:
        update = await self.ground(state, runtime)
        return {**update, "verdict": "emit"} if self.desks[state["desk"]].sentence else update


@dataclass(frozen=True)
class _Dropped:
    """Drops a sentence that is not supported, instead of repairing it."""

    desks: Desks

    async def __call__(self, state: Any, runtime: Runtime[RunContext]) -> dict[str, Any]:
        desk = self.desks[state["desk"]]
        desk.sentence, desk.dropped = None, desk.dropped + 1
        return {}


class _Unscreened(Validate):
    """Hands sentences out as they are."""

    def _screened(self, sentence: Sentence) -> tuple[Claim | None, str]:
        claim = Claim(text=sentence.text, verdict=sentence.verdict, score=sentence.score, citations=sentence.citations)
        return claim, ""

    def _shown(self, citation: Citation) -> tuple[Citation, set[str]]:
        return citation, set()


@dataclass(frozen=True)
class _Without:
    """A search that finds nothing by some modes."""

    search: Search
    modes: Collection[Mode]

    async def rank(
        self, principal: Principal, question: str, mode: Mode, *, k: int, filters: Filters | None = None
    ) -> list[int]:
        if mode in self.modes:
            return []
        return await self.search.rank(principal, question, mode, k=k, filters=filters)

    async def read(self, principal: Principal, slots: Sequence[int]) -> Mapping[int, Passage]:
        return await self.search.read(principal, slots)
