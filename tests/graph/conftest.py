from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from settings import Settings
from store.embedded import ServerAddress, drop_database
from tests.support import copy_database

DATABASE = "test_library"


@pytest.fixture
def configuration(home: Path, server: ServerAddress, template: str) -> Iterator[Settings]:
    """The settings of a program that has Footnote as a library, with a database of its own."""
    copy_database(server, template, DATABASE)
    yield Settings(home=home, database_name=DATABASE, allow_download=False, user="ann")
    drop_database(server, DATABASE)


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "bridge.md").write_text("# The Harbour Bridge\n\nThe bridge opened in 1932 after eight years of work.\n")
    (folder / "tower.md").write_text("# The Water Tower\n\nThe tower holds 900 cubic metres and was built in 1951.\n")
    return folder
