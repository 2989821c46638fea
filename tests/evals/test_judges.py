"""The judge: how far it agrees with labels, that only one that does is believed, and what it says of answers."""

from __future__ import annotations

import json
import math
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evals import agreement
from evals.answers import Answers
from evals.judges import Judges, kappa
from evals.judging import ASPECTS, NoJudge, prompt_hash
from evals.runs.evaluation import Conditions
from evals.runs.experiment import run_evaluation
from evals.runs.folder import SavedRun, save_run
from evals.runs.keeping import kept_run
from evals.sets.judged import read_judged
from evals.sets.rows import NoSet, UnreadableSet
from settings import Settings
from tests.chat_server import ChatServer, Reply, chat_server

_PART = re.compile(r"\[begin ([a-z ]+?)(?: \d+)?, data \w+\]\n(.*?)\n\[end", re.DOTALL)
COUNT = 15  # questions, and pairs of claims


@pytest.fixture
async def chat() -> AsyncIterator[ChatServer]:
    async with chat_server() as server:
        server.decide = good
        yield server


@pytest.fixture
def conditions(tmp_path: Path, chat: ChatServer) -> Conditions:
    """Conditions with a chat model, and a home folder without a database: judges need none."""
    return Conditions(_settings(tmp_path / "home", chat))


def _settings(home: Path, chat: ChatServer, **more: Any) -> Settings:
    prices = home.parent / "prices.json"
    prices.write_text(json.dumps({"prices": {"openai:judge": {"input": 1.0, "output": 2.0}}}), encoding="utf-8")
    given = {
        "home": home, "allow_download": False, "chat_model": "openai:judge", "chat_base_url": chat.url,
        "chat_api_key": "house-key", "chat_prices": prices, "chat_retries": 0, **more,
    }  # fmt: skip
    return Settings.model_validate(given)


@pytest.fixture
def sets(tmp_path: Path) -> list[Path]:
    """A file of claims, and a BEIR-style set whose right answers have two parts."""
    rows = [
        {"doc": f"Pier {n} is grey. It was built in {1900 + n}.", "summary": f"It was built in {1900 + n + wrong}.",
         "label": 1 - wrong}
        for n in range(COUNT)
        for wrong in (0, 1)
    ]  # fmt: skip
    (tmp_path / "piers.json").write_text(json.dumps(rows), encoding="utf-8")
    folder = tmp_path / "builders"
    folder.mkdir()
    files: dict[str, list[dict[str, Any]]] = {
        "corpus.jsonl": [
            {"_id": f"p{n}", "title": "", "text": f"Ann{n} and Bob{n} built bridge {n}. Tolls on bridge {n} are low."}
            for n in range(COUNT)
        ],
        "queries.jsonl": [
            {"_id": f"q{n}", "text": f"Who built bridge {n}?", "answers": [f"Ann{n} and Bob{n}"]} for n in range(COUNT)
        ],
    }
    for name, lines in files.items():
        (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    (folder / "qrels.tsv").write_text("".join(f"q{n}\tp{n}\t1\n" for n in range(COUNT)), encoding="utf-8")
    return [tmp_path / "piers.json", folder]


def good(body: dict[str, Any]) -> Reply:
    """Judge right: what is to be found word for word is there."""
    parts = _PART.findall(body["messages"][-1]["content"])
    given = dict(parts)
    answer = given["answer to judge"]
    if "passage" in given:
        holds = answer in given["passage"]
    elif "right answer" in given:
        holds = given["right answer"] in answer
    else:
        holds = {*given["full answer"].split()} <= {*answer.split()}
    return verdict(holds)


def verdict(holds: bool) -> Reply:
    return Reply(json.dumps({"reason": "Because.", "verdict": "yes" if holds else "no"}))


async def measured(conditions: Conditions, sets: list[Path], name: str = "judges one") -> SavedRun:
    """Measure and keep, without a report."""
    evaluation = Judges(conditions)
    metadata = {"evaluation": "judges", "at": datetime.now(UTC).isoformat(), **evaluation.made_with()}
    results = await run_evaluation(evaluation, sets, metadata)
    return save_run(conditions.settings.home / "runs" / name, evaluation, results, metadata)


def proof(home: Path, name: str, at: str = "2026-01-01", kappa: float = 0.8, judged: int = 60, failed: int = 0) -> None:
    """Write what is kept of a measurement, as far as it is looked at."""
    agreed = {"kappa": [kappa, kappa - 0.1, kappa + 0.1], "judged": judged}
    run = {
        "metadata": {
            "evaluation": "judges", "at": at, "results": 180, "failed": failed,
            "judge": {"model": "openai:judge", "prompts": {aspect: prompt_hash(aspect) for aspect in ASPECTS}},
        },
        "summary": {"aspects": dict.fromkeys(ASPECTS, agreed)},
    }  # fmt: skip
    (home / "runs" / name).mkdir(parents=True)
    (home / "runs" / name / "run.json").write_text(json.dumps(run), encoding="utf-8")


async def test_a_judge_that_agrees_is_measured_with_its_cost_and_believed(
    conditions: Conditions, sets: list[Path], chat: ChatServer
) -> None:
    saved = await measured(conditions, sets)
    aspects = saved.summary["aspects"]
    assert {*aspects} == {"correctness", "completeness", "groundedness"}
    for row in aspects.values():
        assert row["kappa"] == [1.0, 1.0, 1.0] and row["balanced_accuracy"][0] == 1.0
        assert row["judged"] == 2 * COUNT and row["true"] == COUNT
        tokens = row["input_tokens"] + 2 * row["output_tokens"]
        assert row["cost_usd"] == pytest.approx(tokens / 1e6, abs=1e-5)
    assert sum(row["model_calls"] for row in aspects.values()) == 6 * COUNT
    believed = agreement.believed(conditions.settings)
    assert believed["correctness"]["run"] == "judges one" and believed["correctness"]["kappa"][0] == 1.0


def test_kappa_is_scikit_learns() -> None:
    from sklearn.metrics import cohen_kappa_score

    chance = np.random.default_rng(1)
    for share in (0.1, 0.5, 0.9):
        labels = chance.random(60) < share
        said = np.where(chance.random(60) < 0.7, labels, ~labels)
        assert kappa(labels, said) == pytest.approx(cohen_kappa_score(labels, said))
    assert kappa(labels, labels) == 1.0
    assert math.isnan(kappa(np.ones(5, dtype=bool), np.ones(5, dtype=bool)))


async def test_texts_reach_the_judge_as_data_only(conditions: Conditions, sets: list[Path], chat: ChatServer) -> None:
    await measured(Conditions(conditions.settings, most=1), sets)
    for body in chat.requests:
        system, prompt = (message["content"] for message in body["messages"])
        assert "bridge" not in system and "Pier" not in system and "They are data" not in prompt
        assert "[begin answer to judge, data " in prompt
        assert body["temperature"] == 0.0


async def test_a_judge_that_always_agrees_is_not_believed(
    conditions: Conditions, sets: list[Path], chat: ChatServer
) -> None:
    chat.decide = lambda body: verdict(True)
    saved = await measured(conditions, sets[1:])
    assert saved.summary["aspects"]["correctness"]["kappa"][0] == 0.0
    with pytest.raises(NoJudge, match=r"openai:judge is not to be believed about correctness.*kappa of 0\.00"):
        Answers(conditions, judge=True)


def test_only_the_same_model_with_the_same_prompt_is_believed(
    conditions: Conditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NoJudge, match="run `footnote eval judges`"):
        Answers(conditions, judge=True)
    proof(conditions.settings.home, "one")
    Answers(conditions, judge=True)
    other = conditions.settings.model_copy(update={"chat_model": "openai:other"})
    with pytest.raises(NoJudge, match="openai:other"):
        Answers(Conditions(other), judge=True)
    monkeypatch.setattr(agreement, "prompt_hash", lambda aspect: "another")
    with pytest.raises(NoJudge, match="has not been measured"):
        Answers(conditions, judge=True)
    nothing = conditions.settings.model_copy(update={"chat_model": None})
    with pytest.raises(NoJudge, match="set FOOTNOTE_CHAT_MODEL"):
        Answers(Conditions(nothing), judge=True)


def test_the_newest_measurement_counts_and_a_small_or_failed_one_not(conditions: Conditions) -> None:
    home = conditions.settings.home
    proof(home, "first")
    proof(home, "too small", at="2026-01-02", judged=29)
    proof(home, "failed", at="2026-01-03", failed=10)
    (home / "runs" / "broken").mkdir()
    (home / "runs" / "broken" / "run.json").write_text("{", encoding="utf-8")
    assert agreement.believed(conditions.settings)["completeness"]["run"] == "first"
    for number, value in enumerate((0.39, math.nan)):
        proof(home, f"later {number}", at=f"2026-02-0{number + 1}", kappa=value)
        with pytest.raises(NoJudge, match=f"later {number}"):
            agreement.believed(conditions.settings)


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply("I would say yes."), "not the JSON asked for"),
        (Reply('{"reason": "", "verdict": "perhaps"}'), "not the JSON asked for"),
        (Reply("overloaded", status=503), "openai:judge"),
        (Reply("no such key", status=401), "openai:judge"),
    ],
)
async def test_what_the_judge_does_not_answer_is_a_failure_and_no_verdict(
    conditions: Conditions, sets: list[Path], chat: ChatServer, reply: Reply, told: str
) -> None:
    failed = re.compile(r"Ann\d ")
    chat.decide = lambda body: reply if failed.search(str(body["messages"])) else good(body)
    saved = await measured(Conditions(conditions.settings, most=6), sets[1:])
    errors = [one.error for one in saved.results if one.error]
    assert 0 < saved.metadata["failed"] == len(errors) < len(saved.results)
    assert all(told in error for error in errors)
    judged = sum(row["judged"] for row in saved.summary["aspects"].values())
    assert judged == len(saved.results) - len(errors)


async def test_another_model_never_judges_in_its_place(tmp_path: Path, sets: list[Path], chat: ChatServer) -> None:
    chat.decide = lambda body: Reply("no such key", status=401) if body["model"] == "judge" else good(body)
    settings = _settings(tmp_path / "home", chat, chat_fallback_model="openai:other")
    saved = await measured(Conditions(settings, most=2), sets[:1])
    assert all(one.error for one in saved.results)
    assert {body["model"] for body in chat.requests} == {"judge"}


async def test_a_believed_judge_judges_answers_and_the_run_says_why_it_is_believed(
    home: Path, tmp_path: Path, sets: list[Path], chat: ChatServer
) -> None:
    def answers(body: dict[str, Any]) -> Reply:
        text = str(body["messages"])
        return good(body) if "answer to judge" in text else Reply("Ann3 and Bob3 built bridge 3. [1]")

    proof(home, "judges one")
    chat.decide = answers
    asked = [tmp_path / "asked"]
    asked[0].mkdir()
    for name in ("corpus.jsonl", "queries.jsonl", "qrels.tsv"):
        lines = (sets[1] / name).read_text(encoding="utf-8").splitlines(keepends=True)
        chosen = [line for line in lines if re.search(r"\b[pq]3\b", line)]
        (asked[0] / name).write_text("".join(chosen), encoding="utf-8")
    conditions = Conditions(_settings(home, chat, abstain_below=0.0))
    saved = await kept_run(Answers(conditions, judge=True), asked, tmp_path / "run")
    [result] = saved.results
    assert not result.error and result.outputs["answer"].startswith("Ann3 and Bob3")
    assert {name: value for name, value in result.scores.items() if name.startswith("judged")} == {
        "judged correctness": 1.0, "judged completeness": 1.0, "judged groundedness": 1.0,
    }  # fmt: skip
    assert result.outputs["judged"]["usage"]["model_calls"] == 3
    assert saved.metadata["judge"]["believed"]["groundedness"]["run"] == "judges one"
    assert saved.summary["judged correctness"] == 1.0

    chat.decide = lambda body: Reply("?") if "answer to judge" in str(body["messages"]) else answers(body)
    saved = await kept_run(Answers(conditions, judge=True), asked, tmp_path / "again")
    assert "not the JSON asked for" in saved.results[0].error and not saved.results[0].scores


def test_true_and_false_answers_take_turns_and_no_false_one_holds_a_right_answer(sets: list[Path]) -> None:
    found = read_judged(sets)
    assert {*found} == {"groundedness piers", "correctness builders", "completeness builders"}
    for examples in found.values():
        assert [one.reference["label"] for one in examples[:6]] == [True, False] * 3
        assert len({one.key for one in examples}) == len(examples)
    for one in found["correctness builders"]:
        assert (one.inputs["right"][0] in one.inputs["answer"]) is one.reference["label"]
    for one in found["completeness builders"]:
        assert one.inputs["answer"] != one.inputs["right"][0]
    assert found == read_judged(sets)


def test_halueval_s_answers_and_questions_without_passages_are_labelled_answers(tmp_path: Path) -> None:
    rows = [
        {"knowledge": f"Pier {n} is grey.", "question": f"What colour is pier {n}?", "right_answer": "Grey.",
         "hallucinated_answer": f"Pier {n} is red."}
        for n in range(6)
    ]  # fmt: skip
    (tmp_path / "qa.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = read_judged([tmp_path / "qa.jsonl"])
    assert {*found} == {"groundedness qa", "correctness qa"}
    wrong = [one.inputs["answer"] for one in found["correctness qa"] if not one.reference["label"]]
    assert all(answer.endswith("is red.") for answer in wrong) and len(wrong) == 6

    lines = "".join(f"When was {n} built?,{1900 + n}\n" for n in range(8))
    (tmp_path / "own.csv").write_text(f"question,answer\n{lines}", encoding="utf-8")
    found = read_judged([tmp_path / "own.csv"])
    assert {*found} == {"correctness own"}
    for one in found["correctness own"]:
        assert (one.inputs["answer"] == one.inputs["right"][0]) is one.reference["label"]
        assert one.inputs["answer"].isdigit()


def test_what_holds_no_labelled_answers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoSet, match="does not exist"):
        read_judged([tmp_path / "nowhere"])
    (tmp_path / "own.csv").write_text("question,answer\nWhy?,So.\n", encoding="utf-8")
    with pytest.raises(NoSet, match="fewer than 10"):
        read_judged([tmp_path / "own.csv"])
    (tmp_path / "own.csv").write_text("colour\nred\n", encoding="utf-8")
    with pytest.raises(UnreadableSet, match=r"own\.csv"):
        read_judged([tmp_path / "own.csv"])
