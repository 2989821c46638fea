"""The one door to the database: a pool, and sessions in which row-level security knows who asks."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import psycopg
from pgvector.psycopg import register_vector_async
from psycopg import AsyncConnection, AsyncTransaction
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from observe import metrics
from settings import Settings
from state.errors import FootnoteError, StoreUnavailable
from state.principal import Principal
from store.admission import refuse_unusable
from store.connecting import check_address, role_of, told, unreachable
from store.embedded import APP_ROLE, OWNER_ROLE, bootstrap, ensure_server, revive_server
from store.migrate import ensure_tenant, migrate

_SEPARATOR = "\x1f"  # between grantees in the session setting; current_grantees() splits at it
_SIGN_IN = """
    select set_config('footnote.tenant', %(tenant)s, true), set_config('footnote.user', %(user)s, true),
           set_config('footnote.grantees', %(grantees)s, true), set_config('footnote.writer', %(writer)s, true),
           set_config('footnote.curator', %(curator)s, true)"""
_SOUND_SECONDS = 0.25  # after its last use that a connection is taken to be sound: the check is a round trip
_CLOSE_SECONDS = 1.0  # that closing waits for connections which are just being made
Connection = AsyncConnection[Any]
Made = TypeVar("Made", bound=Connection)


class Database:
    """A pool of connections as the application role. Use as an async context manager, one per event loop.

    ``revive`` (blocking) brings back a server that died: it is called before connecting after a loss. A call that
    meets the loss fails with one `StoreUnavailable`; the next one waits for the new connection.
    """

    def __init__(
        self, conninfo: str, *, pool_size: int = 8, timeout: float = 5.0, revive: Callable[[], None] | None = None
    ) -> None:
        self._conninfo = conninfo
        self._timeout = timeout
        self._revive = revive
        self._lost = False
        self._doubted_at = -math.inf  # when a connection last failed
        self._failure: Exception | None = None  # of the last attempt to connect; None after one that succeeded
        self._pool: AsyncConnectionPool[_PooledConnection] = AsyncConnectionPool(
            conninfo,
            connection_class=_PooledConnection,
            min_size=1,
            max_size=pool_size,
            timeout=timeout,
            # Attempts come less and less often: after this time the pool forgets them, and the next call tries at once.
            reconnect_timeout=timeout,
            open=False,
            kwargs={"autocommit": True, "connect_timeout": max(1, math.ceil(timeout)), "database": self},
            configure=register_vector_async,
            check=self._check,
        )

    async def __aenter__(self) -> Self:
        """Open the pool. Raises `StoreUnavailable` or `StoreMisconfigured`."""
        try:
            # On its own and not from the pool, which would try again and again and keep the reason to itself.
            seconds = max(1, math.ceil(self._timeout))
            connection = await AsyncConnection.connect(self._conninfo, autocommit=True, connect_timeout=seconds)
        except psycopg.Error as error:
            raise unreachable(self._conninfo, error) from error
        async with connection:
            await refuse_unusable(connection)
        await self._pool.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.close(_CLOSE_SECONDS)

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
            async with AsyncExitStack() as transaction:
                # Beginning and settings in one round trip; `connection.transaction` would pipeline all that follows.
                async with connection.pipeline():
                    await transaction.enter_async_context(AsyncTransaction(connection))
                    await connection.execute(_SIGN_IN, _signed_in(principal, write))
                yield connection

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[_PooledConnection]:
        try:
            async with AsyncExitStack() as held:
                with metrics.waiting_for_database():
                    connection = await held.enter_async_context(self._pool.connection())
                with metrics.database_in_use(self._pool.get_stats()["pool_size"]):
                    yield connection
                connection.used_at = time.monotonic()
        except PoolTimeout as error:
            raise self._timed_out() from error
        except psycopg.Error as error:
            self._doubted_at = time.monotonic()
            if (failure := told(error)) is None:
                raise
            raise failure from error

    def _timed_out(self) -> FootnoteError:
        """Return what to say when no connection was to be had in time."""
        self._lost = True
        if isinstance(self._failure, FootnoteError):
            return self._failure
        if isinstance(self._failure, psycopg.Error):
            return unreachable(self._conninfo, self._failure)
        return StoreUnavailable(
            f"No connection to the database was to be had within {self._timeout:g} seconds: it does not answer, or "
            f"all {self._pool.max_size} connections of this process are in use (FOOTNOTE_POOL_SIZE)."
        )

    async def _check(self, connection: _PooledConnection) -> None:
        """Test a connection that was idle. When one is broken, so are its neighbours: replace all of them."""
        if connection.used_at > max(self._doubted_at, time.monotonic() - _SOUND_SECONDS):
            return
        try:
            await AsyncConnectionPool.check_connection(connection)
        except psycopg.Error:
            self._lost = True
            await self._pool.drain()
            raise

    async def connect(self, conninfo: str, connect: Callable[[str], Awaitable[Made]]) -> Made:
        """Make a connection for the pool, after bringing back a server that was lost."""
        try:
            if self._lost and self._revive:
                await asyncio.to_thread(self._revive)
            self._lost = False
            connection = await connect(conninfo)
        except (psycopg.Error, FootnoteError) as error:
            self._lost, self._failure = True, error
            raise
        self._failure = None
        return connection


class _PooledConnection(AsyncConnection[Any]):
    """What the pool makes, by way of its `Database`; ``used_at`` is when it was last used without an error."""

    used_at: float = -math.inf

    @classmethod
    async def connect(cls, conninfo: str = "", *, database: Database, **options: Any) -> Self:  # type: ignore[override]
        return await database.connect(conninfo, partial(super().connect, **options))


def _signed_in(principal: Principal, write: bool) -> dict[str, str]:
    """Return the settings of a session that tell row-level security who asks."""
    return {
        "tenant": principal.tenant,
        "user": principal.user,
        "grantees": _SEPARATOR.join(principal.grantees),
        "writer": "on" if write and principal.can_write else "off",
        "curator": "on" if principal.can_write else "off",
    }


def prepare(settings: Settings) -> str:
    """Start or find the database, migrate it, make the local tenant; return the application's conninfo.

    Blocking: call it in a thread where an event loop runs. Raises `StoreUnavailable` or `StoreMisconfigured`.
    """
    if not settings.database_url:
        return prepare_embedded(
            settings.home, settings.database_name, settings.tenant, timeout=settings.connect_timeout
        )
    application = check_address("DATABASE_URL", settings.database_url)
    if settings.migration_database_url:
        owner = check_address("MIGRATION_DATABASE_URL", settings.migration_database_url)
        migrate(owner, role_of(application), connect_timeout=settings.connect_timeout)
        ensure_tenant(owner, settings.tenant, connect_timeout=settings.connect_timeout)
    return application


def prepare_embedded(home: Path, database: str, tenant: str, *, timeout: float) -> str:
    """Start or join the embedded server in ``home``, make and migrate ``database``; return its conninfo."""
    address = ensure_server(home, timeout=max(timeout, 30.0))
    bootstrap(address, database)
    owner = address.conninfo(database, OWNER_ROLE)
    migrate(owner, APP_ROLE, connect_timeout=timeout)
    ensure_tenant(owner, tenant, connect_timeout=timeout)
    return address.conninfo(database, APP_ROLE)


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """Prepare the database in a thread and open a pool on it."""
    conninfo = await asyncio.to_thread(prepare, settings)
    seconds = settings.connect_timeout
    revive = None if settings.database_url else partial(revive_server, settings.home, timeout=seconds)
    async with Database(conninfo, pool_size=settings.pool_size, timeout=seconds, revive=revive) as database:
        yield database
