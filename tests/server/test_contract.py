"""The server answers whatever comes as its OpenAPI document says: a short run of what `make contract` does for long."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.embedder import SentenceTransformerEmbedder
from models.tokenizer import ModelTokenCounter
from settings import Settings
from store.embedded import ServerAddress, drop_database
from tests.server.contract import TEXT, UNBOUNDED, conforms
from tests.server.running import filled, running_server
from tests.support import copy_database


@pytest.fixture(scope="module")
def server_and_key(
    server: ServerAddress,
    template: str,
    home: Path,
    embedder: SentenceTransformerEmbedder,
    counter: ModelTokenCounter,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[str, str]]:
    name = "test_contract"
    copy_database(server, template, name)
    folder = tmp_path_factory.mktemp("docs")
    (folder / "bridge.md").write_text(TEXT, encoding="utf-8")
    keys = filled(server.conninfo(name, "footnote_app"), embedder, counter, str(folder))
    values = {"home": home, "database_name": name, "allow_download": False, **UNBOUNDED}
    with running_server(Settings.model_validate(values)) as url:
        yield url, keys["ada"]
    drop_database(server, name)


async def test_no_answer_is_undocumented_and_none_is_a_failure_inside(server_and_key: tuple[str, str]) -> None:
    url, key = server_and_key
    found = await asyncio.to_thread(conforms, url, key, examples=4, phases="examples,fuzzing", seed=1)
    assert found.returncode == 0, found.stdout[-6000:]
    assert "Tested:" in found.stdout


def test_every_route_of_the_api_documents_its_refusals(server_and_key: tuple[str, str]) -> None:
    url, _ = server_and_key
    document = httpx.get(f"{url}/openapi.json").json()
    operations: dict[str, Any] = {
        f"{method} {path}": operation
        for path, methods in document["paths"].items()
        if path.startswith("/v1/")
        for method, operation in methods.items()
    }
    assert {"post /v1/chat/completions", "get /v1/models", "post /v1/ask"} <= set(operations)
    for name, operation in operations.items():
        assert {"401", "403", "429", "503"} <= set(operation["responses"]), name
        assert operation["security"], name
