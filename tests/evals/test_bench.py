"""The bench: what it measures, how it runs peers, and how it judges."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evals.bench.__main__ import main
from evals.bench.memory import resident_bytes, watched_memory
from evals.bench.peers import PeerFailed, measure_peers
from evals.bench.targets import Target, targets
from settings import settings

FIXTURES = Path(__file__).parents[1] / "fixtures"
PEER = """import json, os, sys
assert os.path.isdir(os.environ["TMPDIR"])
print("Loading weights")
print(json.dumps({"peer": "%s", "nDCG@10": 0.5, "R@5": 0.5, "R@10": 0.5, "RR@10": 0.5, "p50_ms": 1000.0,
                  "p95_ms": 2000.0, "ingest_per_s": 0.001, "set": sys.argv[1]}))
"""
OURS: dict[str, Any] = {
    "ask": {"p50_ms": 119.0}, "ask rerank": {"p50_ms": 601.0}, "help_s": 0.2, "search_s": 1.0, "memory_gb": 1.2,
    "ingest_per_s": 100.0, "hybrid": {"p50_ms": 5.0},
}  # fmt: skip


@pytest.fixture
def peers(tmp_path: Path) -> Path:
    for script, name in (
        ("haystack_hybrid", "haystack hybrid"),
        ("llamaindex_hybrid", "llamaindex hybrid"),
        ("reference", "reference"),
    ):
        (tmp_path / f"{script}.py").write_text(PEER % name)
    return tmp_path


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """A set of a few questions: what is measured on it is whether all is measured."""
    whole, folder = FIXTURES / "clapnq_small", tmp_path / "few"
    folder.mkdir()
    questions = (whole / "queries.jsonl").read_text().splitlines()[:12]
    keys = {json.loads(line)["_id"] for line in questions}
    judged = [line for line in (whole / "qrels.tsv").read_text().splitlines() if line.split("\t")[0] in keys]
    relevant = {cell for line in judged for cell in line.split("\t")}
    passages = (whole / "corpus.jsonl").read_text().splitlines()
    kept = [line for number, line in enumerate(passages) if number < 20 or json.loads(line)["_id"] in relevant]
    for name, lines in (("queries.jsonl", questions), ("qrels.tsv", judged), ("corpus.jsonl", kept)):
        (folder / name).write_text("\n".join(lines) + "\n")
    return folder


def test_a_set_is_measured_beside_the_peers_in_one_run(
    few: Path, peers: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FOOTNOTE_HOME", str(home))
    settings.cache_clear()
    main([str(few), "--peers", str(peers), "--peers-python", sys.executable, "--json"])
    settings.cache_clear()
    result = json.loads(capsys.readouterr().out)
    assert result["ours"]["hybrid"]["nDCG@10"] > 0.9
    assert {"lexical", "vector", "hybrid", "rerank", "ask", "ask rerank"} <= set(result["ours"])
    assert all(result["ours"][key] > 0 for key in ("ingest_per_s", "memory_gb", "help_s", "search_s", "chunks"))
    assert [row["peer"] for row in result["peers"]] == ["haystack hybrid", "llamaindex hybrid", "reference"]
    reached = {row["what"]: row["reached"] for row in result["targets"]}
    assert reached["passages/s until searchable, ours : Haystack"] == "aim"
    assert reached["hybrid question p50, ours : Haystack"] == "aim"


def test_a_folder_that_is_no_set_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "not a BEIR-style folder" in told.err


def test_figures_are_held_against_floors_and_aims_whichever_way_is_better() -> None:
    assert [Target("", ours, 2, 4).verdict for ours in (1.9, 2, 3.9, 4)] == ["missed", "floor", "floor", "aim"]
    assert [Target("", ours, 0.4, 0.2).verdict for ours in (0.41, 0.4, 0.2)] == ["missed", "floor", "aim"]
    haystack = {"peer": "haystack hybrid", "ingest_per_s": 25.0, "p50_ms": 20.0}
    held = {target.what: target.verdict for target in targets(OURS, [haystack, {"peer": "another"}])}
    assert list(held.values()) == ["floor", "missed", "aim", "floor", "floor", "aim", "floor"]
    assert len(targets(OURS, [])) == 5


def test_a_peer_that_fails_is_named_with_its_last_words(peers: Path) -> None:
    (peers / "llamaindex_hybrid.py").write_text("raise SystemExit('no such package')")
    with pytest.raises(PeerFailed, match=r"(?s)llamaindex_hybrid\.py.*no such package"):
        measure_peers(peers, peers, Path(sys.executable))


def test_memory_counts_child_processes_but_not_the_database_server() -> None:
    hold = "held = bytearray(200_000_000); print(1, flush=True); input()"
    with watched_memory() as peak:
        before = peak.bytes
        with subprocess.Popen(
            [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            child.stdout.readline()
            assert resident_bytes() - before > 200_000_000
            child.communicate("\n")
    assert peak.bytes > 0
