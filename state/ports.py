"""What nodes, tools and ingestion need of the neural parts, as protocols. The classes behind them are in `models`.

Implementations are synchronous and CPU-bound: callers run them in an executor. They have a light constructor and load
at the first use or at ``open()``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Protocol, TypeVar
from uuid import UUID

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel

from state.answer import Receipt, Verdict
from state.evidence import Hit, Mode, Passage
from state.filters import Filters
from state.principal import Principal
from state.screening import Sensitive
from state.usage import Usage

Vectors = npt.NDArray[np.float32]
Shape = TypeVar("Shape", bound=BaseModel)


class Embedder(Protocol):
    """Turns text into unit vectors of ``dimension`` float32 values.

    ``space`` names the embedding space (model and dimension): vectors of different spaces are never compared.
    """

    @property
    def space(self) -> str:
        """Name of the embedding space."""

    @property
    def dimension(self) -> int:
        """Number of values of a vector."""

    def open(self) -> None:
        """Load the model. Raises `ModelUnavailable`."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, shape ``(len(texts), dimension)``, in the order given."""


class TokenCounter(Protocol):
    """Counts and locates the embedding model's tokens, without loading the model."""

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that the model reads, special ones left out."""

    def count(self, text: str) -> int:
        """Return the number of tokens, special ones left out."""

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Return each token's ``(start, end)`` in the text, special ones left out, nothing truncated."""


class Reranker(Protocol):
    """Orders passages by how well they answer a question."""

    @property
    def name(self) -> str:
        """What receipts call it."""

    def open(self) -> None:
        """Load what it needs. Raises `ModelUnavailable`."""

    def scores(self, question: str, passages: Sequence[Passage]) -> list[float]:
        """Return one score a passage, higher is better. ``passages`` come in their fused order."""


class Search(Protocol):
    """Finds passages that a principal may see."""

    async def rank(
        self, principal: Principal, question: str, mode: Mode, *, k: int, filters: Filters | None
    ) -> list[int]:
        """Return the numbers (slots) of up to ``k`` passages, best first; several may say the same."""

    async def read(self, principal: Principal, slots: Sequence[int]) -> Mapping[int, Passage]:
        """Return the passages of these numbers; those that are gone, or not visible, are left out."""


class Source(Protocol):
    """Where passages come from beside the documents: a database, an API, the web.

    Its passages have version `LIVE`: they are quoted from what the source said when it was asked, and not stored.
    """

    @property
    def name(self) -> str:
        """What receipts, notes and passages call it."""

    @property
    def about(self) -> str:
        """What it knows, in words that questions for it use; what it is chosen by."""

    @property
    def fallback(self) -> bool:
        """Whether it is asked only when nothing relevant was found elsewhere."""

    async def find(self, question: str, *, k: int) -> list[Hit]:
        """Return up to ``k`` passages, best first. Raises `SourceUnavailable`."""


class RelevanceJudge(Protocol):
    """Says how probable it is that passages answer a question at all."""

    @property
    def threshold(self) -> float:
        """Probability below which nothing relevant was found."""

    def relevance(self, question: str, passages: Sequence[Passage]) -> float:
        """Return a probability; below ``threshold`` nothing relevant was found. ``passages`` come best first.

        Raises `ModelUnavailable`.
        """


class Writer(Protocol):
    """Writes an answer sentence by sentence."""

    @property
    def name(self) -> str:
        """What receipts call it."""

    def sentences(self, question: str, passages: Sequence[Passage], limit: int) -> AsyncIterator[str]:
        """Yield up to ``limit`` sentences; ``passages`` come best first."""


class ChatModel(Protocol):
    """A chat model with its retries and its fallback model behind it. Calls are counted in ``usage``.

    Text of documents goes into ``prompt`` only, fenced as data; ``system`` is a prompt file's text. Both calls raise
    `ChatUnavailable` (a failure that no retry and no fallback mended), in ``seconds`` at the latest.
    """

    @property
    def name(self) -> str:
        """What receipts call it."""

    async def structured(self, system: str, prompt: str, schema: type[Shape], usage: Usage, *, seconds: float) -> Shape:
        """Return an object of the schema, validated."""

    def stream(self, system: str, prompt: str, usage: Usage, *, seconds: float) -> AsyncIterator[str]:
        """Yield the answer's text in pieces, as they come."""


class Verifier(Protocol):
    """Judges whether evidence supports a claim."""

    @property
    def name(self) -> str:
        """What receipts call it."""

    def verify(self, claim: str, evidence: Sequence[str]) -> tuple[Verdict, float]:
        """Return the verdict and a support score in 0..1."""


class Aligner(Protocol):
    """Finds the sentences that a claim rests on."""

    def align(self, claim: str, passages: Sequence[Passage], marked: Collection[int] = ()) -> list[tuple[int, int]]:
        """Return ``(index of the passage, index of the sentence)``, best first; none if nothing comes close.

        ``marked`` are indexes of passages that the claim names itself. Raises `ModelUnavailable`.
        """


class SensitiveFinder(Protocol):
    """Finds personal data and secrets in a text."""

    def open(self) -> None:
        """Load what the first text would wait for."""

    def find(self, text: str) -> Sequence[Sensitive]:
        """Return what a text holds, in order, not overlapping."""


class ReceiptBook(Protocol):
    """Keeps receipts."""

    async def keep(
        self, principal: Principal, receipt: Receipt, words: Sequence[str] = (), documents: Collection[UUID] = ()
    ) -> None:
        """Store a receipt for the principal.

        ``words`` are the texts of its claims, ``documents`` what words of it may come from: those that are no quotes
        can be read while all these can.
        """


class SentenceScorer(Protocol):
    """Scores the sentences of passages as answers to a question."""

    def sentence_scores(self, question: str, passages: Sequence[Passage]) -> list[list[float]]:
        """Return for each passage one score per sentence, comparable over all of them, higher is better."""


class Links(Protocol):
    """Follows the links between documents, as a principal may see them."""

    async def linked(
        self, principal: Principal, question: str, hits: Sequence[Hit], *, filters: Filters | None = None
    ) -> list[Hit]:
        """Return the hits and what the question names or the first of them lead to, best first.

        A hit's rank in the stage ``found`` is what the search says for it. Raises `StoreUnavailable` or
        `StoreMisconfigured`.
        """


class Neighbours(Protocol):
    """Reads the chunks next to passages, as a principal may see them."""

    async def around(self, principal: Principal, passages: Sequence[Passage]) -> list[Passage]:
        """Return the chunks before and after the passages that are not among them.

        Raises `StoreUnavailable` or `StoreMisconfigured`.
        """
