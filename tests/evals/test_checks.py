"""The evaluations of groundedness and of abstention, on small sets of our own, and the fit of the verifier's head."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evals.abstention import covers, evaluate_abstention
from evals.grounding import auroc, balanced_accuracy, evaluate_grounding
from evals.sets.beir import UnreadableSet
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


def _claims(path: Path) -> None:
    rows = [{"doc": NOTE, "summary": claim, "label": 1} for claim in TRUE]
    rows += [{"doc": NOTE, "summary": claim, "label": 0} for claim in FALSE]
    path.write_text(json.dumps(rows), encoding="utf-8")


async def test_the_verifier_tells_true_claims_of_a_set_from_others(tmp_path: Path) -> None:
    _claims(tmp_path / "notes.json")
    result = await evaluate_grounding([tmp_path])
    row = result["sets"]["notes"]
    assert (row["claims"], row["supported"], row["head"]) == (6, 3, "all")
    assert row["balanced_accuracy"] >= 0.8
    assert row["auroc"] >= 0.8
    assert result["mean"]["auroc"] == row["auroc"]


async def test_a_folder_without_claims_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSet, match="holds no claims"):
        await evaluate_grounding([tmp_path])


def test_both_kinds_of_claims_count_the_same() -> None:
    truth = [True] * 9 + [False]
    assert balanced_accuracy(truth, [True] * 10) == 0.5
    assert balanced_accuracy(truth, truth) == 1.0
    assert auroc([True, False], [0.5, 0.5]) == 0.5
    assert auroc([True, False, False], [0.9, 0.1, 0.5]) == 1.0


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


async def test_questions_without_what_answers_them_are_told_from_the_others(tmp_path: Path) -> None:
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
    rows: dict[str, list[Any]] = {
        "corpus.jsonl": [{"_id": key, "title": "", "text": text} for key, text in facts.items()],
        "queries.jsonl": [
            *({"_id": f"q{key}", "text": text, "answers": [right]} for key, (text, right) in questions.items()),
            {"_id": "none", "text": "Who invented the telephone exchange of Berlin?", "answerable": False},
        ],
    }
    for name, lines in rows.items():
        (tmp_path / name).write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    judged = "".join(f"q{key}\t{key}\t1\n" for key in facts)
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged, encoding="utf-8")
    result = await evaluate_abstention([tmp_path])
    assert sum(result["questions"].values()) == 9
    assert result["auroc"]["answerable"] == 4
    assert result["auroc"]["confidence"] >= 0.9
    assert result["selective"]["risk"]["0.5"] <= result["selective"]["risk_answering_all"]


def test_an_answer_is_right_that_holds_half_of_the_words_of_a_right_one() -> None:
    assert covers("It opened in 1932.", ["in 1932"])
    assert covers("the eastern side", ["eastern pier"])
    assert not covers("the western side", ["eastern pier"])
