"""A cited span with the text around it, as whoever asks may read it now."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from state.answer import Citation, SpanRecord
from state.errors import NotFound
from state.principal import Principal
from store.database import Database
from store.originals import stored_page
from store.spans import SpanKey, StoredSpan, read_spans
from tools.screening import Screen, shown

AROUND = 900
"""Characters shown before and after what is cited, at most."""
_BREAKS = ("\n\n", "\n", " ")  # where the shown text may begin or end: the first of them that is near enough


_MARGIN = 100  # characters looked at beyond what is shown, so that a number cut at its edge is known for one


class Surroundings(BaseModel):
    """``before + cited + after`` is stored text of that version, which begins and ends at a break if it is cut.

    What the policy on personal data keeps out of answers is masked in it, and so in title and source.
    """

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
    database: Database, principal: Principal, cited: Citation | SpanRecord | SpanKey, screen: Screen
) -> Surroundings:
    """Return the stored text around what is cited. Raises `NotFound` when it is gone, or not the principal's to see."""
    first, wide = max(cited.start - AROUND, 0), max(cited.start - AROUND - _MARGIN, 0)
    before = SpanKey(cited.document_id, cited.version, wide, cited.start)
    words = SpanKey(cited.document_id, cited.version, cited.start, cited.end)
    after = SpanKey(cited.document_id, cited.version, cited.end, cited.end + AROUND + _MARGIN)
    async with database.session(principal) as connection:
        found = await read_spans(connection, [before, words, after])
        page = await stored_page(connection, cited.document_id, cited.version, cited.start)
    span = found.get(words)
    if span is None or not span.text or len(span.text) != cited.end - cited.start:
        raise NotFound("What is cited here is gone, or no longer yours to see.")
    lead, tail = _text(found[before]), _text(found[after])
    near, rest = lead[first - wide :], tail[:AROUND]
    start = len(lead) - len(_from_break(near) if first else near)
    end = len(lead) + len(span.text) + len(_to_break(rest) if len(rest) == AROUND else rest)
    parts = (start, len(lead), len(lead) + len(span.text), end)
    texts = await asyncio.to_thread(_screened, screen, lead + span.text + tail, parts)
    title, source = await asyncio.to_thread(lambda: [screen.masked(text)[0] for text in (span.title, span.source)])
    return Surroundings(
        document_id=cited.document_id,
        title=title,
        source=source,
        version=cited.version,
        page=page.page.number if page else None,
        before=texts[0],
        cited=texts[1],
        after=texts[2],
    )


def _screened(screen: Screen, text: str, places: Sequence[int]) -> list[str]:
    """Return the parts of a text between places in it, with what may not be shown masked."""
    hidden = screen.hidden(text)
    return [shown(text, hidden, start, end) for start, end in pairwise(places)]


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
