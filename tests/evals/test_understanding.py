from __future__ import annotations

import json
from pathlib import Path

import pytest
from evals.intervals import mean_interval

from evals.rewriting import evaluate_rewriting
from evals.routing import Outcome
from evals.sets.beir import UnreadableSet
from evals.sets.lookups import generated_lookups
from text.tokens import tokens

ROWS = [
    {"question": "Is it treatable?", "rewrite": "Is throat cancer treatable?", "history": ["What is throat cancer?"]},
    {"question": "Who uses it?", "rewrite": "Who uses Docker?", "history": ["What is Docker?"]},
    {"question": "What is Docker?", "rewrite": "What is Docker?", "history": []},
]


async def test_rewrites_that_come_nearer_to_what_people_wrote_are_a_gain(tmp_path: Path) -> None:
    rows = [{**row, "history": [{"speaker": "user", "text": text} for text in row["history"]]} for row in ROWS]
    (tmp_path / "rewrites_made_up.jsonl").write_text("\n".join(map(json.dumps, rows)))
    result = await evaluate_rewriting(tmp_path)
    assert result["similarity"]["questions"] == 2
    assert result["similarity"]["cosine"]["after"] == pytest.approx(1.0, abs=0.01)
    assert result["together"][1] > 0


async def test_a_folder_without_such_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSet, match=r"rewrites\*\.jsonl"):
        await evaluate_rewriting(tmp_path)


def test_made_up_look_ups_are_the_same_each_time_and_each_has_its_passage() -> None:
    one, other = generated_lookups(), generated_lookups()
    assert one.questions == other.questions
    assert [source.content_hash() for source in one.sources] == [source.content_hash() for source in other.sources]
    stored = {source.uri: source.parse().text for source in one.sources}
    for key, question in one.questions:
        (passage,) = one.relevant[key]
        asked, told = ({token.text for token in tokens(text)} for text in (question, stored[passage]))
        assert asked & told


def test_regret_is_what_the_best_mode_would_have_brought() -> None:
    outcome = Outcome("factual", {"lexical": 0.2, "vector": 0.9, "hybrid": 0.5, "mode": 0.9, "routed": 1.0})
    assert outcome.regret == pytest.approx({"hybrid": 0.4, "mode": 0.0, "routed": -0.1})


def test_an_interval_lies_around_the_mean_of_what_varies() -> None:
    assert mean_interval([0.5, 0.5]) == [0.5, 0.5, 0.5]
    mean, low, high = mean_interval([0.0, 1.0] * 50)
    assert low < mean == 0.5 < high
