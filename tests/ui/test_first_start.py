from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ingest.pipeline import Ingester
from state.ports import Embedder, TokenCounter
from state.principal import Principal
from store.database import Database
from store.documents import list_documents
from tests.support import Library
from ui import first_start
from ui.first_start import welcome


@pytest.fixture
def application(database: Database, embedder: Embedder, counter: TokenCounter) -> Any:
    return SimpleNamespace(
        database=database, ingester=lambda principal: Ingester(database, embedder, counter, principal)
    )


@pytest.fixture
def samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "samples"
    folder.mkdir()
    (folder / "note.md").write_text("# Note\n\nIt rains in Port Merrin.", encoding="utf-8")
    monkeypatch.setattr(first_start, "SAMPLES", folder)
    return folder


async def test_on_an_empty_shelf_the_samples_are_read_in_before_the_reader_eyes(
    application: Any, samples: Path, database: Database, local: Principal
) -> None:
    screens = [html async for html in welcome(application, local)]
    assert "<progress" in screens[0]
    assert "fn-example" in screens[-1]
    async with database.session(local) as connection:
        [document] = await list_documents(connection, ["samples"])
    assert list(document.access) == ["*"]


async def test_whoever_may_not_write_is_told_that_there_is_nothing(application: Any, samples: Path) -> None:
    [screen] = [html async for html in welcome(application, Principal("local", "guest"))]
    assert "Nothing to ask yet." in screen


async def test_over_ones_own_documents_no_examples_are_offered(
    application: Any, samples: Path, library: Library, local: Principal
) -> None:
    library.write(own="# Own\n\nText.")
    await library.read_in()
    [screen] = [html async for html in welcome(application, local)]
    assert "Ask your documents." in screen and "fn-example" not in screen
