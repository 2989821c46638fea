from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from psycopg.conninfo import conninfo_to_dict

from ingest.pipeline import Ingester
from ingest.sources import find_sources
from models.embedder import SentenceTransformerEmbedder
from models.tokenizer import ModelTokenCounter
from server.auth import TOKEN_FILE
from state.principal import Principal
from store.database import Database
from store.embedded import ServerAddress, drop_database
from tests.support import copy_database

pytest.importorskip("langgraph_api", reason="langgraph-cli[inmem] is a development extra")

ROOT = Path(__file__).parents[2]
QUESTION = "When did the bridge open?"


@pytest.fixture(scope="module")
def module_database(server: ServerAddress, template: str) -> Iterator[str]:
    name = "test_langgraph_server"
    copy_database(server, template, name)
    yield server.conninfo(name, "footnote_app")
    drop_database(server, name)


@pytest.fixture(scope="module")
def indexed(
    module_database: str,
    embedder: SentenceTransformerEmbedder,
    counter: ModelTokenCounter,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    folder = tmp_path_factory.mktemp("docs")
    (folder / "bridge.md").write_text("# The Harbour Bridge\n\nThe bridge opened in 1932 after eight years of work.\n")

    async def read_in() -> None:
        async with Database(module_database) as database:
            ingester = Ingester(database, embedder, counter, Principal("local", "local", can_write=True))
            await ingester.ingest(find_sources([str(folder)], max_bytes=10**6), "default")

    asyncio.run(read_in())
    return module_database


@pytest.fixture(scope="module")
def url(indexed: str, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`langgraph dev` on a free port, as a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("log") / "langgraph.log"
    environment = {
        **os.environ,
        "FOOTNOTE_HOME": str(home),
        "FOOTNOTE_DATABASE_NAME": str(conninfo_to_dict(indexed)["dbname"]),
        "LANGSMITH_TRACING": "false",
    }
    command = [
        str(Path(sys.executable).parent / "langgraph"),
        "dev",
        "--no-browser",
        "--no-reload",
        "--port",
        str(port),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if httpx.get(f"{address}/ok", timeout=2).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        else:
            pytest.fail(f"langgraph dev did not start:\n{log.read_text()[-3000:]}")
        yield address
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def client(url: str, home: Path) -> Iterator[httpx.Client]:
    """A client that has the token; the first request, which is refused, has it made."""
    refused = httpx.post(f"{url}/runs/wait", json={"assistant_id": "footnote", "input": {"question": QUESTION}})
    assert refused.status_code == 401
    token = (home / TOKEN_FILE).read_text()
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=90) as opened:
        yield opened


def _run(client: httpx.Client, **more: Any) -> httpx.Response:
    return client.post("/runs/wait", json={"assistant_id": "footnote", "input": {"question": QUESTION}, **more})


def test_the_server_gives_the_same_cited_answer(client: httpx.Client) -> None:
    answer = _run(client).json()["answer"]
    assert answer["answer"] == "The bridge opened in 1932 after eight years of work. [1]"
    assert answer["claims"][0]["citations"][0]["quote"] == "The bridge opened in 1932 after eight years of work."
    assert answer["degraded"] == []


def test_messages_are_a_question_and_an_answer(client: httpx.Client) -> None:
    messages = [{"role": "user", "content": QUESTION}]
    said = _run(client, input={"messages": messages}).json()["messages"][-1]["content"]
    assert "1932" in said


def test_a_thread_is_its_owners(client: httpx.Client) -> None:
    thread = client.post("/threads", json={}).json()["thread_id"]
    run = client.post(
        f"/threads/{thread}/runs/wait", json={"assistant_id": "footnote", "input": {"question": QUESTION}}
    )
    assert "1932" in run.json()["answer"]["answer"]
    assert httpx.get(f"{client.base_url}/threads/{thread}").status_code == 401


def test_the_token_is_readable_by_its_owner_only(client: httpx.Client, home: Path) -> None:
    assert (home / TOKEN_FILE).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "jump",
    [
        {"command": {"goto": "remember"}},
        {"command": {"update": {"desk": "x"}}},
        {"interrupt_before": ["ground"]},
        {"interrupt_after": "*"},
    ],
)
def test_a_client_can_neither_jump_nor_stop_inside_the_graph(client: httpx.Client, jump: dict[str, Any]) -> None:
    assert _run(client, **jump).status_code == 403


def test_a_client_cannot_write_the_state_of_a_thread(client: httpx.Client) -> None:
    thread = client.post("/threads", json={}).json()["thread_id"]
    written = client.post(f"/threads/{thread}/state", json={"values": {"answer": {"answer": "lies"}}})
    assert written.status_code == 403


def test_other_resources_are_refused(client: httpx.Client) -> None:
    assert client.post("/assistants", json={"graph_id": "footnote"}).status_code == 403
    assert client.put("/store/items", json={"namespace": ["a"], "key": "k", "value": {}}).status_code == 403


def test_who_asks_cannot_be_sent_along(client: httpx.Client) -> None:
    spoofed = _run(client, config={"configurable": {"langgraph_auth_user": {"identity": "root", "tenant": "other"}}})
    assert spoofed.status_code == 200
    assert "1932" in spoofed.json()["answer"]["answer"]
