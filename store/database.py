"""The one door to the database: a pool, and sessions in which row-level security knows who asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from pgvector.psycopg import register_vector_async
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from settings import Settings
from state.errors import StoreMisconfigured, StoreUnavailable
from state.principal import Principal
from store.embedded import APP_ROLE, OWNER_ROLE, bootstrap, ensure_server
from store.migrate import ensure_tenant, migrate

_SEPARATOR = "\x1f"  # between grantees in the session setting; current_grantees() splits at it
Connection = AsyncConnection[Any]


class Database:
    """A pool of connections as the application role. Use as an async context manager, one per event loop."""

    def __init__(self, conninfo: str, *, pool_size: int = 8, timeout: float = 5.0) -> None:
        self._timeout = timeout
        self._pool = AsyncConnectionPool(
            conninfo,
            min_size=1,
            max_size=pool_size,
            timeout=timeout,
            open=False,
            kwargs={"autocommit": True},
            configure=_configure,
            check=AsyncConnectionPool.check_connection,
        )

    async def __aenter__(self) -> Self:
        """Open the pool. Raises `StoreUnavailable` or `StoreMisconfigured`."""
        await self._pool.open()
        try:
            async with self._connection() as connection:
                await _refuse_unusable(connection)
        except BaseException:
            await self._pool.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def session(self, principal: Principal, *, write: bool = False) -> AsyncIterator[Connection]:
        """Open a transaction in which every query sees what ``principal`` may see, and nothing else.

        Reading sessions are read-only snapshots. A writing session of a principal who may not write sees no row to
        change. The settings end with the transaction, so nothing of them stays on the pooled connection.
        """
        async with self._connection() as connection:
            await connection.set_read_only(not write)
            level = psycopg.IsolationLevel.READ_COMMITTED if write else psycopg.IsolationLevel.REPEATABLE_READ
            await connection.set_isolation_level(level)
            async with connection.transaction():
                await connection.execute(
                    """select set_config('footnote.tenant', %(tenant)s, true),
                              set_config('footnote.user', %(user)s, true),
                              set_config('footnote.grantees', %(grantees)s, true),
                              set_config('footnote.writer', %(writer)s, true)""",
                    {
                        "tenant": principal.tenant,
                        "user": principal.user,
                        "grantees": _SEPARATOR.join(principal.grantees),
                        "writer": "on" if write and principal.can_write else "off",
                    },
                )
                yield connection

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        try:
            async with self._pool.connection() as connection:
                yield connection
        except PoolTimeout as error:
            raise StoreUnavailable(
                f"The database did not answer within {self._timeout:g} seconds; see `footnote doctor`."
            ) from error
        except psycopg.OperationalError as error:
            if isinstance(error, psycopg.errors.DiskFull):
                raise StoreUnavailable("The disk of the database is full; free some space and try again.") from error
            raise StoreUnavailable(f"The database connection was lost: {error}".strip()) from error


async def _configure(connection: Connection) -> None:
    try:
        await register_vector_async(connection)
    except psycopg.ProgrammingError as error:
        raise StoreMisconfigured("The database has no pgvector extension; install pgvector 0.7 or newer.") from error


async def _refuse_unusable(connection: Connection) -> None:
    """Refuse a role that row-level security does not bind, and a database without tables."""
    cursor = await connection.execute(
        """select rolname, rolsuper or rolbypassrls,
                  coalesce((select pg_has_role(current_user, relowner, 'member') from pg_class
                            where oid = to_regclass('documents')), false), to_regclass('documents') is not null
           from pg_roles where rolname = current_user"""
    )
    row = await cursor.fetchone()
    if row is None or row[1] or row[2]:
        name = row[0] if row else "the current role"
        raise StoreMisconfigured(
            f"DATABASE_URL connects as {name}, whom row-level security does not bind (superuser, BYPASSRLS or owner); "
            "use a plain role, and put the owner into MIGRATION_DATABASE_URL."
        )
    if not row[3]:
        raise StoreMisconfigured(
            "The database has no tables of Footnote yet: run once with MIGRATION_DATABASE_URL set to its owner."
        )


def prepare(settings: Settings) -> str:
    """Start or find the database, migrate it, make the local tenant; return the application's conninfo.

    Blocking: call it in a thread where an event loop runs. Raises `StoreUnavailable` or `StoreMisconfigured`.
    """
    if settings.database_url:
        application, owner = settings.database_url, settings.migration_database_url
        role = conninfo_to_dict(application).get("user")
        if owner:
            migrate(owner, str(role), connect_timeout=settings.connect_timeout)
            ensure_tenant(owner, settings.tenant)
        return application
    return prepare_embedded(settings.home, settings.database_name, settings.tenant, timeout=settings.connect_timeout)


def prepare_embedded(home: Path, database: str, tenant: str, *, timeout: float) -> str:
    """Start or join the embedded server in ``home``, make and migrate ``database``; return its conninfo."""
    address = ensure_server(home, timeout=max(timeout, 30.0))
    bootstrap(address, database)
    owner = address.conninfo(database, OWNER_ROLE)
    migrate(owner, APP_ROLE, connect_timeout=timeout)
    ensure_tenant(owner, tenant)
    return address.conninfo(database, APP_ROLE)


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """Prepare the database in a thread and open a pool on it."""
    conninfo = await asyncio.to_thread(prepare, settings)
    async with Database(conninfo, pool_size=settings.pool_size, timeout=settings.connect_timeout) as database:
        yield database
