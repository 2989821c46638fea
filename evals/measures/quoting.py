"""Whether quotes are whole: a span that lies beside its sentence may still be quoted exactly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import UUID

from state.answer import Answer

_INSIDE = re.compile(r"[^\W\d_]{2}|\d{2}")  # two characters of one word, or of one number


def cuts_a_word(text: str, start: int, end: int) -> bool:
    """Whether characters ``start`` to ``end`` of a text begin or end inside a word."""
    return any(_INSIDE.fullmatch(text[max(0, at - 1) : at + 1]) for at in (start, end))


def whole_quotes(answer: Answer, texts: Mapping[tuple[UUID, int], str]) -> dict[str, float]:
    """Return the share of an answer's citations that cut no word, by its metric's name; nothing without citations.

    ``texts`` are the stored ones by document and version.
    """
    citations = [citation for claim in answer.claims for citation in claim.citations]
    whole = [not cuts_a_word(texts[one.document_id, one.version], one.start, one.end) for one in citations]
    return {"whole_quotes": sum(whole) / len(whole)} if whole else {}
