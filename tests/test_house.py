"""Rules of the house that no linter knows."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = [
    "state", "text", "observe", "prompts", "models", "store", "tools", "ingest", "nodes", "graph", "server", "evals",
    "cli",
]  # fmt: skip
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def test_only_settings_reads_the_environment() -> None:
    reading = re.compile(r"os\.environ|os\.getenv|environ\.get|from os import environ")
    assert [path.name for path in SOURCES if reading.search(path.read_text(encoding="utf-8"))] == []


def test_settings_stands_below_all_rooms() -> None:
    imports = re.findall(r"^(?:from|import) (\w+)", (ROOT / "settings.py").read_text(encoding="utf-8"), re.MULTILINE)
    assert not set(imports) & set(ROOMS)


def test_every_package_is_installed_with_its_data() -> None:
    listed = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    packages = {path.parent.relative_to(ROOT).as_posix().replace("/", ".") for path in SOURCES}
    assert [package for package in sorted(packages) if f'"{package}"' not in listed] == []


def test_sql_is_never_put_together_from_values() -> None:
    """Parameters are bound; only identifiers and constants of the program are formatted in, by psycopg.sql."""
    for path in (ROOT / "store").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r'execute\(\s*f"""[^"]*?\{(\w+)\}|execute\(\s*f"[^"\n]*?\{(\w+)\}', text):
            assert "".join(name).isupper() or "".join(name).startswith("_"), (path.name, name)
