"""The file of gates, and the command that measures what it names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.evaluation import evals
from evals.gate.check import Checked, Report
from evals.gate.gates import GATES, Gate, UnreadableGates, read_gates
from settings import Settings, settings


def _file(folder: Path, text: str) -> Path:
    (folder / "gates.toml").write_text(text, encoding="utf-8")
    return folder / "gates.toml"


FEW = """
[evaluations.pii]
paths = ["texts.json"]
gates = [{ set = "texts", metric = "card F2", floor = %s }, { metric = "card F2", ceiling = 1.0 }]
"""
TEXT = "My card is 4111111111111111."
SPAN = {"entity_type": "CREDIT_CARD", "start_position": 11, "end_position": 27}


@pytest.mark.parametrize(("floor", "status"), [("0.9", 0), ("1.1", 1)])
def test_the_command_measures_gates_of_ones_own_and_tells_by_its_status(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, floor: str, status: int
) -> None:
    monkeypatch.setenv("FOOTNOTE_HOME", str(home))
    settings.cache_clear()
    (tmp_path / "texts.json").write_text(json.dumps([{"full_text": TEXT, "spans": [SPAN]}]), encoding="utf-8")
    file = _file(tmp_path, FEW % floor)
    ran = CliRunner().invoke(evals, ["gate", "--gates", str(file), "--json"])
    assert ran.exit_code == status
    printed = json.loads(ran.stdout)
    assert printed["passed"] == (status == 0)
    assert [(one["set"], one["measured"], one["passed"]) for one in printed["gates"]] == [
        ("texts", 1.0, status == 0), ("all", 1.0, True),
    ]  # fmt: skip
    table = CliRunner().invoke(evals, ["gate", "--gates", str(file)])
    assert f"at least {floor}" in table.stdout
    assert ("The gate is shut: pii texts card F2." in table.stderr) == (status == 1)
    settings.cache_clear()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("evaluations = 3", "evaluations"),
        ("[evaluations", "not a file of gates"),
        ("[evaluations.spelling]\npaths = ['x']\ngates = [{ metric = 'm', floor = 1 }]", "no evaluation spelling"),
        ("[evaluations.pii]\npaths = ['x']\ngates = [{ metric = 'm' }]", "neither a floor nor a ceiling"),
        ("[evaluations.pii]\npaths = []\ngates = [{ metric = 'm', floor = 1 }]", "paths"),
        ("[evaluations.pii]\npaths = ['x']\ngates = [{ metric = 'm', flor = 1 }]", "flor"),
    ],
)
def test_a_file_that_is_not_of_gates_is_refused_in_a_sentence(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(UnreadableGates, match=reason):
        read_gates(_file(tmp_path, text))


def test_an_evaluation_without_gates_cannot_be_chosen() -> None:
    with pytest.raises(UnreadableGates, match="no gate of speed: choose of"):
        read_gates(GATES).only(["speed"])
    with pytest.raises(UnreadableGates, match="cannot be read"):
        read_gates(GATES.parent / "none.toml")


def test_a_metric_that_was_not_measured_shuts_the_gate() -> None:
    assert Gate(metric="m", floor=0.5, ceiling=0.6).holds(0.55)
    assert not Gate(metric="m", ceiling=0.5).holds(0.6)
    unmeasured = Checked("pii", "texts", "m", None, 0.0, None, False)
    assert not Report([unmeasured], {}, []).passed
    assert not Report([], {}, ["pii texts: 1 of 2 examples failed"]).passed


def test_the_gate_is_about_the_defaults_whatever_is_set(tmp_path: Path) -> None:
    odd = Settings(home=tmp_path, abstain_below=0.9, sensitive_policy={"card": "allow"}, chat_model="openai:x")
    measured = read_gates(GATES).settings(odd)
    assert (measured.home, measured.abstain_below, measured.sensitive_policy) == (tmp_path, None, {})
    assert (measured.chat_model, measured.allow_download) == (None, False)
