"""What is measured of retrieval, hops, routing, rewriting and speed, each on a small set, and the same each time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from evals.answers import Answers
from evals.everything import run_everything
from evals.hops import Hops
from evals.measures.ranking import first_place, ranking_scores
from evals.retrieval import Retrieval
from evals.rewriting import Rewriting
from evals.routing import Routing
from evals.runs.evaluation import Conditions, Evaluation
from evals.runs.example import VOLATILE, Example, Result
from evals.runs.experiment import run_evaluation
from evals.runs.intervals import difference_interval, mean_interval, score_interval
from evals.runs.registry import evaluate
from evals.sets.beir import UnreadableSet
from evals.sets.lookups import generated_lookups
from evals.speed import PRESETS, Speed
from graph.app import open_application
from ingest.sources import find_sources
from settings import Settings, settings
from state.errors import InvalidFilter
from state.principal import local_principal
from tests.chat_server import ChatServer, Reply, chat_server
from text.tokens import tokens

PASSAGES = {
    "bridge": "The Calbury bridge opened in 1932 after eight years of work by the engineer Mara Lind.",
    "lind": "She was born in Oslo and studied engineering in Graz.",
    "ferry": "The ferry to the island leaves every hour from the eastern pier.",
    "museum": "The maritime museum closes at six on Sundays and holidays.",
    "library": "The public library lends tools for two weeks without a fee.",
    "tower": "The water tower on the hill was painted green in spring.",
}
TITLES = {"bridge": "Calbury bridge", "lind": "Mara Lind"}
QUESTIONS = [
    ("opening", "When did the Calbury bridge open?", "1932", ["bridge"]),
    ("birth", "Where was the engineer of the Calbury bridge born?", "Oslo", ["bridge", "lind"]),
    ("tools", "How long does the library lend tools?", "two weeks", ["library"]),
]
TURNS = [
    {"question": "Is it treatable?", "rewrite": "Is throat cancer treatable?", "history": ["What is throat cancer?"]},
    {"question": "Who uses it?", "rewrite": "Who uses Docker?", "history": ["What is Docker?"]},
    {"question": "What is Docker?", "rewrite": "What is Docker?", "history": []},
]


@pytest.fixture
def configuration(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setenv("FOOTNOTE_HOME", str(home))
    monkeypatch.setenv("FOOTNOTE_ALLOW_DOWNLOAD", "false")
    settings.cache_clear()
    yield settings()
    settings.cache_clear()


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """A set of passages and questions about a town."""
    folder = tmp_path / "town"
    folder.mkdir()
    corpus = [{"_id": key, "title": TITLES.get(key, key.title()), "text": text} for key, text in PASSAGES.items()]
    queries = [{"_id": key, "text": text, "answer": answer} for key, text, answer, _ in QUESTIONS]
    qrels = [f"{key}\t{passage}\t1" for key, _, _, passages in QUESTIONS for passage in passages]
    for name, rows in (("corpus", corpus), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "qrels.tsv").write_text("\n".join(qrels))
    return folder


def _written(folder: Path) -> Path:
    rows = [{**row, "history": [{"speaker": "user", "text": text} for text in row["history"]]} for row in TURNS]
    (folder / "rewrites_made_up.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


def _spoken(folder: Path) -> Path:
    domains = {"small_talk": ["greeting"], "meta": ["yes"], "work": ["schedule"]}
    said = [["hi there", "greeting"], ["blessings upon you", "greeting"], ["yes", "yes"], ["am i free", "schedule"]]
    (folder / "domains.json").write_text(json.dumps(domains))
    (folder / "data.json").write_text(json.dumps({"val": said, "oos_val": [["why is the sky blue", "oos"]]}))
    return folder


def _lasting(results: list[Result]) -> list[tuple[Any, ...]]:
    """Return what is to be the same in every run."""
    return [
        (one.set, one.example, {k: v for k, v in one.outputs.items() if k not in VOLATILE}, one.scores, one.error)
        for one in results
    ]


async def _run(evaluation: Evaluation, path: Path) -> list[Result]:
    return await run_evaluation(evaluation, [path], {})


def test_a_ranking_is_worth_what_trec_eval_says() -> None:
    scores = ranking_scores(["a", "b", "c", "b"], {"b": 1, "z": 1})
    assert scores == pytest.approx(
        {"nDCG@10": (1 / 1.58496) / (1 + 1 / 1.58496), "R@5": 0.5, "R@10": 0.5, "RR@10": 0.5, "P@5": 0.2}, abs=1e-4
    )
    assert set(ranking_scores([], {"b": 1}).values()) == {0.0}
    assert (first_place(["a", "b"], {"b": 1}), first_place(["a"], {"b": 1})) == (2, None)


async def test_every_mode_is_measured_on_the_same_questions_and_ranks_before_and_after_are_kept(
    configuration: Settings, town: Path
) -> None:
    evaluation = Retrieval(Conditions(configuration))
    results = await _run(evaluation, town)
    assert [result.example.key for result in results] == ["opening", "birth", "tools"]
    for result in results:
        assert set(result.outputs["ms"]) == {"lexical", "vector", "hybrid", "rerank"}
        assert result.outputs["ranks"] == {"fused": 1, "reranked": 1}
        assert result.outputs["passages"] == result.outputs["rankings"]["rerank"]
        assert (
            result.scores["hybrid nDCG@10"]
            == ranking_scores(result.outputs["rankings"]["hybrid"], result.example.reference["relevant"])["nDCG@10"]
        )
    summary = evaluation.summary(results)
    assert {"nDCG@10", "R@5", "R@10", "RR@10", "P@5", "p50_ms", "p95_ms"} == set(summary["vector"])
    assert (summary["passages"], summary["questions"]) == (6, 3)
    assert set(summary["difference"]) == {"hybrid - lexical", "hybrid - vector", "rerank - hybrid"}
    assert summary["ingest_per_s"] > 0


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(InvalidFilter, match="nearest"):
        Retrieval(Conditions(), modes=("hybrid", "nearest"))
    with pytest.raises(InvalidFilter, match="none"):
        Retrieval(Conditions(), modes=())


async def test_the_same_run_twice_gives_the_same_figures(configuration: Settings, town: Path) -> None:
    first = Hops(Conditions(configuration))
    results = await _run(first, town)
    assert _lasting(results) == _lasting(await _run(Hops(Conditions(configuration)), town))
    summary = first.summary(results)
    measured = {"R@2", "R@5", "all_gold@8", "nDCG@10", "p50_ms", "p95_ms"}
    assert measured == set(summary["without"]) == set(summary["with"])
    assert summary["links"] > 0
    mean, low, high = summary["difference"]["R@5"]
    assert mean == pytest.approx(summary["with"]["R@5"] - summary["without"]["R@5"], abs=1e-3)
    assert low <= mean <= high


async def test_hops_can_be_measured_without_the_help_of_titles(configuration: Settings, town: Path) -> None:
    summaries = []
    for strip in (False, True):
        evaluation = Hops(Conditions(configuration, most=1), strip_titles=strip)
        summaries.append(evaluation.summary(await _run(evaluation, town)))
    before, after = summaries
    assert (before["titles"], after["titles"]) == (True, False)
    assert after["links"] < before["links"]  # names lead to titles


async def test_presets_are_compared_on_the_same_questions_with_quality_and_time_of_each_step(
    configuration: Settings, town: Path
) -> None:
    evaluation = Speed(Conditions(configuration))
    results = await _run(evaluation, town)
    summary = evaluation.summary(results)
    for preset in PRESETS:
        assert summary[preset]["right"] >= 2 / 3
        assert summary[preset]["R@5"] == 1.0
        assert 0 < summary[preset]["p50_ms"] <= summary[preset]["p95_ms"]
        assert summary[preset]["stages"]["retrieve"]["questions"] == 3
    # The first was asked before, to warm up, and so would be in any cache.
    assert all(results[0].outputs["timings"][preset]["retrieve"] > 0 for preset in PRESETS)
    metrics = evaluation.metrics(results)
    assert metrics["balanced p50_ms"] == summary["balanced"]["p50_ms"]
    assert "balanced p95_ms" in evaluation.lower_is_better
    assert {name for result in results for name in result.outputs["timings"]} == set(PRESETS)


async def test_rewrites_that_come_nearer_to_what_people_wrote_are_a_gain(
    configuration: Settings, tmp_path: Path
) -> None:
    result = await evaluate("rewriting", [_written(tmp_path)], Conditions(configuration))
    assert result["similarity"]["questions"] == 2
    assert result["similarity"]["cosine"]["after"] == pytest.approx(1.0, abs=0.01)
    assert (result["similarity"]["changed"], result["similarity"]["worse"]) == (2, 0)
    assert result["together"][1] > 0


async def test_passages_are_found_after_rewriting_that_were_not_before(configuration: Settings, town: Path) -> None:
    pair = {
        "_id": "c", "last_turn": "|user|: When did it open?", "rewrite": "|user|: When did the Calbury bridge open?",
        "all_questions": "|user|: What is the Calbury bridge?\n|user|: When did it open?",
        "gold_passage_ids": ["bridge"],
    }  # fmt: skip
    (town / "rewrite_pairs.jsonl").write_text(json.dumps(pair))
    evaluation = Rewriting(Conditions(configuration))
    (result,) = await _run(evaluation, town)
    assert "Calbury bridge" in result.outputs["rewrite"]
    assert result.outputs["rankings"]["after"][0] == "bridge"
    assert evaluation.summary([result])["retrieval"]["R@5"]["after"] == 1.0


async def test_the_chat_model_rewrites_and_classifies_where_one_is_set(configuration: Settings, tmp_path: Path) -> None:
    def said(body: dict[str, Any]) -> Reply:
        prompt = json.dumps(body["messages"])
        if "stand" in prompt and "latest question" in prompt:
            return Reply(json.dumps({"question": "Is throat cancer treatable?", "small_talk": False}))
        return Reply(json.dumps({"kind": "semantic", "reason": "it asks to be told"}))

    async with chat_server() as server:
        server.decide = said
        with_model = _with_chat(configuration, server)
        rewriting = Rewriting(Conditions(with_model, most=1))
        (rewritten,) = await _run(rewriting, _written(tmp_path))
        results = await _run(Routing(Conditions(with_model)), _spoken(tmp_path))
    assert rewritten.outputs["rewrite"] == "Is throat cancer treatable?"
    assert "openai:scripted" in rewritten.outputs["reason"]
    assert {result.outputs["question_class"] for result in results} == {"semantic"}
    assert all(not result.outputs["degraded"] for result in [rewritten, *results])


def _with_chat(configuration: Settings, server: ChatServer) -> Settings:
    return Settings(
        home=configuration.home, allow_download=False, chat_model="openai:scripted", chat_base_url=server.url,
        chat_api_key=SecretStr("none"),
    )  # fmt: skip


def test_made_up_look_ups_are_the_same_each_time_and_each_has_its_passage() -> None:
    one, other = generated_lookups(), generated_lookups()
    assert one.questions == other.questions
    assert [source.content_hash() for source in one.sources] == [source.content_hash() for source in other.sources]
    stored = {source.uri: source.parse().text for source in one.sources}
    for key, question in one.questions:
        (passage,) = one.relevant[key]
        asked, told = ({token.text for token in tokens(text)} for text in (question, stored[passage]))
        assert asked & told


async def test_routing_is_measured_against_the_best_mode_with_made_up_look_ups_beside_the_set(
    configuration: Settings, town: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evals.sets.lookups._EACH", 6)
    evaluation = Routing(Conditions(configuration, most=3))
    results = await _run(evaluation, town)
    summary = evaluation.summary(results)
    assert list(summary["sets"]) == ["lookups", "town"]
    assert summary["all"]["questions"] == 6
    assert sum(summary["sets"]["lookups"]["classes"].values()) == 3
    for result in results:
        modes = [result.scores[f"{mode} nDCG@10"] for mode in ("lexical", "vector", "hybrid")]
        assert result.scores["hybrid regret"] == pytest.approx(max(modes) - modes[2])
        assert result.scores["saved"] == pytest.approx(result.scores["routed nDCG@10"] - modes[2])


def test_a_question_that_is_taken_for_small_talk_has_all_the_regret() -> None:
    rankings = {"lexical": ["p"], "vector": ["p"], "hybrid": ["p"], "mode": [], "routed": []}
    example = Example("q", {"question": "Hi?"}, {"relevant": {"p": 1}})
    scores = Routing(Conditions()).score(example, {"rankings": rankings, "question_class": "conversational"})
    assert (scores["routed regret"], scores["hybrid regret"], scores["saved"]) == (1.0, 0.0, -1.0)


async def test_small_talk_is_told_from_requests(configuration: Settings, tmp_path: Path) -> None:
    evaluation = Routing(Conditions(configuration))
    found = evaluation.summary(await _run(evaluation, _spoken(tmp_path)))["utterances"][tmp_path.name]
    assert (found["small talk known"], found["requests left alone"]) == (0.5, 1.0)
    assert (found["class right"], found["out of scope left alone"]) == (pytest.approx(2 / 3, abs=1e-4), 1.0)
    assert sum(found["classes"].values()) == 5


async def test_questions_of_ones_own_are_asked_of_the_documents_given_or_of_the_database_as_it_is(
    configuration: Settings, tmp_path: Path
) -> None:
    (tmp_path / "help").mkdir()
    (tmp_path / "help" / "bridge.md").write_text(PASSAGES["bridge"])
    (tmp_path / "help" / "empty.md").write_text("")
    own = tmp_path / "own.csv"
    own.write_text('question,answer\nWhen did the Calbury bridge open?,1932\n"Nul\0l?",\n')
    mine = configuration.model_copy(update={"database_name": f"own_{uuid4().hex[:8]}"})
    given = await _run(Answers(Conditions(mine, documents=(tmp_path / "help",))), own)
    assert given[0].scores["right"] == 1.0
    assert given[0].outputs["passages"] == ["help/bridge.md"]
    async with open_application(mine) as application:
        ingester = application.ingester(local_principal(mine))
        ingested = await ingester.ingest(find_sources([str(tmp_path / "help")], max_bytes=10**6), "mine")
        assert ingested.indexed == 1  # the documents given before were read in elsewhere
        stored = await _run(Answers(Conditions(mine)), own)
        again = await ingester.ingest(find_sources([str(tmp_path / "help")], max_bytes=10**6), "mine")
    assert stored[0].scores["right"] == 1.0
    assert (again.unchanged, again.indexed) == (1, 0)


async def test_documents_none_of_which_can_be_read_are_refused(configuration: Settings, tmp_path: Path) -> None:
    (tmp_path / "empty.md").write_text("")
    own = tmp_path / "own.csv"
    own.write_text("question,answer\nWhen?,1932\n")
    with pytest.raises(UnreadableSet, match=r"empty\.md"):
        await _run(Answers(Conditions(configuration, documents=(tmp_path / "empty.md",))), own)


async def test_everything_that_fits_is_run_and_what_fails_does_not_lose_the_others(
    configuration: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [tmp_path / name for name in ("follow", "spoken", "damaged")]
    for folder in folders:
        folder.mkdir()
    _written(folders[0])
    _spoken(folders[1])
    (folders[2] / "corpus.jsonl").write_text("{")
    for name in ("queries.jsonl", "qrels.tsv"):
        (folders[2] / name).write_text("")
    monkeypatch.setattr("evals.everything.EVALUATIONS", ("grounding", "hops", "routing", "rewriting"))
    monkeypatch.setattr(Routing, "score", lambda *_: 1 / 0)
    monkeypatch.setattr("evals.routing.is_beir", lambda _: False)
    whole = await run_everything(folders, Conditions(configuration, most=1), tmp_path / "run")
    assert list(whole.passed_over) == ["grounding"]  # there is none of its sets
    assert "not JSON" in whole.failed["hops"]
    assert "ZeroDivisionError" in whole.failed["routing"]
    assert isinstance(whole.broken[0], ZeroDivisionError)
    assert list(whole.runs) == ["rewriting"], whole.failed
    assert (tmp_path / "run" / "rewriting" / "results.jsonl").exists()
    assert whole.index is not None and whole.index.exists()


async def test_a_folder_without_sets_of_any_kind_is_said(configuration: Settings, tmp_path: Path) -> None:
    with pytest.raises(UnreadableSet, match="no set of any kind"):
        await run_everything([tmp_path], Conditions(configuration), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_interval_lies_around_the_mean_of_what_varies() -> None:
    assert mean_interval([0.5, 0.5]) == [0.5, 0.5, 0.5]
    mean, low, high = mean_interval([0.0, 1.0] * 50)
    assert low < mean == 0.5 < high


def test_scores_that_are_all_the_same_are_no_certainty() -> None:
    assert score_interval([0.0] * 10) == [0.0, 0.0, 0.3085]
    assert score_interval([1.0] * 10) == [1.0, 0.6915, 1.0]
    assert score_interval([0.5] * 10) == [0.5, 0.5, 0.5]


def test_a_difference_is_paired() -> None:
    before, after = [0.0, 1.0] * 50, [0.1, 1.1] * 50
    assert difference_interval(before, after) == pytest.approx([0.1, 0.1, 0.1])
