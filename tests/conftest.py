"""What tests share: one embedded Postgres for the session, a database of its own for each test that asks for one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from models.embedder import SentenceTransformerEmbedder
from models.tokenizer import ModelTokenCounter
from settings import Settings
from state.principal import Principal
from store import postmaster
from store.database import Database, prepare_embedded
from store.embedded import ServerAddress, drop_database, ensure_server, release_server
from tests.support import Library, copy_database
from tools.search import Searcher

TEMPLATE = "footnote_template"

postmaster.SETTINGS["fsync"] = "off"  # only processes are killed here, not the machine: nothing needs to reach the disk


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A data folder that the server's own user can reach, when the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="footnote-tests-"))
    folder.chmod(0o711)
    (folder / "home").mkdir()
    yield folder / "home"
    release_server(folder / "home")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def settings_of_tests(home: Path) -> Settings:
    return Settings(home=home, allow_download=False)


@pytest.fixture(scope="session")
def server(home: Path) -> ServerAddress:
    return ensure_server(home, timeout=60)


@pytest.fixture(scope="session")
def template(home: Path, server: ServerAddress) -> str:
    """A migrated database with the tenants `local` and `other`, to be copied."""
    for tenant in ("local", "other"):
        prepare_embedded(home, TEMPLATE, tenant, timeout=30)
    return TEMPLATE


@pytest.fixture
def conninfo(server: ServerAddress, template: str) -> Iterator[str]:
    """A new database, as the application role."""
    name = f"test_{uuid4().hex[:12]}"
    copy_database(server, template, name)
    yield server.conninfo(name, "footnote_app")
    drop_database(server, name)


@pytest.fixture
async def database(conninfo: str) -> AsyncIterator[Database]:
    async with Database(conninfo, pool_size=4, timeout=10) as opened:
        yield opened


@pytest.fixture(scope="session")
def embedder(settings_of_tests: Settings) -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(settings_of_tests)


@pytest.fixture(scope="session")
def counter(settings_of_tests: Settings) -> ModelTokenCounter:
    return ModelTokenCounter(settings_of_tests)


@pytest.fixture
def searcher(database: Database, embedder: SentenceTransformerEmbedder) -> Searcher:
    return Searcher(database, embedder)


@pytest.fixture
def local() -> Principal:
    return Principal("local", "local", can_write=True)


@pytest.fixture
def library(
    database: Database,
    embedder: SentenceTransformerEmbedder,
    counter: ModelTokenCounter,
    local: Principal,
    tmp_path: Path,
) -> Library:
    return Library(database, embedder, counter, local, tmp_path / "library")
