from __future__ import annotations

import csv
import re
import shlex
import shutil
from pathlib import Path

import pytest

from evals.answers import normalised
from ingest.sources import find_sources
from tests.cli.conftest import Footnote

EXAMPLE = Path(__file__).parents[2] / "examples" / "customer_support"
README = (EXAMPLE / "README.md").read_text(encoding="utf-8")
LINES = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]
# Enough to answer from, and quick to read in.
KEPT = ("returns-policy-2024.md", "returns-policy-2026.md", "error-codes.md", "parts.csv", "warranty.md")


def questions() -> list[dict[str, str]]:
    with (EXAMPLE / "questions.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_commands_of_its_readme_work_one_after_the_other(
    footnote: Footnote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "examples" / "customer_support"
    (here / "documents").mkdir(parents=True)
    for name in KEPT:
        shutil.copy(EXAMPLE / "documents" / name, here / "documents")
    for name in ("questions.csv", "settings.env"):
        shutil.copy(EXAMPLE / name, here)
    monkeypatch.chdir(tmp_path)
    printed: dict[str, str] = {}
    for line in LINES:
        command, *words = shlex.split(line)
        if command == "export":
            monkeypatch.setenv(*words[0].split("=", 1))
            continue
        assert command == "footnote", line
        few = ["--most", "2"] if words[:2] == ["eval", "answers"] else []
        few = ["--most", "4"] if words[0] == "tune" else few
        outcome = footnote(*words, *few)
        name = " ".join(words[:2])
        if name == "eval feedback":  # nobody has judged an answer here
            assert (outcome.status, "There is no opinion yet" in outcome.err) == (1, True)
        else:
            assert outcome.status == 0, f"{line}\n{outcome.out}\n{outcome.err}"
        printed[name] = outcome.out
    assert "You may return a product within 30 days after delivery. [1]" in printed["ask " + shlex.split(LINES[2])[2]]
    assert "span_recall" in printed["eval answers"]
    assert {path.name for path in tmp_path.iterdir()} >= {"before", "after", "made.jsonl", "tuned.env"}


def test_every_right_answer_stands_in_its_documents() -> None:
    parsed = [source.parse() for source in find_sources([str(EXAMPLE / "documents")], max_bytes=1_000_000).sources]
    everything = " ".join(normalised(one.text) for one in parsed)
    rows = questions()
    assert len({row["question"] for row in rows}) == len(rows) >= 40
    for row in rows:
        answers = [answer for answer in row["answers"].split("|") if answer]
        assert bool(answers) != (row["class"] == "unanswerable"), row
        if answers:
            assert any(f" {normalised(answer)} " in f" {everything} " for answer in answers), row
