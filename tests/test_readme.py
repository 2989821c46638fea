from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
import typer

from cli.main import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CODE = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL) + re.findall(r"`([^`\n]+)`", README))
COMMANDS = sorted(set(re.findall(r"^footnote ((?:[a-z]+ ?)+)", CODE, re.MULTILINE)))
TARGETS = sorted(set(re.findall(r"^make ([a-z-]+)", CODE, re.MULTILINE)))


def _command(words: list[str]) -> click.Command | None:
    """Follow the words of a command line into the tree of commands as far as they name one."""
    command: object = typer.main.get_command(app)
    for word in words:
        children = getattr(command, "commands", None)
        if children is None:
            break
        if word not in children:
            return None
        command = children[word]
    return command  # type: ignore[return-value]


def test_the_readme_begins_with_what_it_is_two_commands_and_a_picture() -> None:
    opening = README[:1200]
    assert opening.startswith("# Footnote\n")
    assert opening.index("make demo") < opening.index("make test") < opening.index("docs/images/demo.svg")
    assert (ROOT / "docs/images/demo.svg").stat().st_size > 1000


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_it_names_exists(line: str) -> None:
    assert _command(line.split()) is not None, line


def test_every_option_it_names_exists() -> None:
    known: set[str] = set()
    pending: list[object] = [typer.main.get_command(app)]
    while pending:
        command = pending.pop()
        pending.extend(getattr(command, "commands", {}).values())
        for parameter in getattr(command, "params", []):
            known.update(parameter.opts)
    named = set(re.findall(r"^footnote [^\n#]*?(--[a-z]+)", CODE, re.MULTILINE)) | set(
        re.findall(r"^(--[a-z]+)", CODE, re.M)
    )
    assert named
    assert named <= known


@pytest.mark.parametrize("target", TARGETS)
def test_every_make_target_it_names_exists(target: str) -> None:
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_file_it_links_to_is_there() -> None:
    for target in re.findall(r"\]\(((?!http)[^)]+)\)", README):
        assert (ROOT / target).exists(), target


def test_every_setting_it_names_is_read() -> None:
    fields = (ROOT / "settings.py").read_text(encoding="utf-8")
    for name in set(re.findall(r"\b(?:FOOTNOTE|MIGRATION|DATABASE)_[A-Z_]+", README)):
        known = name in fields or name.removeprefix("FOOTNOTE_").lower() in fields
        assert known, name


def _demo(home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """What `make demo` runs once everything is installed, without a terminal."""
    environment = {**os.environ, "FOOTNOTE_HOME": str(home), "FOOTNOTE_DATABASE_NAME": "test_demo", **variables}
    return subprocess.run(
        ["bash", "scripts/demo.sh", str(Path(sys.executable).parent)],
        cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_the_demo_answers_three_questions_with_footnotes(home: Path) -> None:
    done = _demo(home, DOCS="samples", Q="")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n? ") == 3
    assert "€0.38" in done.stdout
    assert "Rain gauge blocked or tilted" in done.stdout
    assert "90 km/h" in done.stdout
    assert done.stdout.count("[1]") >= 6  # a mark in each answer, and the source below it
    assert "I don't know" not in done.stdout
    assert "make demo DOCS=some/folder" in done.stdout


def test_the_demo_answers_from_your_own_folder(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "my own notes"
    folder.mkdir()
    (folder / "ferry.md").write_text("# Ferry\n\nThe ferry sails every day at noon from the old harbour.\n")
    done = _demo(home, DOCS=str(folder), Q='When does the "ferry" sail?')
    assert done.returncode == 0, done.stderr
    assert "The ferry sails every day at noon from the old harbour. [1]" in done.stdout


def test_the_demo_says_which_folder_is_missing(home: Path) -> None:
    done = _demo(home, DOCS="no/such/folder", Q="")
    assert done.returncode == 1
    assert "There is no folder or file 'no/such/folder'" in done.stderr
