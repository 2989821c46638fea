"""Answers as chat messages, for clients that speak in messages: the text, and its footnotes beside it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from langchain_core.messages import AIMessage

from state.answer import Answer


def answer_message(answer: Answer, documents: Iterable[UUID], identity: str | None = None) -> AIMessage:
    """Return an answer as a message. ``documents`` are what its words, and those before it, were made from."""
    beside = message_kwargs(answer, documents)
    return AIMessage(answer.answer, id=identity, additional_kwargs=beside)


def message_kwargs(answer: Answer, documents: Iterable[UUID]) -> dict[str, Any]:
    """Return what stands beside the text of an answer's message.

    ``citations`` are in the form of LangChain's citation annotations: the place of the cited sentence in the text, and
    under ``extras`` the footnote itself with the verdict on the sentence.
    """
    return {
        "documents": sorted(map(str, documents)),
        "citations": _annotations(answer),
        "abstained": answer.abstained,
        "confidence": answer.confidence.model_dump(mode="json"),
        "receipt": None if answer.receipt is None else str(answer.receipt),
    }


def _annotations(answer: Answer) -> list[dict[str, Any]]:
    annotations = []
    end = 0
    for claim in answer.claims:
        start = max(answer.answer.find(claim.text, end), 0)
        end = start + len(claim.text)
        for citation in claim.citations:
            footnote = citation.model_dump(mode="json", exclude={"title", "quote"})
            annotations.append(
                {
                    "type": "citation",
                    "title": citation.title,
                    "start_index": start,
                    "end_index": end,
                    "cited_text": citation.quote,
                    "extras": {**footnote, "verdict": claim.verdict},
                }
            )
    return annotations
