"""Evaluation runs at LangSmith: the same as without it, nothing twice, nothing personal, and never half of one."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from evals.answers import Answers
from evals.runs import langsmith_client, langsmith_datasets
from evals.runs.evaluation import Conditions, Evaluation, Target
from evals.runs.example import Example
from evals.runs.folder import SavedRun
from evals.runs.keeping import kept_run
from evals.runs.sending import Sending
from models.pii import PresidioFinder
from observe.langsmith_traces import HIDDEN
from settings import Settings
from state.errors import FootnoteError
from tests.evals.langsmith_server import LangSmithServer, langsmith_server
from tests.observe.langsmith_variables import forget_variables, langsmith_variables

SECRETS = ("ann@example.org", "4111 1111 1111 1111", "sk-proj-abcdefghijklmnopqrstuvwx", "lsv2_pt_made", "secret words")


class Capitals(Evaluation):
    """Asks for capitals, and knows two of three."""

    name = "capitals"
    headline = ("right",)
    known: Mapping[str, str] = {"France": "Paris", "Italy": "Rome"}
    right: Mapping[str, str] = {"France": "Paris", "Italy": "Rome", "Peru": "Lima"}
    mail = "ann@example.org"

    def read(self, paths: Sequence[Path]) -> dict[str, list[Example]]:
        """Return three questions, one of them with personal data."""
        return {
            f"three {self.mail}": [
                Example(
                    f"{country} {self.mail}",
                    {"question": f"Capital of {country}? I am {self.mail}, 4111 1111 1111 1111.",
                     "passages": ["secret words of a document"]},
                    {"answers": [capital], "evidence": "secret words"}, "capital",
                )
                for country, capital in self.right.items()
            ]
        }  # fmt: skip

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[Target]:
        """Answer from the head."""

        async def target(inputs: Mapping[str, Any]) -> dict[str, Any]:
            country = inputs["question"].split("?")[0].split()[-1]
            if country == "Peru":
                raise FootnoteError("secret words: nobody knows.")
            return {"answer": f"secret words: {self.known[country]}", "abstained": False, "receipt": {"id": "r-1"}}

        yield target

    def score(self, example: Example, outputs: Mapping[str, Any]) -> dict[str, float]:
        """Whether the answer is right."""
        return {"right": float(example.reference["answers"][0] in outputs["answer"]), "words": 3.0}


@pytest.fixture(scope="module")
def finder() -> PresidioFinder:
    """What finds personal data, loaded once."""
    finder = PresidioFinder()
    finder.open()
    return finder


@pytest.fixture
def langsmith_at(monkeypatch: pytest.MonkeyPatch, finder: PresidioFinder) -> Iterator[LangSmithServer]:
    """A server to which LangSmith's variables point in this process; afterwards it is as if they never had."""
    with langsmith_server() as server:
        monkeypatch.delenv("LANGSMITH_TRACING", raising=False)
        monkeypatch.setattr(langsmith_datasets, "PresidioFinder", lambda: finder)
        with langsmith_variables(monkeypatch, server.url):
            yield server


@pytest.fixture
def conditions(tmp_path: Path) -> Conditions:
    return Conditions(Settings(home=tmp_path, allow_download=False))


def _questions(folder: Path) -> None:
    """Write a set of one question."""
    folder.mkdir()
    rows = {
        "corpus.jsonl": {"_id": "b", "title": "The bridge", "text": "The harbour bridge opened in 1932. It is red."},
        "queries.jsonl": {"_id": "q", "text": "When did the harbour bridge open?", "answers": ["1932"]},
    }
    for name, row in rows.items():
        (folder / name).write_text(json.dumps(row) + "\n", encoding="utf-8")
    (folder / "qrels.tsv").write_text("q\tb\t1\n", encoding="utf-8")


async def run(conditions: Conditions, folder: Path, evaluation: type[Evaluation] = Capitals) -> SavedRun:
    return await kept_run(evaluation(conditions), [folder], folder / "run")


def scores(saved: SavedRun) -> list[Any]:
    return [(one.example.key, dict(one.outputs), dict(one.scores), one.error) for one in saved.results]


async def test_an_uploaded_run_is_the_local_run(
    conditions: Conditions, tmp_path: Path, langsmith_at: LangSmithServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploaded = await run(conditions, tmp_path)
    assert langsmith_at.sessions and uploaded.metadata["degraded"] == []
    before = len(langsmith_at.requests)
    monkeypatch.delenv("LANGSMITH_API_KEY")
    forget_variables()
    local = await run(conditions, tmp_path)
    assert len(langsmith_at.requests) == before
    assert scores(uploaded) == scores(local)
    assert uploaded.metrics == local.metrics
    assert uploaded.metadata["failed"] == 1


async def test_an_experiment_has_its_runs_scores_and_metadata(
    conditions: Conditions, tmp_path: Path, langsmith_at: LangSmithServer
) -> None:
    saved = await run(conditions, tmp_path)
    [dataset], [session] = langsmith_at.datasets.values(), langsmith_at.sessions.values()
    assert dataset["name"].startswith("footnote capitals three [")
    assert session["name"].startswith("capitals three [") and session["reference_dataset_id"] == dataset["id"]
    metadata = session["extra"]["metadata"]
    assert metadata["commit"] == saved.metadata["commit"] and metadata["prompts"] == saved.metadata["prompts"]
    assert metadata["models"]["embedding"] == "packaged" and metadata["set"].startswith("three [")
    assert metadata["settings"]["abstain_below"] is None and metadata["libraries"] == saved.metadata["libraries"]
    assert "git" not in metadata

    roots = [one for one in langsmith_at.runs.values() if not one.get("parent_run_id")]
    assert {one["reference_example_id"] for one in roots} == {*langsmith_at.examples}
    assert {one["session_name"] for one in roots} == {session["name"]}
    assert [one.get("error") for one in roots].count("FootnoteError") == 1
    given = {(one["run_id"], one["key"]): one["score"] for one in langsmith_at.feedback}
    assert len(given) == 4
    assert {score for (_, key), score in given.items() if key == "right"} == {1.0}
    assert {run for run, _ in given} < {one["id"] for one in roots}


async def test_nothing_is_there_twice_and_what_has_changed_is_updated(
    conditions: Conditions, tmp_path: Path, langsmith_at: LangSmithServer
) -> None:
    class Corrected(Capitals):
        right: Mapping[str, str] = {"France": "Paris", "Italy": "Roma", "Spain": "Madrid"}
        known = right

    await run(conditions, tmp_path)
    first = {key: one["outputs"] for key, one in langsmith_at.examples.items()}
    await run(conditions, tmp_path)
    assert langsmith_at.made("POST", "^/datasets") == 1 and len(langsmith_at.sessions) == 2
    assert langsmith_at.made("POST", "/examples") == 1 and langsmith_at.made("PATCH", "/examples") == 0

    await run(conditions, tmp_path, Corrected)
    assert len(langsmith_at.datasets) == 1 and len(langsmith_at.examples) == 4
    assert langsmith_at.made("POST", "/examples") == 2 and langsmith_at.made("PATCH", "/examples") == 1
    changed = {
        key: one["outputs"]["answers"] for key, one in langsmith_at.examples.items() if first.get(key) != one["outputs"]
    }
    assert sorted(changed.values()) == [["Madrid"], ["Roma"]]


async def test_servers_of_an_older_version_keep_the_same(
    conditions: Conditions, tmp_path: Path, langsmith_at: LangSmithServer
) -> None:
    class Corrected(Capitals):
        right: Mapping[str, str] = {"France": "Paris", "Italy": "Roma"}
        known = right

    langsmith_at.old = True
    await run(conditions, tmp_path)
    saved = await run(conditions, tmp_path, Corrected)
    assert saved.metadata["degraded"] == []
    assert len(langsmith_at.examples) == 3 and len(langsmith_at.sessions) == 2
    assert len([one for one in langsmith_at.runs.values() if not one.get("parent_run_id")]) == 5
    assert len(langsmith_at.feedback) == 8
    told = langsmith_at.arrived()
    for secret in SECRETS:
        assert secret not in told, secret


async def test_no_personal_data_leaves_and_no_words_of_documents_or_answers(
    conditions: Conditions, tmp_path: Path, langsmith_at: LangSmithServer
) -> None:
    await run(conditions, tmp_path)
    told = langsmith_at.arrived()
    for secret in (*SECRETS, "author_email"):
        assert secret not in told, secret
    assert "Capital of France? I am [" in told and "Lima" in told
    assert '"r-1"' not in told


def test_of_an_example_only_what_is_named_is_sent() -> None:
    example = Example(
        "7 ann@example.org",
        {"question": "Who is ann@example.org?", "answer": "words", "document": ["words"], "n": 3},
        {"answers": ["Ann, ann@example.org"], "relevant": {"p1 ann@example.org": 2}, "long_answers": ["words"]},
    )
    sent = Sending(str.upper, texts=False).example(example)
    assert sent == {
        "inputs": {"question": "WHO IS [hidden]?", "answer": HIDDEN, "document": HIDDEN, "n": 3},
        "outputs": {"answers": ["ANN, [hidden]"], "relevant": {"P1 [hidden]": 2}, "long_answers": HIDDEN},
        "metadata": {"key": "7 [hidden]", "kind": ""},
    }


async def test_words_are_sent_if_a_setting_allows_it_and_still_nothing_personal(
    conditions: Conditions, tmp_path: Path, langsmith_at: LangSmithServer
) -> None:
    await run(Conditions(conditions.settings.model_copy(update={"trace_texts": True})), tmp_path)
    told = langsmith_at.arrived()
    assert "secret words: Paris" in told and "secret words of a document" in told
    assert '"r-1"' not in told
    for secret in SECRETS[:4]:
        assert secret not in told, secret


async def test_a_graph_that_answers_is_traced_below_its_example(
    tmp_path: Path, home: Path, langsmith_at: LangSmithServer
) -> None:
    conditions = Conditions(Settings(home=home, allow_download=False), most=1)
    _questions(tmp_path / "bridges")
    saved = await kept_run(Answers(conditions), [tmp_path / "bridges"], tmp_path / "run")
    assert not saved.results[0].error and saved.metadata["degraded"] == []
    runs = langsmith_at.runs
    [root] = [one for one in runs.values() if not one.get("parent_run_id")]
    names = {one["name"] for one in runs.values() if one["trace_id"] == root["id"]}
    assert len(names) > 10 and {"footnote", "retrieve", "remember"} <= names
    [graph] = [one for one in runs.values() if one["name"] == "footnote"]
    assert graph["parent_run_id"] == root["id"]
    assert {one["key"] for one in langsmith_at.feedback} == {*saved.results[0].scores}
    assert saved.results[0].outputs["answer"][:60] not in langsmith_at.arrived()


@pytest.mark.parametrize(
    ("status", "breaks", "told"),
    [
        (401, "", "refuses the key"),
        (500, "", "answers with an error"),
        (503, "GET /examples", "answers with an error"),
        (403, "POST /v1/platform", "answers with an error"),
        (500, "POST /sessions", "answers with an error"),
    ],
)
async def test_a_run_that_langsmith_refuses_is_kept_here(
    conditions: Conditions, tmp_path: Path, langsmith_at: LangSmithServer, status: int, breaks: str, told: str
) -> None:
    langsmith_at.broken, langsmith_at.breaks = status, breaks
    saved = await run(conditions, tmp_path)
    [note] = saved.metadata["degraded"]
    assert note.startswith("LangSmith") and told in note and "kept here only" in note
    assert saved.metrics["three ann@example.org"]["right"][0] == 1.0
    assert json.loads((tmp_path / "run" / "run.json").read_text())["metadata"]["degraded"] == [note]
    assert not langsmith_at.runs


async def test_variables_that_contradict_each_other_are_said(
    conditions: Conditions, tmp_path: Path, langsmith_at: LangSmithServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGSMITH_RUNS_ENDPOINTS", "{}")
    with pytest.raises(langsmith_datasets.UnusableVariables, match="LANGSMITH_RUNS_ENDPOINTS"):
        await run(conditions, tmp_path)


@pytest.mark.parametrize("breaks", ["PATCH /sessions", "POST /runs"])
async def test_a_run_that_langsmith_loses_half_way_is_whole_here(
    conditions: Conditions, tmp_path: Path, langsmith_at: LangSmithServer, breaks: str
) -> None:
    langsmith_at.broken, langsmith_at.breaks = 500, breaks
    saved = await run(conditions, tmp_path)
    [note] = saved.metadata["degraded"]
    assert "not all of this run is there" in note
    assert len(saved.results) == 3 and saved.metrics["three ann@example.org"]["right"][0] == 1.0


async def test_a_server_that_is_gone_or_silent_costs_a_limited_time(
    conditions: Conditions, tmp_path: Path, langsmith_at: LangSmithServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(langsmith_client, "_READ_MS", 200)
    langsmith_at.stall = 1.0
    started = time.monotonic()
    saved = await run(conditions, tmp_path)
    assert "cannot be reached" in saved.metadata["degraded"][0]
    langsmith_at.stall = 0.0
    monkeypatch.setenv("LANGSMITH_ENDPOINT", "http://127.0.0.1:9")
    forget_variables()
    saved = await run(conditions, tmp_path)
    assert "cannot be reached" in saved.metadata["degraded"][0]
    assert time.monotonic() - started < 10
    assert langsmith_datasets._LAST_SECONDS <= 30
