"""enhance: find more ways to search for what is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from langgraph.runtime import Runtime
from pydantic import BaseModel

from nodes.deadline import affords, left_out
from nodes.desk import Desk, Desks
from nodes.fuse import DEPTH
from prompts import fenced, load_prompt
from state.errors import ChatUnavailable, ModelUnavailable, StoreMisconfigured, StoreUnavailable
from state.evidence import Mode
from state.filters import Filters
from state.ports import ChatModel, Search, Shape, Source
from state.run import AskState, Enhancement, Leg, Preset, RunContext
from text.forms import question_form
from text.politeness import without_politeness
from tools.expansion import parts_of, related_words, unquoted
from tools.routing import SEARCHES
from tools.sources import chosen

PRESETS: dict[Preset, tuple[Enhancement, ...]] = {
    "minimal": (),
    "balanced": ("asked", "parts"),
    "comprehensive": ("asked", "parts", "expansion", "variants", "hypothetical"),
    "custom": (),
}
# Of a further query in the fusion, beside 1 for the question. Measured without a chat model, fused with equal weights:
#   asked (a rewritten question as it was asked, too): R@5 on the 88 MTRAG pairs with a passage 0.747 -> 0.766 (weight
#     0.25: 0.747, 1: 0.757; what people wrote: 0.750)
#   parts (names, the first passage of each only): R@5 / nDCG@10 on MuSiQue's 100 questions 0.610 / 0.656 -> 0.632 /
#     0.676, HotpotQA's 0.825 / 0.827 -> 0.825 / 0.827; the first three: R@5 0.620, 0.820; all fifty: 0.594, 0.795
#   expansion (words of the first passages): MuSiQue 0.610 / 0.656 -> 0.574 / 0.637, HotpotQA 0.755 / 0.763 -> 0.765 /
#     0.765, no change on CLAPnq and look-ups: only on demand
WEIGHTS: dict[Enhancement, float] = {
    "asked": 0.5,
    "parts": 0.5,
    "expansion": 0.5,
    "variants": 0.5,
    "hypothetical": 0.5,
}
# Other questions get these with `comprehensive` only. Since hops follow names, parts add nothing to MuSiQue's R@5 and
# 0.005 to HotpotQA's; and a name that a question says beside what it is about draws in the wrong passage: XQuAD's
# nDCG@10 was 0.964 with them and 0.974 without.
FOR_COMPARISONS: tuple[Enhancement, ...] = ("parts",)
_MODES: dict[Enhancement, tuple[Mode, ...]] = {"expansion": ("lexical",), "hypothetical": ("vector",)}
_MOST_HITS: dict[Enhancement, int] = {"parts": 1}  # what a name means is the passage that has it for its subject
_MOST_QUERIES = 4  # of one enhancement
_MOST_READ = 50  # passages that words to search for are taken from
_MOST_CHARS = 1000  # of one query


class Queries(BaseModel):
    """What a chat model would search for."""

    queries: list[str]


class Paragraph(BaseModel):
    """What a chat model thinks that an answer might look like."""

    paragraph: str


@dataclass(frozen=True)
class Enhance:
    """Degrades: an enhancement that fails or takes longer than ``seconds`` is left out, noted; the question is not.

    Without a chat model, those that need one are passed over in silence: they are no part of that configuration.
    ``without`` names what evaluations leave out.
    """

    desks: Desks
    search: Search
    chat: ChatModel | None
    sources: tuple[Source, ...]
    seconds: float
    without: frozenset[str] = frozenset()

    async def __call__(self, state: AskState, runtime: Runtime[RunContext]) -> dict[str, Any]:
        """Put further queries on the desk; return the searches to make, and whether wider ones would be left then."""
        desk = self.desks[state["desk"]]
        context = (runtime.context or RunContext()).clamped()
        wanted = context.enhancements if context.preset == "custom" else PRESETS[context.preset]
        if context.preset == "balanced" and question_form(desk.question) != "comparison":
            wanted = tuple(name for name in wanted if name not in FOR_COMPARISONS)
        wanted = tuple(name for name in wanted if name not in self.without)
        modes, notes = SEARCHES[state["route"]], []
        legs = [Leg(desk=state["desk"], mode=mode, query=0) for mode in modes]
        wider = len(modes) == 1 or desk.question != desk.asked
        if desk.filters == Filters():  # a filter asks for certain documents
            known = chosen(desk.question, self.sources)
            legs += elsewhere(state["desk"], known)
            wider = wider or len(known) < len(self.sources)
        if wanted and not affords(desk, "enhance"):
            return {"legs": legs, "wider": wider, "degraded": [left_out("enhancement")]}
        ways: dict[Enhancement, Callable[[Desk], Awaitable[list[str]]]] = {
            "asked": _asked_before_rewriting,
            "parts": self._parts,
            "expansion": self._expansion,
            "variants": self._variants,
            "hypothetical": self._hypothetical,
        }
        made = await asyncio.gather(*(self._tried(desk, name, ways[name]) for name in wanted))
        for name, (queries, note) in zip(wanted, made, strict=True):
            notes += [note] if note else []
            for number in added(desk, queries[:_MOST_QUERIES]):
                legs += [
                    Leg(
                        desk=state["desk"],
                        mode=mode,
                        query=number,
                        weight=WEIGHTS[name],
                        most=_MOST_HITS.get(name, DEPTH),
                    )
                    for mode in _MODES.get(name, modes)
                ]
        return {"legs": legs, "wider": wider, "degraded": notes}

    async def _tried(
        self, desk: Desk, name: Enhancement, way: Callable[[Desk], Awaitable[list[str]]]
    ) -> tuple[list[str], str]:
        """Return the queries that an enhancement gives, and a note if it failed."""
        try:
            async with asyncio.timeout(min(self.seconds, max(desk.seconds_left(), 0.0))):
                return await way(desk), ""
        except TimeoutError:
            return [], f"{name} was left out: it took more than {self.seconds:g} s"
        except (ChatUnavailable, ModelUnavailable, StoreMisconfigured, StoreUnavailable) as error:
            return [], f"{name} was left out: {error}"

    async def _parts(self, desk: Desk) -> list[str]:
        by_rules = parts_of(desk.question)
        if by_rules or self.chat is None:
            return by_rules
        return (await self._asked(self.chat, desk, "decompose", Queries)).queries

    async def _expansion(self, desk: Desk) -> list[str]:
        found = await self.search.rank(desk.principal, desk.question, "lexical", k=_MOST_READ, filters=desk.filters)
        read = await self.search.read(desk.principal, found)
        passages = [read[slot] for slot in found if slot in read]
        words = await asyncio.to_thread(related_words, desk.question, passages)
        return [f"{desk.question} {' '.join(words)}"] if words else []

    async def _variants(self, desk: Desk) -> list[str]:
        return (await self._asked(self.chat, desk, "variants", Queries)).queries if self.chat else []

    async def _hypothetical(self, desk: Desk) -> list[str]:
        return [(await self._asked(self.chat, desk, "hypothetical", Paragraph)).paragraph] if self.chat else []

    async def _asked(self, chat: ChatModel, desk: Desk, prompt: str, schema: type[Shape]) -> Shape:
        given = fenced([("question", desk.question)])
        return await chat.structured(load_prompt(prompt).text, given, schema, desk.usage, seconds=self.seconds)


async def _asked_before_rewriting(desk: Desk) -> list[str]:
    return [unquoted(without_politeness(desk.asked))] if desk.asked else []


def elsewhere(desk: str, sources: Sequence[Source]) -> list[Leg]:
    """Return a search in each of these sources."""
    return [Leg(desk=desk, mode="hybrid", query=0, source=source.name) for source in sources]


def added(desk: Desk, queries: Sequence[str]) -> list[int]:
    """Put queries that are new on the desk; return their numbers."""
    numbers = []
    for query in queries:
        text = " ".join(query.split())[:_MOST_CHARS]
        if any(map(str.isalnum, text)) and text not in desk.queries:
            numbers.append(len(desk.queries))
            desk.queries.append(text)
    return numbers
