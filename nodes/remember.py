"""remember: put the answer together, keep its receipt, cache it, clear the desk."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from langchain_core.messages import AIMessageChunk
from langgraph.graph.message import push_message
from langgraph.runtime import Runtime

from nodes.desk import Desk, Desks
from nodes.receipt import documents_of, make_receipt
from state.answer import Answer, Receipt
from state.errors import StoreMisconfigured, StoreUnavailable
from state.evidence import LIVE
from state.memory import AnswerCache, Cacheable
from state.messages import answer_message
from state.ports import ReceiptBook
from state.run import AskState, RunContext

_ANSWERING = ("budget", "write", "cite", "ground", "repair", "validate")  # the steps after the search
_RECALLED = ("question_class", "route", "route_reason", "relevance", "grade")  # of the state, with a cached answer


@dataclass(frozen=True)
class Remember:
    """Degrades: an answer that cannot be kept, or not with a receipt, is given all the same, noted.

    ``parts`` names what answered: embedder, reranker, writer, verifier. ``notes`` are those that every answer has: one
    with no other notes is cached.
    """

    desks: Desks
    receipts: ReceiptBook
    parts: Mapping[str, str]
    cache: AnswerCache | None = None
    notes: tuple[str, ...] = ()

    async def __call__(self, state: AskState, runtime: Runtime[RunContext]) -> dict[str, Any]:
        """Return the answer."""
        desk = self.desks[state["desk"]]
        context = (runtime.context or RunContext()).clamped()
        degraded = list(dict.fromkeys(state["degraded"]))
        if not desk.recalled and not desk.template:
            desk.pace.note("answer", sum(state["timings"].get(step, 0.0) for step in _ANSWERING) / 1000)
        receipt = make_receipt(state, desk, context, degraded, self.parts)
        documents = documents_of(desk, _earlier(state))
        lost, uncached = await asyncio.gather(self._keep(desk, receipt, documents), self._cache(state, desk, degraded))
        degraded += [*lost, *uncached]
        answer = Answer(
            answer=" ".join(desk.said),
            abstained=receipt.abstained,
            claims=desk.claims,
            confidence=receipt.confidence,
            route=receipt.route,
            degraded=degraded,
            timings=receipt.timings,
            usage=receipt.usage,
            receipt=None if lost else receipt.id,
            nearest=desk.nearest,
        )
        self.desks.close(state["desk"])
        message = answer_message(answer, documents, desk.message)
        # Its text has been streamed by `validate`; what stands beside it comes last.
        beside = AIMessageChunk(content="", id=desk.message, additional_kwargs=message.additional_kwargs)
        push_message(beside, state_key=None)
        return {"answer": answer.model_dump(mode="json"), "messages": [message]}

    async def _keep(self, desk: Desk, receipt: Receipt, documents: Collection[UUID]) -> list[str]:
        """Keep the receipt; return a note if that failed."""
        try:
            await self.receipts.keep(desk.principal, receipt, [claim.text for claim in desk.claims], documents)
        except (StoreUnavailable, StoreMisconfigured) as error:
            return [f"no receipt was kept: {error}"]
        return []

    async def _cache(self, state: AskState, desk: Desk, degraded: Sequence[str]) -> list[str]:
        """Keep the answer for whoever asks the same, unless something was left out; return a note if that failed."""
        if set(degraded) - set(self.notes):
            return []
        if self.cache is None or desk.ticket is None or desk.recalled or desk.template or not desk.claims:
            return []
        if any(hit.passage.version == LIVE for hit in desk.evidence):  # nothing tells when another source changes
            return []
        facts = {"state": {key: value for key, value in state.items() if key in _RECALLED}, "ran": desk.ran}
        sentences = [(claim.text, claim.citations) for claim in desk.claims]
        try:
            await self.cache.keep(desk.principal, desk.ticket, Cacheable(sentences, desk.ranked, desk.evidence, facts))
        except (StoreUnavailable, StoreMisconfigured) as error:
            return [f"the answer was not cached: {error}"]
        return []


def _earlier(state: AskState) -> list[UUID]:
    """Return the documents that the conversation so far was made from."""
    messages = state.get("messages") or []
    return [UUID(one) for message in messages for one in message.additional_kwargs.get("documents", ())]
