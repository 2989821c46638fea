"""One `langgraph dev` for all tests here: a process of its own, over a database with documents of two users."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from psycopg.conninfo import conninfo_to_dict

from ingest.pipeline import Ingester
from ingest.sources import find_sources
from models.embedder import SentenceTransformerEmbedder
from models.tokenizer import ModelTokenCounter
from server.auth import local_token
from state.principal import Principal
from store.database import Database
from store.embedded import ServerAddress, drop_database
from store.keys import Keys
from tests.observe.collector import Collector, collecting
from tests.support import copy_database

ROOT = Path(__file__).parents[3]
DATABASE = "test_langgraph_dev"
LOCAL = Principal("local", "local", can_write=True)


@dataclass(frozen=True)
class Served:
    """A running server: its address, the local token, keys by what they are for, its log, database and data folder.

    ``traces`` are what it sends to LangSmith.
    """

    url: str
    token: str
    keys: dict[str, str]
    log: Path
    conninfo: str
    home: Path
    began: float
    traces: Collector

    def client(self, key: str | None = None) -> httpx.Client:
        """Return a client with a key, or with the local token."""
        token = self.token if key is None else self.keys[key]
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=60)


@pytest.fixture(scope="session")
def served_database(
    server: ServerAddress,
    template: str,
    embedder: SentenceTransformerEmbedder,
    counter: ModelTokenCounter,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[str, dict[str, str]]]:
    """A database with a document for everyone and one for ben, and keys."""
    copy_database(server, template, DATABASE)
    conninfo = server.conninfo(DATABASE, "footnote_app")
    folder = tmp_path_factory.mktemp("docs")
    (folder / "bridge.md").write_text(
        "# The Harbour Bridge\n\nThe bridge opened in 1932 after eight years of work. It is painted grey.\n"
    )
    (folder / "safe.md").write_text("# The Office Safe\n\nThe office safe opens with the blue key of the porter.\n")

    async def prepare() -> dict[str, str]:
        async with Database(conninfo) as database:
            ingester = Ingester(database, embedder, counter, LOCAL)
            await ingester.ingest(find_sources([str(folder / "bridge.md")], max_bytes=10**6), "open")
            await ingester.ingest(find_sources([str(folder / "safe.md")], max_bytes=10**6), "kept", access=["user:ben"])
            keys = Keys(database)
            _, ann = await keys.create(LOCAL, "ann", scopes=["ask"])
            _, ben = await keys.create(LOCAL, "ben")
            _, writer = await keys.create(LOCAL, "writer", user="ann", scopes=["write"])
            _, local = await keys.create(LOCAL, "local", user=LOCAL.user)
            info, revoked = await keys.create(LOCAL, "revoked", user="ann")
            await keys.revoke(LOCAL, info.id)
            return {"ann": ann, "ben": ben, "writer": writer, "revoked": revoked, "local": local}

    yield conninfo, asyncio.run(prepare())
    drop_database(server, DATABASE)


@pytest.fixture(scope="session")
def traces() -> Iterator[Collector]:
    """What speaks LangSmith's protocol, and keeps what it is sent."""
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="session")
def served(
    served_database: tuple[str, dict[str, str]], home: Path, traces: Collector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    pytest.importorskip("langgraph_api", reason="langgraph-cli[inmem] is a development extra")
    conninfo, keys = served_database
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("log") / "langgraph.log"
    environment = {
        **os.environ,
        "FOOTNOTE_HOME": str(home),
        "FOOTNOTE_DATABASE_NAME": str(conninfo_to_dict(conninfo)["dbname"]),
        "FOOTNOTE_ALLOW_DOWNLOAD": "false",
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": traces.url,
        "LANGSMITH_API_KEY": "lsv2_pt_made",
        "LANGSMITH_PROJECT": "reading-room",
        "LANGGRAPH_CLI_NO_ANALYTICS": "1",
    }
    program = str(Path(sys.executable).parent / "langgraph")
    command = [program, "dev", "--no-browser", "--no-reload", "--n-jobs-per-worker", "8", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    began = time.time()
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, process, log)
        yield Served(address, local_token(home), keys, log, conninfo, home, began, traces)
    finally:
        process.terminate()
        process.wait(20)


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{address}/ok", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail(f"langgraph dev did not start:\n{log.read_text()[-3000:]}")
