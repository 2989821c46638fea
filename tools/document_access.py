"""Who may read a document: changed for one document by its id."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from state.access import parse_access
from state.errors import NotPermitted
from state.principal import EVERYONE, Principal
from store.database import Database
from store.documents import DocumentInfo, get_document, set_access
from store.targets import ensure_access_list


async def set_document_access(
    database: Database, principal: Principal, document_id: UUID, access: Sequence[str]
) -> DocumentInfo:
    """Let only these read a document, ``*`` for everyone, and the principal in any case; return it as it is then.

    It takes effect on the next question: what was cached from the document goes in the same transaction.

    Raises:
        NotPermitted: the principal may not write.
        NotFound: there is no such document, or the principal may not see it.
        InvalidFilter: one of the names is none.
    """
    if not principal.can_write:
        raise NotPermitted(f"{principal.user} may not change who reads documents; ask someone who may.")
    grantees = parse_access(access)
    if EVERYONE not in grantees:
        grantees = (*grantees, f"user:{principal.user}")
    async with database.session(principal, write=True) as connection:
        await get_document(connection, document_id)
        await set_access(connection, [document_id], await ensure_access_list(connection, grantees))
        return await get_document(connection, document_id)
