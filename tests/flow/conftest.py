"""The whole graph on fakes behind its ports: what is tested is where a run goes, and what gets through."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from graph.builder import AskGraph, Parts, build_graph
from models.pii import PresidioFinder
from state.answer import Receipt, Verdict
from state.documents import Span
from state.errors import FootnoteError, ModelUnavailable
from state.evidence import Mode, Passage
from state.filters import Filters
from state.identity import signed_in
from state.principal import Principal
from state.run import RunContext

TEXT = "The bridge opened in 1932. It is painted grey every ten years. Tolls ended in 1988."
PRINCIPAL = Principal("local", "ann")


def passage(text: str = TEXT, number: int = 1) -> Passage:
    """A passage that begins at character 100 of its document, with sentences cut at full stops."""
    spans, start = [], 0
    for piece in text.split(". "):
        spans.append(Span(100 + start, 100 + min(start + len(piece) + 1, len(text))))
        start += len(piece) + 2
    return Passage(
        chunk_id=number, document_id=UUID(int=number), version=1, title="Bridge", source="/docs/bridge.md", headings=(),
        first_page=0, last_page=0, start=100, end=100 + len(text), text=text, sentences=tuple(spans), language="en",
    )  # fmt: skip


@dataclass
class Fakes:
    """Settings of every fake, and what they saw."""

    found: dict[str, list[Passage]] = field(default_factory=lambda: {"lexical": [passage()], "vector": [passage()]})
    relevance: float = 0.9
    written: Sequence[str] = ("The bridge opened in 1932.",)
    broken_vectors: bool = False
    broken: dict[str, FootnoteError] = field(default_factory=dict)
    broken_reranker: bool = False
    reranked: int = 0
    searched: list[tuple[str, str]] = field(default_factory=list)
    principals: list[Principal] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    aligned: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    verdicts: dict[str, tuple[Verdict, float]] = field(default_factory=dict)

    name = "fake"

    async def rank(
        self, principal: Principal, question: str, mode: Mode, *, k: int, filters: Filters | None
    ) -> list[int]:
        self.searched.append((mode, question))
        self.principals.append(principal)
        if mode == "vector" and self.broken_vectors:
            raise ModelUnavailable("The model is gone.")
        if mode in self.broken:
            raise self.broken[mode]
        return [one.chunk_id for one in self.found.get(mode, [])]

    async def read(self, principal: Principal, slots: Sequence[int]) -> dict[int, Passage]:
        return {one.chunk_id: one for found in self.found.values() for one in found if one.chunk_id in slots}

    def open(self) -> None:
        """Nothing to load."""

    def scores(self, question: str, passages: Sequence[Passage]) -> list[float]:
        self.reranked += 1
        if self.broken_reranker:
            raise RuntimeError("out of memory")
        return [1.0 / (rank + 1) for rank in range(len(passages))]

    async def sentences(self, question: str, passages: Sequence[Passage], limit: int) -> AsyncIterator[str]:
        for text in self.written[:limit]:
            yield text

    def verify(self, claim: str, evidence: Sequence[str]) -> tuple[Verdict, float]:
        if claim in self.verdicts:
            return self.verdicts[claim]
        return ("supported", 1.0) if any(claim in text for text in evidence) else ("unsupported", 0.0)

    def align(self, claim: str, passages: Sequence[Passage], marked: Collection[int] = ()) -> list[tuple[int, int]]:
        return list(self.aligned.get(claim, []))

    async def keep(
        self, principal: Principal, receipt: Receipt, words: Sequence[str] = (), documents: Collection[UUID] = ()
    ) -> None:
        if "receipts" in self.broken:
            raise self.broken["receipts"]
        self.receipts.append(receipt)


class _Judge:
    def __init__(self, fakes: Fakes) -> None:
        self._fakes = fakes
        self.threshold = 0.5

    def relevance(self, question: str, passages: Sequence[Passage]) -> float:
        if self._fakes.broken_vectors:
            raise ModelUnavailable("The model is gone.")
        return self._fakes.relevance


@pytest.fixture
def fakes() -> Fakes:
    return Fakes()


def parts_of(fakes: Fakes) -> Parts:
    """The parts of a graph that stands on fakes."""
    return Parts(
        search=fakes,
        rerankers=(fakes,),
        judge=_Judge(fakes),
        writer=fakes,
        verifier=fakes,
        aligner=fakes,
        finder=PresidioFinder(),
        receipts=fakes,
        names={"writer": "fake"},
    )


@pytest.fixture
def parts(fakes: Fakes) -> Parts:
    return parts_of(fakes)


@pytest.fixture
def graph(parts: Parts) -> AskGraph:
    return build_graph(parts)


Ask = Callable[..., Any]


@pytest.fixture
def ask(graph: AskGraph) -> Ask:
    """Ask as Ann; returns the answer and the custom events that were streamed."""

    async def run(
        question: str, context: RunContext | None = None, **more: Any
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        events: list[dict[str, Any]] = []
        answer: dict[str, Any] = {}
        with signed_in(PRINCIPAL):
            asked: Any = {"question": question, **more}
            modes: Any = ["custom", "values"]
            event: Any
            async for event in graph.astream(asked, context=context or RunContext(), stream_mode=modes):
                if event[0] == "custom":
                    events.append(event[1])
                else:
                    answer = event[1].get("answer") or answer
        return answer, events

    return run
