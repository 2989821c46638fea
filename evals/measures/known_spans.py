"""Whether an answer cites the span that is known to answer its question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from state.answer import Answer


def cited_places(answer: Answer) -> list[dict[str, Any]]:
    """Return where an answer's citations lie, as JSON values: document (its source), version, start, end."""
    return [
        {"document": one.source, "version": one.version, "start": one.start, "end": one.end}
        for claim in answer.claims
        for one in claim.citations
    ]


def span_scores(reference: Mapping[str, Any], places: list[dict[str, Any]]) -> dict[str, float]:
    """Return ``span_recall``: 1 if a citation overlaps the known span, else 0.

    Nothing without a known span, and where the cited version of its document is another one: its characters are counted
    in a text that has changed.
    """
    span = reference.get("span")
    if not span:
        return {}
    same = [place for place in places if place["document"] == span["document"]]
    if any(place["version"] != span["version"] for place in same):
        return {}
    return {"span_recall": float(any(place["start"] < span["end"] and span["start"] < place["end"] for place in same))}


def read_span(value: object, key: str) -> dict[str, Any]:
    """Return the known span of a row as `make_questions` writes it. Raises `ValueError`."""
    if isinstance(value, Mapping):
        document, *numbers = (value.get(name) for name in ("document", "version", "start", "end"))
        if isinstance(document, str) and all(type(number) is int for number in numbers):
            return {"document": document, **dict(zip(("version", "start", "end"), numbers, strict=True))}
    raise ValueError(f"the span of row {key} needs document, version, start and end")
