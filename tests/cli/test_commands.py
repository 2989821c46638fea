from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Footnote


def test_ingest_counts_what_is_new_unchanged_and_gone(footnote: Footnote, folder: Path) -> None:
    first = footnote("ingest", str(folder), "--json")
    assert first.status == 0, first.err
    assert (first.json["files"], first.json["indexed"], first.json["failed"]) == (3, 3, [])
    assert first.json["chunks"] >= 3
    again = footnote("ingest", str(folder), "--json").json
    assert (again["indexed"], again["unchanged"], again["deleted"], again["chunks"]) == (0, 3, 0, 0)
    (folder / "ferry.txt").unlink()
    (folder / "bridge.md").write_text("# The Harbour Bridge\n\nThe bridge opened in 1931.\n")
    changed = footnote("ingest", str(folder), "--json").json
    assert (changed["indexed"], changed["unchanged"], changed["deleted"]) == (1, 1, 1)
    listed = footnote("docs", "list", "--json").json
    assert sorted((Path(row["source"]).name, row["version"]) for row in listed) == [("bridge.md", 2), ("prices.csv", 1)]


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_read(footnote: Footnote, folder: Path) -> None:
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing that follows is a PDF")
    (folder / "empty.txt").write_bytes(b"")
    outcome = footnote("ingest", str(folder), "--json")
    assert outcome.status == 1
    assert outcome.json["indexed"] == 3
    assert [Path(row["file"]).name for row in outcome.json["failed"]] == ["broken.pdf", "empty.txt"]
    assert all(row["reason"] for row in outcome.json["failed"])


def test_a_missing_path_fails_in_one_line(footnote: Footnote, folder: Path) -> None:
    outcome = footnote("ingest", str(folder / "nowhere"))
    assert outcome.status == 1
    assert "no such file or folder" in outcome.out
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("mode", ["lexical", "vector", "hybrid"])
def test_search_gives_results_as_promised(footnote: Footnote, folder: Path, mode: str) -> None:
    footnote("ingest", str(folder))
    found = footnote("search", "railway tracks on the bridge", "--mode", mode, "--k", "2", "--json").json
    assert set(found[0]) == {
        "rank", "chunk_id", "document_id", "title", "source", "pages", "start", "end", "score", "text"
    }  # fmt: skip
    assert found[0]["rank"] == 1
    assert "two railway tracks" in found[0]["text"]
    stored = footnote("docs", "text", found[0]["document_id"]).out
    assert stored[found[0]["start"] : found[0]["end"]] == found[0]["text"]


def test_search_reranks_and_filters(footnote: Footnote, folder: Path) -> None:
    footnote("ingest", str(folder))
    found = footnote("search", "what does a ticket cost", "--rerank", "--filter", "type=csv", "--json").json
    assert [Path(row["source"]).name for row in found] == ["prices.csv"]


def test_an_answer_quotes_the_stored_text_and_its_receipt_holds(footnote: Footnote, folder: Path) -> None:
    footnote("ingest", str(folder))
    outcome = footnote("ask", "When did the bridge open?", "--json")
    assert outcome.status == 0, outcome.err
    answer = outcome.json
    assert set(answer) >= {
        "answer", "abstained", "claims", "confidence", "route", "degraded", "timings", "usage", "receipt"
    }  # fmt: skip
    assert "1932" in answer["answer"]
    for claim in answer["claims"]:
        assert claim["citations"]
        for citation in claim["citations"]:
            stored = footnote("docs", "text", citation["document_id"], "--version", str(citation["version"])).out
            assert stored[citation["start"] : citation["end"]] == citation["quote"]
            assert hashlib.sha256(citation["quote"].encode()).hexdigest() == citation["sha256"]
    verified = footnote("verify", answer["receipt"], "--json")
    assert verified.status == 0
    assert verified.json["holds"]


def test_verify_says_what_has_changed_since(footnote: Footnote, folder: Path) -> None:
    footnote("ingest", str(folder))
    receipt = footnote("ask", "When did the bridge open?", "--json").json["receipt"]
    (folder / "bridge.md").write_text("# The Harbour Bridge\n\nThe bridge opened in 1931.\n")
    footnote("ingest", str(folder))
    changed = footnote("verify", receipt, "--json")
    assert changed.status == 0
    assert any("version 2 is current" in span["note"] for span in changed.json["spans"])
    (folder / "bridge.md").unlink()
    footnote("ingest", str(folder))
    gone = footnote("verify", receipt)
    assert gone.status == 1
    assert "gone" in gone.out


def test_what_nothing_answers_is_an_abstention(footnote: Footnote, folder: Path) -> None:
    footnote("ingest", str(folder))
    answer = footnote("ask", "Who won the chess world championship in 1972?", "--json").json
    assert answer["abstained"]
    assert answer["claims"] == []


def test_asking_an_empty_database_is_an_abstention_not_an_error(footnote: Footnote) -> None:
    outcome = footnote("ask", "When did the bridge open?")
    assert outcome.status == 0
    assert "I don't know" in outcome.out


def test_a_terminal_sees_the_quote_under_the_answer(footnote: Footnote, folder: Path) -> None:
    footnote("ingest", str(folder))
    shown = footnote("ask", "When did the bridge open?").out
    assert "[1]" in shown
    assert "bridge.md" in shown
    assert "“The bridge opened in 1932" in shown


def test_documents_are_shown_and_deleted(footnote: Footnote, folder: Path) -> None:
    footnote("ingest", str(folder), "--tag", "travel")
    rows = footnote("docs", "list", "--json").json
    bridge = next(row for row in rows if row["source"].endswith("bridge.md"))
    assert footnote("docs", "show", bridge["id"], "--json").json["tags"] == ["travel"]
    assert footnote("docs", "delete", bridge["id"], "--json").json == {"deleted": 1}
    assert footnote("docs", "show", bridge["id"]).status == 1
    assert footnote("search", "railway tracks", "--mode", "lexical", "--json").json == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ask", ""), "no words"),
        (("ask", "x" * 5000), "4000"),
        (("search", " "), "empty"),
        (("search", "x", "--filter", "nonsense"), "key=value"),
        (("search", "x", "--filter", "after=yesterday"), "2026-01-31"),
        (("search", "x", "--collection", "nowhere"), "nowhere"),
        (("docs", "show", "42"), "docs list"),
        (("docs", "text", "00000000-0000-0000-0000-000000000000"), "docs list"),
        (("verify", "42"), "neither"),
        (("eval", "retrieval", "/nonexistent"), "does not exist: give a BEIR-style folder"),
    ],
)
def test_expected_failures_are_one_line_on_stderr(footnote: Footnote, arguments: tuple[str, ...], said: str) -> None:
    outcome = footnote(*arguments)
    assert outcome.status == 1
    assert outcome.out == ""
    assert said in outcome.err
    assert outcome.err.startswith("footnote: ")
    assert len(outcome.err.strip().splitlines()) == 1


def test_doctor_finds_a_working_database_and_models(footnote: Footnote) -> None:
    outcome = footnote("doctor", "--json")
    assert outcome.status == 0, outcome.out
    assert {"database", "embedding model", "reranker"} <= {check["what"] for check in outcome.json}


def test_evaluation_measures_a_small_set(footnote: Footnote, tmp_path: Path) -> None:
    rows = [("d1", "Bridges", "The bridge opened in 1932."), ("d2", "Ferries", "The ferry sails at noon.")]
    (tmp_path / "corpus.jsonl").write_text(
        "".join(json.dumps({"_id": i, "title": t, "text": x}) + "\n" for i, t, x in rows)
    )
    (tmp_path / "queries.jsonl").write_text(
        "".join(
            json.dumps({"_id": i, "text": x}) + "\n"
            for i, x in [("q1", "when did the bridge open"), ("q2", "unjudged")]
        )
    )
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\n")
    result = footnote("eval", "retrieval", str(tmp_path), "--modes", "lexical,rerank", "--json").json
    assert (result["passages"], result["questions"]) == (2, 1)
    assert set(result["lexical"]) == {"nDCG@10", "R@5", "R@10", "RR@10", "P@5", "p50_ms", "p95_ms"}
    assert result["lexical"]["nDCG@10"] == result["rerank"]["nDCG@10"] == 1.0
    assert footnote("docs", "list", "--json").json == []


@pytest.mark.parametrize("arguments", [("--help",), ("docs", "--help"), ("search", "x", "--mode", "lexical")])
def test_light_commands_load_no_torch(home: Path, arguments: tuple[str, ...]) -> None:
    program = "import sys; from cli.main import main; sys.argv[0] = 'footnote'\ntry: main()\nexcept SystemExit: pass\n"
    program += (
        "print([name for name in sys.modules if name in ('torch', 'transformers', 'langgraph')], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "FOOTNOTE_HOME": str(home)}, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stderr.strip().splitlines()[-1] == "[]"


def test_a_database_that_is_not_there_is_said_within_seconds(
    footnote: Footnote, monkeypatch: pytest.MonkeyPatch
) -> None:
    from settings import settings

    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    monkeypatch.setenv("FOOTNOTE_CONNECT_TIMEOUT", "1")
    settings.cache_clear()
    started = time.monotonic()
    outcome = footnote("search", "anything", "--mode", "lexical")
    assert outcome.status == 1
    assert "database" in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1
    assert time.monotonic() - started < 5
