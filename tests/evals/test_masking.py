from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.masking import Masking
from evals.runs.evaluation import Conditions, by_set
from evals.runs.experiment import run_evaluation
from evals.sets.rows import UnreadableSet
from settings import Settings

TEXTS = (
    ("Please charge the card 4111 1111 1111 1111 of the harbour office.", "CREDIT_CARD", "4111 1111 1111 1111"),
    ("The harbour office is reached at harbour@example.org on Mondays.", "EMAIL_ADDRESS", "harbour@example.org"),
)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    rows = [
        {"full_text": text, "spans": [{"entity_type": entity, "start_position": (start := text.index(value)),
                                       "end_position": start + len(value)}]}
        for text, entity, value in TEXTS
    ]  # fmt: skip
    (tmp_path / "texts.json").write_text(json.dumps(rows), encoding="utf-8")
    return tmp_path


async def test_what_the_policy_hides_is_asked_for_and_not_shown(home: Path, texts: Path) -> None:
    evaluation = Masking(Conditions(Settings(home=home, allow_download=False)))
    (results,) = by_set(await run_evaluation(evaluation, [texts], {})).values()
    (card,) = results  # an address is allowed
    assert card.example.kind == "card"
    assert card.example.reference["hidden"] == ["4111 1111 1111 1111"]
    assert "4111" not in card.example.inputs["question"]
    assert (card.scores, card.error) == ({"shown": 0.0, "offered": 1.0}, "")
    assert "card number hidden" in card.outputs["shown"]


def test_a_number_is_shown_however_it_is_grouped(home: Path, texts: Path) -> None:
    evaluation = Masking(Conditions(Settings(home=home)))
    (example,) = evaluation.read([texts])["texts"]
    assert evaluation.score(example, {"shown": "Its card: 4111-1111-1111-1111.", "offered": True})["shown"] == 1
    assert evaluation.score(example, {"shown": "Its card: 4111.", "offered": True})["shown"] == 0


def test_a_set_without_anything_to_hide_is_refused(home: Path, texts: Path) -> None:
    with pytest.raises(UnreadableSet, match="that the policy hides"):
        Masking(Conditions(Settings(home=home, sensitive_policy={"card": "allow"}))).read([texts])
    (texts / "texts.json").write_text("[]", encoding="utf-8")
    with pytest.raises(UnreadableSet):
        Masking(Conditions(Settings(home=home))).read([texts])
