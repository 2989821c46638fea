"""Where documents are written to: collection, access list and embedding space, made when they are new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import psycopg
from psycopg import sql

from state.errors import StoreMisconfigured
from store.database import Connection

_NAMESPACE = UUID("6f7c5a52-5d0c-5b0e-9f0e-0f6f6f746e6f")


@dataclass(frozen=True, slots=True)
class Target:
    """Where documents go: collection, access list, embedding space, and the parts that made their chunks."""

    tenant: str
    collection_id: int
    collection: str
    access_list_id: int
    space_id: int
    indexed_by: str


def document_id(tenant: str, collection: str, source: str) -> UUID:
    """Return the stable id of a source in a collection."""
    return uuid5(_NAMESPACE, "\x1f".join((tenant, collection, source)))


async def ensure_space(connection: Connection, space: str, dimension: int) -> int:
    """Return the number of an embedding space, made if it is new.

    In a transaction of its own: making its table waits for all who are writing chunks, who must not wait for this one.

    Raises:
        StoreMisconfigured: the space has other dimensions, or more than can be indexed.
    """
    try:
        return int((await _one(connection, "select ensure_embedding_space(%s, %s)", space, dimension))[0])
    except psycopg.errors.RaiseException as error:
        raise StoreMisconfigured(f"The vectors cannot be stored: {error.diag.message_primary}.") from error


async def ensure_target(
    connection: Connection,
    tenant: str,
    collection: str,
    grantees: Sequence[str],
    space_id: int,
    indexed_by: str,
) -> Target:
    """Return where to write, making the collection and the access list if they are new.

    Raises:
        StoreMisconfigured: there is no such tenant.
    """
    row = await _one(connection, "select current_tenant()")
    if row[0] is None:
        raise StoreMisconfigured(f"The database has no tenant {tenant!r}: start once with MIGRATION_DATABASE_URL set.")
    collection_id = await _number(connection, "collections", "name", collection)
    access_list_id = await ensure_access_list(connection, grantees)
    return Target(tenant, collection_id, collection, access_list_id, space_id, indexed_by)


async def ensure_access_list(connection: Connection, grantees: Sequence[str]) -> int:
    """Return the number of the access list of these grantees, made if it is new."""
    access_list_id = await _number(connection, "access_lists", "fingerprint", "\x1f".join(sorted(set(grantees))))
    await connection.execute(
        """insert into access_grants (access_list_id, tenant_id, grantee)
           select %(list)s, (select current_tenant()), grantee from unnest(%(grantees)s::text[]) grantee
           where not exists (select from access_grants where access_list_id = %(list)s)
           on conflict do nothing""",
        {"list": access_list_id, "grantees": sorted(set(grantees))},
    )
    return access_list_id


async def _number(connection: Connection, table: str, column: str, value: str) -> int:
    """Return the id of a row of the tenant, made if it is missing; nothing is written if it is there."""
    names = {"table": sql.Identifier(table), "column": sql.Identifier(column)}
    select = sql.SQL("select id from {table} where {column} = %s").format(**names)
    row = await (await connection.execute(select, (value,))).fetchone()
    if row is None:
        insert = "insert into {table} (tenant_id, {column}) values (current_tenant(), %s) on conflict do nothing"
        await connection.execute(sql.SQL(insert).format(**names), (value,))  # waits for who is just making it
        row = await (await connection.execute(select, (value,))).fetchone()
    assert row is not None
    return int(row[0])


async def _one(connection: Connection, statement: str, *parameters: Any) -> tuple[Any, ...]:
    row = await (await connection.execute(statement, parameters)).fetchone()
    assert row is not None
    return tuple(row)
