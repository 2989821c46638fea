"""The extractive writer: answers in sentences of the documents, word for word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from models.sentence_scorer import select_sentences
from state.evidence import Passage
from state.ports import SentenceScorer


class ExtractiveWriter:
    """Picks the sentences that answer best and says them verbatim, the best one first."""

    name = "extractive writer 1"

    def __init__(self, scorer: SentenceScorer) -> None:
        self._scorer = scorer

    async def sentences(self, question: str, passages: Sequence[Passage], limit: int) -> AsyncIterator[str]:
        """Yield up to ``limit`` sentences of the passages; ``passages`` come best first."""
        scores = await asyncio.to_thread(self._scorer.sentence_scores, question, passages)
        for passage, sentence in select_sentences(question, passages, scores, limit):
            yield passages[passage].sentence_texts()[sentence]
