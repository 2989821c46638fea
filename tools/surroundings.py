"""A cited span with the text around it, as whoever asks may read it now."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from state.answer import Citation, SpanRecord
from state.errors import NotFound
from state.principal import Principal
from store.database import Database
from store.originals import stored_page
from store.spans import SpanKey, StoredSpan, read_spans

AROUND = 900
"""Characters shown before and after what is cited, at most."""
_BREAKS = ("\n\n", "\n", " ")  # where the shown text may begin or end: the first of them that is near enough


class Surroundings(BaseModel):
    """``before + cited + after`` is stored text of that version, which begins and ends at a break if it is cut."""

    model_config = ConfigDict(frozen=True)

    document_id: UUID
    title: str
    source: str
    version: int
    page: int | None
    before: str
    cited: str
    after: str


async def surroundings(
    database: Database, principal: Principal, cited: Citation | SpanRecord | SpanKey
) -> Surroundings:
    """Return the stored text around what is cited. Raises `NotFound` when it is gone, or not the principal's to see."""
    first = max(cited.start - AROUND, 0)
    before = SpanKey(cited.document_id, cited.version, first, cited.start)
    words = SpanKey(cited.document_id, cited.version, cited.start, cited.end)
    after = SpanKey(cited.document_id, cited.version, cited.end, cited.end + AROUND)
    async with database.session(principal) as connection:
        found = await read_spans(connection, [before, words, after])
        page = await stored_page(connection, cited.document_id, cited.version, cited.start)
    span = found.get(words)
    if span is None or not span.text or len(span.text) != cited.end - cited.start:
        raise NotFound("What is cited here is gone, or no longer yours to see.")
    tail = _text(found[after])
    return Surroundings(
        document_id=cited.document_id,
        title=span.title,
        source=span.source,
        version=cited.version,
        page=page.page.number if page else None,
        before=_from_break(_text(found[before])) if first else _text(found[before]),
        cited=span.text,
        after=_to_break(tail) if len(tail) == AROUND else tail,
    )


def _text(span: StoredSpan) -> str:
    return span.text or ""


def _from_break(text: str) -> str:
    """Return a text from its first break on that leaves at least half of it."""
    for mark in _BREAKS:
        place = text.find(mark, 0, len(text) // 2)
        if place >= 0:
            return text[place + len(mark) :]
    return text


def _to_break(text: str) -> str:
    """Return a text up to its last break that leaves at least half of it."""
    for mark in _BREAKS:
        place = text.rfind(mark, len(text) // 2)
        if place >= 0:
            return text[:place]
    return text
