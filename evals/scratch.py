"""A database of its own for each evaluation: evaluation never writes into the user's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from settings import Settings
from store.database import Database, prepare_embedded
from store.embedded import drop_database, ensure_server


@asynccontextmanager
async def scratch_database(configuration: Settings) -> AsyncIterator[Database]:
    """Open a new database in the embedded server, dropped at the end."""
    name = f"footnote_eval_{uuid4().hex[:12]}"
    timeout = configuration.connect_timeout
    conninfo = await asyncio.to_thread(
        prepare_embedded, configuration.home, name, configuration.tenant, timeout=timeout
    )
    try:
        async with Database(conninfo, pool_size=configuration.pool_size, timeout=timeout) as database:
            yield database
    finally:
        address = await asyncio.to_thread(ensure_server, configuration.home, timeout=30.0)
        await asyncio.to_thread(drop_database, address, name)
