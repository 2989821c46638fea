from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from cli.main import main
from settings import settings


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit status and what it printed."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Footnote = Callable[..., Outcome]


@pytest.fixture
def footnote(
    home: Path, conninfo: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Footnote]:
    """The command, on a database of its own: `footnote("ask", "why?")`."""
    monkeypatch.setenv("FOOTNOTE_HOME", str(home))
    monkeypatch.setenv("FOOTNOTE_DATABASE_NAME", str(conninfo_to_dict(conninfo)["dbname"]))
    settings.cache_clear()

    def run(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["footnote", *arguments])
        capfd.readouterr()
        try:
            main()
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
        captured = capfd.readouterr()
        return Outcome(status, captured.out, captured.err)

    yield run
    settings.cache_clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three small documents about a bridge."""
    (tmp_path / "bridge.md").write_text(
        "# The Harbour Bridge\n\nThe bridge opened in 1932 after eight years of work. "
        "It carries two railway tracks. It is painted grey, because only grey paint was to be had in such amounts.\n\n"
        "## Tolls\n\nA car pays 4 euros in each direction. Bicycles cross free of charge.\n",
        encoding="utf-8",
    )
    (tmp_path / "ferry.txt").write_text(
        "The ferry sails every day at noon. Tickets are sold on board; children under six travel free.\n",
        encoding="utf-8",
    )
    (tmp_path / "prices.csv").write_text("item,price\nday ticket,12.50\nmonth ticket,95.00\n", encoding="utf-8")
    return tmp_path
