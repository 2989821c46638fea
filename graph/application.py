"""The application as the faces use it: ask, and get the answer whole or as it passes the checks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack
from uuid import UUID

from langchain_core.messages import AnyMessage

from graph.builder import AskGraph
from ingest.pipeline import Ingester
from ingest.uploads import Uploads
from observe.questions import asking
from state.answer import Answer, Claim, Said, Step, Verification
from state.evidence import Mode
from state.identity import signed_in
from state.ports import Embedder, SensitiveFinder, TokenCounter, Verifier
from state.principal import Principal
from state.run import AskInput, RunContext
from store.database import Database
from store.feedback import Feedback
from store.keys import Keys
from store.receipts import Receipts
from store.threads import Threads
from store.verification import verify_receipt
from tools.screening import Screen
from tools.search import Searcher


class How(TypedDict, total=False):
    """How to ask: a forced kind of search, ``key=value`` filters, what else to set, and the conversation.

    ``thread`` is a kept one; ``history`` is what was said before where none keeps it.
    """

    mode: Mode | None
    filters: Sequence[str]
    context: RunContext | None
    thread: UUID | None
    history: Sequence[AnyMessage]


@dataclass(frozen=True)
class Application:
    """Everything open and wired. Its methods raise `FootnoteError` for what cannot be asked or reached.

    A question may be asked in a ``thread``, a conversation of the principal's (`Threads.begin`): then it is understood
    from what was said before, and kept with its answer.
    """

    database: Database
    embedder: Embedder
    counter: TokenCounter
    searcher: Searcher
    receipts: Receipts
    threads: Threads
    graph: AskGraph
    thread_graph: AskGraph
    keys: Keys
    feedback: Feedback
    uploads: Uploads
    verifier: Verifier
    finder: SensitiveFinder
    screen: Screen

    async def warm(self) -> None:
        """Load what the first answer would wait for: for servers, which have the time."""
        await asyncio.to_thread(self.finder.open)

    async def ask(self, principal: Principal, question: str, **how: Unpack[How]) -> Answer:
        """Answer a question as ``principal``."""
        graph, asked, run = self._run(question, how)
        with asking(_thread(how)) as watched, watched.here(), signed_in(principal):
            output = await graph.ainvoke(asked, **run)
        return Answer.model_validate(output["answer"])

    async def stream(
        self, principal: Principal, question: str, **how: Unpack[How]
    ) -> AsyncIterator[Step | Said | Answer]:
        """Yield each step as it ends, each sentence as it passes the checks, and at last the whole answer."""
        graph, asked, run = self._run(question, how)
        with asking(_thread(how)) as watched:
            with signed_in(principal):
                events: Any = graph.astream(asked, stream_mode=["custom", "updates"], **run)
            async with aclosing(events):
                while True:
                    with watched.here(), signed_in(principal):  # each time: in between, the context is the reader's
                        event = await anext(events, None)
                    if event is None:
                        return
                    for told in _told(*event):
                        yield told

    def _run(self, question: str, how: How) -> tuple[AskGraph, AskInput, dict[str, Any]]:
        """Return the graph to run, what it is given, and how it runs."""
        filters, history = list(how.get("filters", ())), list(how.get("history", ()))
        asked = AskInput(question=question, mode=how.get("mode"), filters=filters, messages=history)
        options: dict[str, Any] = {"context": how.get("context") or RunContext()}
        if (thread := _thread(how)) is None:
            return self.graph, asked, options
        # At the end only: a checkpoint a step would cost more than the steps.
        config = {"configurable": {"thread_id": thread}}
        return self.thread_graph, asked, {**options, "config": config, "durability": "exit"}

    async def verify(self, principal: Principal, receipt: UUID) -> Verification:
        """Check a receipt of the principal's against what is stored now. Raises `NotFound`."""
        kept = await self.receipts.get(principal, receipt)
        return await verify_receipt(self.database, principal, kept, self.verifier)

    def ingester(self, principal: Principal) -> Ingester:
        """Return what reads documents in for ``principal``."""
        return Ingester(self.database, self.embedder, self.counter, principal)


def _thread(how: How) -> str | None:
    thread = how.get("thread")
    return str(thread) if thread else None


def _told(kind: str, event: dict[str, Any]) -> Iterator[Step | Said | Answer]:
    if kind == "custom":
        claim = event.get("claim")
        yield Said(text=event["sentence"], claim=Claim.model_validate(claim) if claim else None)
        return
    for name, update in event.items():
        yield Step(name=name)
        if update and update.get("answer"):
            yield Answer.model_validate(update["answer"])
