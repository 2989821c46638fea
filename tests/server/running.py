"""A real server on a free loopback port, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import httpx

from ingest.pipeline import Ingester
from ingest.sources import find_sources
from models.embedder import SentenceTransformerEmbedder
from models.tokenizer import ModelTokenCounter
from server.app import create_app
from server.serving import Server
from settings import Settings
from state.principal import Principal
from store.database import Database
from store.keys import Keys


@contextlib.contextmanager
def running_server(settings: Settings, *, page: bool = False) -> Iterator[str]:
    """Serve the API, and the page if asked to; yield its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = Server(create_app(settings, page=page), settings)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])), daemon=True)
        thread.start()
        try:
            until = time.monotonic() + 60
            while not server.started and thread.is_alive() and time.monotonic() < until:
                time.sleep(0.02)
            assert server.started, "the server did not start"
            assert httpx.get(f"{address}/healthz").status_code == 200
            yield address
        finally:
            server.should_exit = True
            thread.join(30)


def filled(
    conninfo: str, embedder: SentenceTransformerEmbedder, counter: ModelTokenCounter, folder: str
) -> dict[str, str]:
    """Read a folder in for everyone; return the keys of two users of the tenant, by name."""

    async def fill() -> dict[str, str]:
        async with Database(conninfo) as database:
            local = Principal("local", "local", can_write=True)
            await Ingester(database, embedder, counter, local).ingest(
                find_sources([folder], max_bytes=10**6), "default"
            )
            keys = Keys(database)
            return {name: (await keys.create(local, name))[1] for name in ("ada", "ben")}

    return asyncio.run(fill())
