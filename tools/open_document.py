"""Reading a stored document."""

from __future__ import annotations

from uuid import UUID

from state.errors import NotFound
from state.principal import Principal
from store.database import Database
from store.documents import document_text


async def open_document(
    database: Database, principal: Principal, document_id: str, *, start: int = 0, end: int | None = None
) -> str:
    """Return characters ``start`` to ``end`` of a document's current text. Raises `NotFound`."""
    try:
        identity = UUID(document_id)
    except ValueError as error:
        raise NotFound(f"{document_id!r} is not a document's id.") from error
    async with database.session(principal) as connection:
        text = await document_text(connection, identity)
    return text[max(start, 0) : end]
