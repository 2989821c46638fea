"""The evaluations of groundedness and of abstention, on small sets of our own, and the fit of the verifier's head."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evals.abstention import Abstention
from evals.grounding import Grounding
from evals.runs.evaluation import Conditions
from evals.runs.example import Example
from evals.runs.experiment import run_evaluation
from evals.runs.folder import read_run, save_run
from evals.runs.registry import evaluate
from evals.sets.claims import read_claims
from evals.sets.rows import UnreadableSet
from evals.train.verifier import fit_head
from models.verifier_features import FOR, NAMES
from models.verifier_head import as_head
from settings import settings

NOTE = "The bridge opened in 1932 after eight years of work. It is painted red every ten years."
TRUE = ("The bridge opened in 1932.", "It is painted red every ten years.", "The work took eight years.")
FALSE = ("The bridge opened in 1945.", "The bridge is painted blue.", "The ferry is free on Sundays.")


@pytest.fixture(autouse=True)
def configured(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_HOME", str(home))
    settings.cache_clear()


def _write(path: Path, *rows: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows) if path.suffix == ".json" else "\n".join(map(json.dumps, rows)), encoding="utf-8")


def _claims(path: Path) -> None:
    rows = [{"doc": NOTE, "summary": claim, "label": 1} for claim in TRUE]
    _write(path, *rows, *({"doc": NOTE, "summary": claim, "label": 0, "edit_types": ["swap"]} for claim in FALSE))


async def test_the_verifier_tells_true_claims_of_a_set_from_others(tmp_path: Path) -> None:
    _claims(tmp_path / "notes.json")
    result = await evaluate("grounding", [tmp_path])
    row = result["sets"]["notes"]
    assert (row["claims"], row["supported"], row["head"]) == (6, 3, "all")
    assert min(row["balanced_accuracy"], row["auroc"], row["f1"]) >= 0.8
    assert row["brier"] <= 0.25
    assert result["mean"]["auroc"] == row["auroc"]
    assert "span F1" not in row
    assert "balanced_accuracy_folds" not in row  # all claims are about one text


async def test_a_set_that_the_head_was_fitted_on_is_judged_by_one_that_was_not(tmp_path: Path) -> None:
    _claims(tmp_path / "inside" / "samsum.json")
    rows = [
        {
            "knowledge": f"{name} was born in {year}.",
            "question": f"When was {name} born?",
            "right_answer": str(year),
            "hallucinated_answer": str(year + 9),
        }
        for year, name in enumerate(("Ada", "Bo", "Cy", "Di", "Eve"), 1900)
    ]
    _write(tmp_path / "inside" / "qa_multi-turn.jsonl", *rows)
    sets = (await evaluate("grounding", [tmp_path]))["sets"]
    assert sets["samsum"]["head"] == "without samsum"
    assert sets["qa_multi-turn"]["head"] == "without qa_one-turn"
    assert 0 <= sets["qa_multi-turn"]["balanced_accuracy_folds"] <= 1


async def test_the_words_that_evidence_lacks_are_told_where_a_set_marks_them(tmp_path: Path) -> None:
    claim = "The bridge opened in 1932 with fireworks over Lisbon."
    tokens = [*claim.rstrip(".").split(), "."]
    marked = [token in {"with", "fireworks", "over", "Lisbon"} for token in tokens]
    row = {"claim": claim, "claim_tokens": tokens, "non_supported_spans": marked, "label": "partially_supported",
           "evidence": [NOTE]}  # fmt: skip
    _write(tmp_path / "tokens.jsonl", row)
    evaluation = Grounding(Conditions())
    results = await run_evaluation(evaluation, [tmp_path], {})
    kept = read_run(save_run(tmp_path / "run", evaluation, results, {}).folder)
    assert kept.metrics["tokens"]["span F1"] == [1.0, 1.0, 1.0]
    assert "auroc" not in kept.summary["sets"]["tokens"]  # no claim of the set is supported
    assert kept.summary["mean"] == {}
    assert results[0].example.kind == "partially_supported"


def test_claims_of_several_makers_are_told_apart_by_their_fields(tmp_path: Path) -> None:
    _claims(tmp_path / "summedits" / "notes.json")
    scifact = {"claim_id": 7, "claim": "It is red.", "doc_title": "Bridges", "doc_sentences": ["It", "is."],
               "label": "SUPPORT"}  # fmt: skip
    _write(tmp_path / "scifact" / "claims.jsonl", scifact)
    _write(tmp_path / "wice" / "notes.jsonl", {"claim": "It is.", "evidence": [NOTE], "label": "partially_supported"})
    _write(tmp_path / "other.json", {"name": "no claims"})
    found = read_claims(tmp_path)
    assert sorted(found) == ["claims", "notes", "wice notes"]
    assert (found["claims"][0].evidence, found["claims"][0].group) == (("Bridges. It is.",), "7")
    assert not found["wice notes"][0].supported
    assert [claim.kind for claim in found["notes"]] == ["no edit"] * 3 + ["swap"] * 3


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "holds nothing to evaluate"),
        (["text"], "holds nothing to evaluate"),
        ([{"doc": "a", "summary": "b", "label": 1}, {"doc": "a", "summary": "b", "label": "yes"}], "not as it should"),
        (
            [{"claim": "a", "claim_tokens": ["a"], "non_supported_spans": [], "label": "x", "evidence": []}],
            "nothing to",
        ),
    ],
)
async def test_a_folder_without_claims_is_refused(tmp_path: Path, rows: list[Any], reason: str) -> None:
    _write(tmp_path / "claims.json", *rows)
    with pytest.raises(UnreadableSet, match=reason):
        await evaluate("grounding", [tmp_path])


def test_a_head_learns_what_separates_and_never_with_the_wrong_sign() -> None:
    dice = np.random.default_rng(3)
    truth = dice.random(400) < 0.5
    values = dice.normal(size=(400, len(NAMES)))
    values[:, 0] += np.where(truth, 2.0, -2.0) * (1 if NAMES[0] in FOR else -1)
    fitted = fit_head({"made up": (values, truth)})
    for name, weight in zip(NAMES, fitted["weights"], strict=True):
        assert weight >= 0 if name in FOR else weight <= 0
    head = as_head(fitted, NAMES)
    told = [head.probability(row) >= head.supported for row in values]
    assert np.mean(np.array(told) == truth) > 0.9


def _town(folder: Path) -> None:
    facts = {
        "bridge": "The harbour bridge opened in 1932 after eight years of work.",
        "ferry": "The ferry to the island leaves every hour from the eastern pier.",
        "museum": "The maritime museum closes at six on Sundays and holidays.",
        "library": "The public library lends tools for two weeks without a fee.",
    }
    questions = {
        "bridge": ("When did the harbour bridge open?", "1932"),
        "ferry": ("From which pier does the ferry to the island leave?", "eastern pier"),
        "museum": ("When does the maritime museum close on Sundays?", "six"),
        "library": ("For how long does the public library lend tools?", "two weeks"),
    }
    _write(folder / "corpus.jsonl", *({"_id": key, "title": "", "text": text} for key, text in facts.items()))
    _write(
        folder / "queries.jsonl",
        *({"_id": f"q{key}", "text": text, "answers": [right]} for key, (text, right) in questions.items()),
        {"_id": "none", "text": "Who invented the telephone exchange of Berlin?", "answerable": False},
    )
    judged = "".join(f"q{key}\t{key}\t1\n" for key in facts)
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged, encoding="utf-8")


async def test_questions_without_what_answers_them_are_told_from_the_others(tmp_path: Path) -> None:
    _town(tmp_path / "town")
    evaluation = Abstention(Conditions())
    results = await run_evaluation(evaluation, [tmp_path / "town"], {})
    run = save_run(tmp_path / "run", evaluation, results, {})
    assert run.summary["questions"] == {"town": 4, "town without its passages": 4, "town unanswerable": 1}
    assert run.summary["auroc"]["answerable"] == 4
    assert run.summary["auroc"]["confidence"] >= 0.9
    assert run.summary["auroc town"] == run.summary["auroc"]
    assert run.summary["selective"]["risk"]["0.5"] <= run.summary["selective"]["risk_answering_all"]
    metrics = {name: value for name, (value, _, _) in run.metrics["town"].items()}
    assert metrics["auroc"] == run.summary["auroc"]["confidence"]
    assert metrics["gain"] == pytest.approx(metrics["auroc"] - metrics["cosine auroc"], abs=1e-3)
    assert metrics["risk at 100%"] == pytest.approx(1 - metrics["right"], abs=1e-3)
    assert sum(row["questions"] for row in run.summary["calibration"]) == 9
    assert 0 <= run.summary["ece"] <= 1
    without = next(one for one in results if "without" in one.example.inputs)
    assert not set(without.outputs["passages"]) & set(without.example.inputs["without"])
    assert evaluation.worst(results, 1)[0].scores["brier"] == max(one.scores["brier"] for one in results)


async def test_citations_of_answers_are_compared_with_the_relevant_passages(tmp_path: Path) -> None:
    _town(tmp_path / "town")
    result = await evaluate("answers", [tmp_path])
    assert result["citation_precision"] == result["citation_recall"] == 1.0
    assert result["groundedness"] == result["completeness"] == 1.0


async def test_the_first_questions_of_a_set_are_of_each_kind(tmp_path: Path) -> None:
    _town(tmp_path / "town")
    examples = Abstention(Conditions()).read([tmp_path])["town"]
    assert [one.kind for one in examples[:4]] == ["answerable", "without its passages", "unanswerable", "answerable"]


def test_questions_of_ones_own_are_asked_as_they_are_and_a_verdict_by_its_long_answer(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("question,answer\nWhen?,1932\nWho sings?,\n", encoding="utf-8")
    _town(tmp_path / "town")
    verdict = {"_id": "qbridge", "text": "Is it old?", "answer": "yes", "long_answer": "It opened in 1932."}
    _write(tmp_path / "town" / "queries.jsonl", verdict)
    sets = Abstention(Conditions()).read([tmp_path])
    assert [(one.kind, one.reference["answerable"]) for one in sets["own"]] == [
        ("answerable", True),
        ("unanswerable", False),
    ]
    assert sets["town"][0].reference["answers"] == ["It opened in 1932."]


def test_an_answer_is_right_that_holds_half_of_the_words_of_a_right_one() -> None:
    evaluation = Abstention(Conditions())
    example = Example("1", {"question": "?"}, {"answers": ["eastern pier"], "answerable": True})
    assert evaluation.score(example, {"sentences": ["the eastern side"], "confidence": 1.0})["right"] == 1.0
    assert evaluation.score(example, {"sentences": ["the western side"], "confidence": 1.0})["brier"] == 1.0
    impossible = Example("2", {"question": "?"}, {"answers": [], "answerable": False})
    assert evaluation.score(impossible, {"sentences": ["the eastern pier"], "confidence": 0.0})["right"] == 0.0
