"""One real server for the tests of its routes: on a database of its own, with a chat model that writes slowly."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from ingest.pipeline import Ingester
from ingest.sources import find_sources
from models.embedder import SentenceTransformerEmbedder
from models.tokenizer import ModelTokenCounter
from settings import Settings
from state.principal import Principal
from store.database import Database
from store.embedded import ServerAddress, drop_database
from store.keys import Keys
from tests.chat_server import ChatServer, Reply, chat_server_beside
from tests.server.running import running_server
from tests.support import copy_database

BRIDGE = "# The Harbour Bridge\n\nThe bridge opened in 1932 after eight years of work.\n\nA car pays 4 euros.\n"
QUESTION = "When did the bridge open?"
PROSE = "The bridge opened in 1932. [1] It opened after eight years of work. [1]"


@dataclass
class Api:
    """A running server, the keys of its users, the document that everyone sees, and the chat model behind it."""

    url: str
    settings: Settings
    model: ChatServer
    bridge: str = ""
    keys: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def as_user(self, name: str) -> httpx.Client:
        """Return a client with a user's key."""
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.keys[name]}"}, timeout=30)


@pytest.fixture(scope="session")
def writer() -> Iterator[ChatServer]:
    """A chat model on the loopback interface, in a thread of its own."""
    with chat_server_beside(Reply(PROSE)) as served:
        yield served


@pytest.fixture(scope="session")
def api(
    server: ServerAddress,
    template: str,
    home: Any,
    writer: ChatServer,
    embedder: SentenceTransformerEmbedder,
    counter: ModelTokenCounter,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Api]:
    """The server with its page; it works on two questions at once, and takes bodies of 20 kB and uploads of 200 kB."""
    name = "test_api"
    copy_database(server, template, name)
    folder = tmp_path_factory.mktemp("docs")
    (folder / "bridge.md").write_text(BRIDGE, encoding="utf-8")
    values = {
        "home": home, "database_name": name, "allow_download": False, "cache": False, "max_questions": 2,
        "max_body_kb": 20, "max_upload_mb": 0.2, "question_seconds": 20, "requests_per_minute": 60_000,
        "request_burst": 1000, "connect_timeout": 2, "cors_origins": ["https://friend.example"],
        "chat_model": "openai:writer", "chat_base_url": writer.url, "chat_api_key": "none", "chat_retries": 0,
    }  # fmt: skip
    api = Api("", Settings.model_validate(values), writer)
    asyncio.run(_fill(api, server.conninfo(name, "footnote_app"), embedder, counter, str(folder)))
    with running_server(api.settings, page=True) as address:
        api.url = address
        yield api
    drop_database(server, name)


async def _fill(
    api: Api, conninfo: str, embedder: SentenceTransformerEmbedder, counter: ModelTokenCounter, folder: str
) -> None:
    async with Database(conninfo) as database:
        local = Principal("local", "local", can_write=True)
        await Ingester(database, embedder, counter, local).ingest(find_sources([folder], max_bytes=10**6), "default")
        async with database.session(local) as connection:
            [row] = await (await connection.execute("select id from documents")).fetchall()
        api.bridge = str(row[0])
        for name in ("ada", "ben", "gone"):
            info, api.keys[name] = await Keys(database).create(local, name)
            api.ids[name] = str(info.id)
        _, api.keys["writer"] = await Keys(database).create(local, "writer", scopes=["write"])
        _, api.keys["reader"] = await Keys(database).create(local, "reader", scopes=["ask"])
        await Keys(database).revoke(local, info.id)


@pytest.fixture
def ada(api: Api) -> Iterator[httpx.Client]:
    with api.as_user("ada") as client:
        yield client


@pytest.fixture
def ben(api: Api) -> Iterator[httpx.Client]:
    with api.as_user("ben") as client:
        yield client


@pytest.fixture
def reader(api: Api) -> Iterator[httpx.Client]:
    """A user whose key may ask, and not write."""
    with api.as_user("reader") as client:
        yield client


@contextmanager
def writing(api: Api, reply: Reply) -> Iterator[None]:
    """Let the chat model answer in this way for a while."""
    api.model.reply, before = reply, api.model.reply
    api.model.left.clear()
    api.model.requests.clear()
    try:
        yield
    finally:
        api.model.reply = before


def eventually(true: Callable[[], Any], seconds: float = 10) -> Any:
    """Wait until something holds, and return it."""
    until = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.02)
    return found


def events_of(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    """Yield the events of a stream as they arrive, by kind and data."""
    kind = ""
    for line in lines:
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))
