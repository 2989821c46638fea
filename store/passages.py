"""Stored chunks as passages, read under row-level security."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from state.documents import Span
from state.evidence import Passage
from store.database import Connection
from store.texts import CHUNK_TEXT, PIECE_OF_CHUNK

# Each look-up is a sub-select with a limit: joined, the planner takes a tenant's rows to be few and reads them all.
_BY_SLOT = f"""
    select c.id, c.document_id, c.version, d.title, d.source, c.headings, c.first_page, c.last_page, c.start_char,
           c.end_char, {CHUNK_TEXT}, c.sentence_bounds, d.language, c.slot,
           c.quarantined,
           case when c.last_page > c.first_page then array(
               select p.start_char from document_pages p
               where p.document_id = c.document_id and p.version = c.version
               and p.number > c.first_page and p.number <= c.last_page order by p.number) end
    from unnest(%(slots)b::integer[]) as wanted (slot)
    join lateral (select * from chunks where tenant_id = (select current_tenant()) and slot = wanted.slot limit 1) c
        on true
    join lateral (select title, source, language from documents where id = c.document_id limit 1) d on true
    join {PIECE_OF_CHUNK} on true"""


async def by_slot(connection: Connection, slots: Sequence[int]) -> dict[int, Passage]:
    """Return passages by slot; slots that are gone or not visible are left out."""
    cursor = await connection.execute(_BY_SLOT, {"slots": list(slots)}, binary=True)
    return {row[13]: _passage(row) for row in await cursor.fetchall()}


def _passage(row: tuple[Any, ...]) -> Passage:
    bounds = row[11]
    return Passage(
        chunk_id=row[0],
        document_id=row[1],
        version=row[2],
        title=row[3],
        source=row[4],
        headings=tuple(row[5]),
        first_page=row[6],
        last_page=row[7],
        start=row[8],
        end=row[9],
        text=row[10],
        sentences=tuple(Span(start, end) for start, end in zip(bounds[::2], bounds[1::2], strict=True)),
        language=row[12],
        slot=row[13],
        quarantined=row[14],
        page_starts=tuple(row[15] or ()),
    )
