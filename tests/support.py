"""What tests build on: databases copied from a migrated one, and a folder of documents to read in."""

from __future__ import annotations

import os
import re
from pathlib import Path

import psycopg
from psycopg import sql

from ingest.pipeline import Ingester, IngestReport
from ingest.sources import find_sources
from state.ports import Embedder, TokenCounter
from state.principal import Principal
from state.screening import Sensitive
from store.database import Database
from store.embedded import ServerAddress


def copy_database(server: ServerAddress, template: str, name: str) -> None:
    """Make a database that is a copy of a migrated one, which is faster than migrating it."""
    with psycopg.connect(server.conninfo("postgres", "postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {} owner footnote_owner strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )


class CardFinder:
    """Finds one made-up card number, and nothing else."""

    def open(self) -> None:
        """Need nothing."""

    def find(self, text: str) -> list[Sensitive]:
        """Return where it stands."""
        return [Sensitive("card", found.start(), found.end()) for found in re.finditer("4111 ?1111 ?1111 ?1111", text)]


class Library:
    """A folder of text files and the collection that it is read into."""

    def __init__(
        self,
        database: Database,
        embedder: Embedder,
        counter: TokenCounter,
        principal: Principal,
        folder: Path,
    ) -> None:
        self.folder = folder
        self.folder.mkdir()
        self.principal = principal
        self._ingester = Ingester(database, embedder, counter, principal)

    def write(self, **texts: str) -> None:
        """Write files: ``note="…"`` makes note.md."""
        for name, text in texts.items():
            (self.folder / f"{name}.md").write_text(text, encoding="utf-8")

    async def read_in(self, collection: str = "default", access: tuple[str, ...] = ("*",)) -> IngestReport:
        """Read the folder in."""
        found = find_sources([os.fspath(self.folder)], max_bytes=10_000_000)
        return await self._ingester.ingest(found, collection, access=access)
