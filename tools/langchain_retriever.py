"""A LangChain retriever as a source beside the documents."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from state.errors import SourceUnavailable
from state.evidence import Hit
from tools.sources import as_hits, live_passage

if TYPE_CHECKING:
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever


@dataclass(frozen=True)
class RetrieverSource:
    """Asks a retriever. What it finds is quoted and checked like stored passages, and not stored.

    A document's ``source`` and ``title`` are taken from its metadata. ``about`` are words that questions for it use;
    without any, it is asked every question.
    """

    retriever: BaseRetriever
    name: str = "retriever"
    about: str = ""
    fallback: bool = False

    async def find(self, question: str, *, k: int) -> list[Hit]:
        """Return up to ``k`` passages, best first. Raises `SourceUnavailable`."""
        try:
            documents = await self.retriever.ainvoke(question)
        except Exception as error:  # each retriever raises its own
            raise SourceUnavailable(f"{self.name} failed: {type(error).__name__}.") from error
        return await asyncio.to_thread(self._hits, documents[:k], k)

    def _hits(self, documents: Sequence[Document], k: int) -> list[Hit]:
        passages = [
            live_passage(self.name, self._uri(number, one), str(one.metadata.get("title") or ""), one.page_content)
            for number, one in enumerate(documents, start=1)
        ]
        return as_hits(self.name, passages, k)

    def _uri(self, number: int, document: Document) -> str:
        return str(document.metadata.get("source") or document.id or f"result {number}")
