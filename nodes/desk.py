"""The desk of a run: texts, rankings and the sentence in flight, kept out of the graph's state.

Whatever is in the state appears in streams and checkpoints; what lies on the desk does not. The state holds the
desk's key only. A desk is cleared when its answer is done; runs that broke off lose theirs when many others follow.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from nodes.pace import Pace
from state.answer import Citation, Claim, Verdict
from state.errors import FootnoteError
from state.evidence import Hit, Passage
from state.filters import Filters
from state.memory import Recalled, Ticket
from state.principal import Principal
from state.usage import Usage

_MOST_DESKS = 512
_LEFT_AFTER = 0.7  # seconds without a step after which a run is taken to have been left


@dataclass(slots=True)
class Clause:
    """A clause of the sentence in flight: what it rests on, and how well that supports it."""

    text: str
    citations: list[Citation]
    verdict: Verdict = "unsupported"
    score: float = 0.0


@dataclass(slots=True)
class Sentence:
    """A sentence on its way to the reader: written, then cited, then judged.

    ``template`` names the prompt file that it is, for sentences that claim nothing; a ``repaired`` one is in its
    second wording, and gets no third.
    """

    text: str
    template: str = ""
    citations: list[Citation] = field(default_factory=list)
    verdict: Verdict = "unsupported"
    score: float = 0.0
    clauses: list[Clause] = field(default_factory=list)
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Hop:
    """A further search that what was found led to: its question, what was missing, and the documents it came from."""

    question: str
    missing: str = ""
    documents: list[UUID] = field(default_factory=list)


@dataclass(slots=True)
class Desk:
    """Everything of one run that must not be in its state. ``failures`` are of searches that were left out, by mode.

    ``message`` is the id of the message that the answer becomes.
    ``asked`` is the question as it came, ``question`` as it stands alone; ``queries`` are what is searched for, the
    question first, ``weights`` what their ``rankings`` count for in the fusion if not 1; ``until`` is the moment
    (`time.monotonic`) at which the answer is due, infinite without a deadline; ``pace`` is what the steps up to then
    are reckoned to take.
    ``ran`` names the parts that ran where that may differ from what is configured (``reranker``, ``writer``).
    ``excerpts`` are what a chat model reads of the evidence, as labels with its numbers and texts. ``calls`` is whether
    ``source`` may hold a call of a chat model open, and ``watch`` what ends it when the run was left.
    ``ticket`` is the answer's place in the cache, ``recalled`` what was found there. ``aside`` are the
    chunks that quarantine has left out, ``nearest`` what is offered when there is no answer;
    ``sifts`` is whether it does so at all: evaluations alone turn it off.
    """

    principal: Principal
    question: str
    filters: Filters
    asked: str = ""
    message: str = field(default_factory=lambda: str(uuid4()))
    queries: list[str] = field(default_factory=list)
    until: float = math.inf
    usage: Usage = field(default_factory=Usage)
    pace: Pace = field(default_factory=lambda: Pace({}))
    ran: dict[str, str] = field(default_factory=dict)
    hops: list[Hop] = field(default_factory=list)
    ticket: Ticket | None = None
    recalled: Recalled | None = None
    rankings: dict[str, list[int]] = field(default_factory=dict)
    live: dict[int, Passage] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    failures: dict[str, FootnoteError] = field(default_factory=dict)
    ranked: list[Hit] = field(default_factory=list)
    evidence: list[Hit] = field(default_factory=list)
    excerpts: list[tuple[str, str]] = field(default_factory=list)
    source: AsyncIterator[str] | None = None
    calls: bool = False
    watch: asyncio.TimerHandle | None = None
    template: str = ""
    sentence: Sentence | None = None
    claims: list[Claim] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    dropped: int = 0
    nearest: list[Citation] = field(default_factory=list)
    aside: set[int] = field(default_factory=set)
    sifts: bool = True

    def seconds_left(self) -> float:
        """Return how long the answer may still take."""
        return self.until - time.monotonic()


class Desks:
    """The desks of the runs under way."""

    def __init__(self, pace: Pace | None = None) -> None:
        self.pace = pace or Pace({})
        self._desks: OrderedDict[str, Desk] = OrderedDict()
        self._stopping: set[asyncio.Task[None]] = set()

    def open(self, desk: Desk) -> str:
        """Take a desk for a run; return its key."""
        key = secrets.token_hex(8)
        desk.pace = self.pace
        self._desks[key] = desk
        while len(self._desks) > _MOST_DESKS:
            self._desks.popitem(last=False)
        return key

    def __getitem__(self, key: str) -> Desk:
        return self._desks[key]

    def busy(self, key: str) -> None:
        """Say that a step of the run begins."""
        desk = self._desks.get(key)
        if desk is not None and desk.watch is not None:
            desk.watch.cancel()
            desk.watch = None

    def idle(self, key: str) -> None:
        """Say that a step has ended. If none follows, the run was left, and the chat model that writes is stopped.

        Nobody tells a run's nodes that it was cancelled between two of them. One that only waits for a slow reader
        goes on all the same: the chat model is asked for the rest.
        """
        desk = self._desks.get(key)
        if desk is not None and desk.source is not None and desk.calls:
            loop = asyncio.get_running_loop()
            desk.watch = loop.call_later(_LEFT_AFTER, lambda: self._stopping.add(loop.create_task(self.abandon(key))))

    async def abandon(self, key: str) -> None:
        """Stop whatever writes."""
        self._stopping = {task for task in self._stopping if not task.done()}
        desk = self._desks.get(key)
        source, watched = (desk.source, desk.calls) if desk is not None else (None, False)
        if desk is not None and isinstance(source, AsyncGenerator) and watched:
            desk.source = None
            with contextlib.suppress(RuntimeError):  # it is being stopped already, where it was waited for
                await source.aclose()

    def close(self, key: str) -> None:
        """Clear a desk."""
        self._desks.pop(key, None)
