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

    ``n`` is the footnote's number in the answer; ``page`` is None where the format has no pages. Of a ``masked`` one,
    quote and title are shown without what may not be: span and hash are of the stored text.
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
    masked: bool = False


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
    usage: dict[str, int | float | None]
    receipt: UUID | None
    nearest: list[Citation] = []


class Step(_Frozen):
    """A step of the answer that has ended, by its name in the graph."""

    name: str


class Said(_Frozen):
    """A sentence that has passed the checks, with its footnote marks; ``claim`` is None for one that claims nothing."""

    text: str
    claim: Claim | None = None


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


class HopRecord(_Frozen):
    """A further search that what was found led to: its question, what was missing, and the documents it came from."""

    question: str
    missing: str = ""
    documents: list[UUID] = []


class DocumentRecord(_Frozen):
    """A version of a document that took part, with the SHA-256 of what it was read from, in hexadecimal."""

    id: UUID
    version: int
    content_hash: str


class Receipt(_Frozen):
    """How an answer was made. Everything needed to check it again, without the words of any document.

    ``question`` is the one searched for, ``asked`` the one that came. Words that were made from documents (a rewritten
    question, queries, questions of hops) are left out for whoever may no longer see one of them. ``passages`` that the
    answer was written from have a rank ``read``.
    """

    id: UUID
    created_at: datetime
    question: str
    asked: str = ""
    queries: list[str] = []
    hops: list[HopRecord] = []
    documents: list[DocumentRecord] = []
    prompts: dict[str, str] = {}
    settings: dict[str, Any] = {}
    cache: Literal["", "exact", "semantic"] = ""
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
    usage: dict[str, int | float | None]


class ClaimCheck(_Frozen):
    """What judging one claim again found: its verdict then and now, None where its words are not to be had."""

    number: int
    then: Verdict
    now: Verdict | None
    holds: bool
    note: str


class SpanCheck(_Frozen):
    """What verifying one span found: whether the text is still the cited one, and what has changed since."""

    n: int
    source: str
    holds: bool
    note: str


class Verification(_Frozen):
    """The outcome of checking a receipt: ``holds`` if every span still has the cited text and supports its claim.

    ``changes`` say what is different since without making it wrong: documents, prompts, models.
    """

    receipt: UUID
    holds: bool
    spans: list[SpanCheck]
    claims: list[ClaimCheck] = []
    changes: list[str] = []

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return self.model_dump(mode="json")
