"""What leaves the system: answers, their claims and citations, and the receipt that lets anyone check them later."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Verdict = Literal["supported", "partly", "unsupported", "contradicted"]
Level = Literal["high", "medium", "low"]


def quote_hash(quote: str) -> str:
    """Return the SHA-256 of a quote's UTF-8 bytes, in hexadecimal."""
    return hashlib.sha256(quote.encode()).hexdigest()


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Citation(_Frozen):
    """A footnote: ``stored_text[start:end] == quote`` for that version of that document.

    ``n`` is the footnote's number in the answer; ``page`` is None where the format has no pages.
    """

    n: int
    document_id: UUID
    version: int
    title: str
    source: str
    page: int | None
    start: int
    end: int
    quote: str
    sha256: str


class Claim(_Frozen):
    """A sentence of an answer, how well its citations support it (``score`` in 0..1), and the citations."""

    text: str
    verdict: Verdict
    score: float
    citations: list[Citation]


class Confidence(_Frozen):
    """How sure an answer is: ``score`` in 0..1, its level, and what lowered it."""

    level: Level
    score: float
    lowered_by: list[str] = []


class Answer(_Frozen):
    """An answer as every face gives it. ``timings`` are milliseconds a step; ``nearest`` is set when abstaining."""

    answer: str
    abstained: bool
    claims: list[Claim]
    confidence: Confidence
    route: str
    degraded: list[str]
    timings: dict[str, float]
    usage: dict[str, int]
    receipt: UUID | None
    nearest: list[Citation] = []


class SpanRecord(_Frozen):
    """A cited span as a receipt keeps it: the hash, not the words."""

    n: int
    document_id: UUID
    version: int
    source: str
    start: int
    end: int
    sha256: str


class ClaimRecord(_Frozen):
    """A claim as a receipt keeps it."""

    sha256: str
    verdict: Verdict
    score: float
    spans: list[SpanRecord]


class RankRecord(_Frozen):
    """A passage that took part, with its rank (from 1) in each stage."""

    chunk_id: int
    document_id: UUID
    version: int
    start: int
    end: int
    ranks: dict[str, int]


class Receipt(_Frozen):
    """How an answer was made. Everything needed to check it again, without the words of any document."""

    id: UUID
    created_at: datetime
    question: str
    route: str
    route_reason: str
    abstained: bool
    claims: list[ClaimRecord]
    dropped: int
    passages: list[RankRecord]
    parts: dict[str, str] = Field(description="Which embedder, reranker, writer, verifier and prompts ran.")
    confidence: Confidence
    degraded: list[str]
    timings: dict[str, float]
    usage: dict[str, int]


class SpanCheck(_Frozen):
    """What verifying one span found: whether the text is still the cited one, and what has changed since."""

    n: int
    source: str
    holds: bool
    note: str


class Verification(_Frozen):
    """The outcome of checking a receipt: ``holds`` if every span still has the cited text."""

    receipt: UUID
    holds: bool
    spans: list[SpanCheck]

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return self.model_dump(mode="json")
