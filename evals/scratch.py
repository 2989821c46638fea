"""A database of its own for each evaluation: evaluation never writes into the user's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import uuid4

from settings import Settings
from store.database import Database, prepare_embedded
from store.embedded import drop_database, ensure_server


@asynccontextmanager
async def scratch_database(configuration: Settings) -> AsyncIterator[Database]:
    """Open a new database in the embedded server, dropped at the end."""
    async with reopened_database(configuration) as connect, connect(configuration) as database:
        yield database


@asynccontextmanager
async def reopened_database(
    configuration: Settings,
) -> AsyncIterator[Callable[[Settings], AbstractAsyncContextManager[Database]]]:
    """Make a new database in the embedded server, give what opens it as often as wanted, and drop it at the end."""
    name = f"footnote_eval_{uuid4().hex[:12]}"
    timeout = configuration.connect_timeout
    conninfo = await asyncio.to_thread(
        prepare_embedded, configuration.home, name, configuration.tenant, timeout=timeout
    )
    try:
        yield lambda given: Database(conninfo, pool_size=given.pool_size, timeout=given.connect_timeout)
    finally:
        address = await asyncio.to_thread(ensure_server, configuration.home, timeout=30.0)
        await asyncio.to_thread(drop_database, address, name)
