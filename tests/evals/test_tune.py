"""Settings are fitted on questions, and taken only where they hold on questions that they were not fitted on."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cli.tune import tune as command
from evals import tune as tuning
from evals.runs.evaluation import Conditions
from evals.runs.example import Example
from evals.sets.rows import UnreadableSet
from evals.tune import Tuned, tune
from evals.tuning import answering
from evals.tuning.answering import Judged, threshold_choices
from evals.tuning.choosing import Choice, Choices, choose, splits
from evals.tuning.searching import Recorded, depth_choices, fusion_choices
from evals.tuning.writing import NotWritten, report_of, settings_file, write_settings
from settings import SETTINGS_FILE, Settings
from state.evidence import Hit
from tests.flow.conftest import passage
from tools.fusion import Fusion, fuse


def _choices(scores: Sequence[Sequence[float]]) -> Choices:
    count = len(scores[0])
    values = [{"passages": value} for value in range(len(scores))]
    return Choices("passages", "right", values, [str(at) for at in range(count)], [""] * count, np.array(scores))


@pytest.mark.parametrize("count", [23, 99, 100, 313])
def test_each_question_is_held_out_of_what_judges_it(count: int) -> None:
    kinds = ["easy" if at % 4 else "hard" for at in range(count)]
    pairs = splits(kinds)
    assert pairs == splits(kinds)
    assert len(pairs) == (1 if count >= 100 else 5)
    for training, held_out in pairs:
        assert sorted([*training, *held_out]) == list(range(count))
        share = sum(kinds[at] == "hard" for at in held_out) / len(held_out)
        assert share == pytest.approx(0.25, abs=0.2 if count < 50 else 0.06)
    held = [at for _, some in pairs for at in some]
    assert len(held) == len(set(held)) == (int(count * 0.4) if count >= 100 else count)


def test_a_better_value_is_taken_and_said_why() -> None:
    chosen = choose(_choices([[0.0, 1.0] * 30, [1.0, 1.0] * 30]))
    assert chosen.accepted and chosen.tuned == {"passages": 1}
    assert chosen.held_out == (0.5, 1.0) and chosen.gain[1] > 0
    assert chosen.reason.startswith("taken: +0.500")


def test_what_is_only_better_by_chance_is_not_taken() -> None:
    chance = random.Random(1)
    scores = [[float(chance.random() < 0.5) for _ in range(60)] for _ in range(40)]
    chosen = choose(_choices(scores))
    assert not chosen.accepted
    assert max(worth for _, worth in chosen.table) > chosen.table[0][1]  # on what was fitted on, one is better
    assert chosen.reason.startswith("kept")


def test_of_equals_the_present_value_stays() -> None:
    chosen = choose(_choices([[1.0, 0.0] * 20, [0.0, 1.0] * 20, [1.0, 0.0] * 20]))
    assert chosen.tuned == {"passages": 0} and not chosen.accepted
    assert "no other value is better" in chosen.reason


def _hit(text: str, slot: int) -> Hit:
    return Hit(replace(passage(text, slot), slot=slot), 0.0)


def _recorded(number: int, lexical: Sequence[int], vector: Sequence[int], relevant: int) -> Recorded:
    hits = [_hit(f"Text number {slot}.", slot) for slot in lexical]
    units = {slot: str(slot) for slot in {*lexical, *vector}}
    example = Example(str(number), {"question": "What is it?"}, {})
    scores = [1.0 if slot == relevant else 0.0 for slot in lexical]
    return Recorded(example, {"lexical": lexical, "vector": vector}, {}, units, {str(relevant): 1}, hits, scores)


def test_a_mode_that_misleads_loses_weight() -> None:
    chance = random.Random(2)
    recorded = []
    for number in range(40):
        slots = list(range(1, 13))
        lexical = chance.sample(slots, 12)
        relevant = lexical[-1]
        recorded.append(_recorded(number, lexical, [relevant, *(slot for slot in slots if slot != relevant)], relevant))
    chosen = choose(fusion_choices(recorded, Settings()))
    assert chosen.accepted
    assert chosen.tuned["fusion_weights"].get("lexical", 1.0) < chosen.tuned["fusion_weights"].get("vector", 1.0)
    assert all("codes" not in value["fusion_weights"] for value, _ in chosen.table)  # no question holds any


def test_replayed_rankings_are_those_of_the_search() -> None:
    found = {
        "lexical": [_hit(f"Alpha {slot}, of its own.", slot) for slot in (3, 1, 2, 5)],
        "vector": [_hit(f"Alpha {slot}, of its own.", slot) for slot in (2, 4, 3)],
    }
    slots = {mode: [hit.passage.slot for hit in hits] for mode, hits in found.items()}
    one = _recorded(0, slots["lexical"], slots["vector"], 3)
    for fusion in (Fusion(), Fusion(60), Fusion(5, {"lexical": 0.25}), Fusion(20, {"vector": 0.0})):
        searched = fuse("What is it?", found, weights=fusion.weights, fusion=fusion)
        assert one.order(fusion) == [str(hit.passage.slot) for hit in searched]


def test_a_deeper_look_pays_where_the_relevant_passage_stands_low() -> None:
    slots = list(range(1, 31))
    deep = [_recorded(number, slots, slots, 28) for number in range(30)]
    configuration = Settings(rerank_depth=10)
    chosen = choose(depth_choices(deep, configuration))
    assert chosen.accepted and chosen.tuned == {"rerank_depth": 30}
    assert choose(depth_choices(deep, Settings())).tuned == {"rerank_depth": None}  # by class it is 30 already


def _judged(relevance: float, right: bool, answers: Sequence[str]) -> Judged:
    return Judged(Example(str(relevance), {"question": ""}, {"answers": list(answers)}), right, relevance)


def test_the_threshold_goes_between_what_is_answered_and_what_cannot_be() -> None:
    found = [_judged(0.50 + at / 1000, True, ["x"]) for at in range(30)]
    found += [_judged(0.30 + at / 1000, False, []) for at in range(30)]
    choices = threshold_choices(found, Settings())
    assert choices.values[0] == {"abstain_below": 0.1}
    assert set(choices.kinds) == {"", "unanswerable"}
    chosen = choose(choices)
    assert chosen.accepted and 0.33 <= chosen.tuned["abstain_below"] <= 0.5
    assert chosen.held_out == (0.5, 1.0)


CODES = ("ERR-{}", "pump {}", "valve {}", "relay {}")


@pytest.fixture
def conditions(home: Path, tmp_path: Path) -> Conditions:
    """A folder of one's own documents."""
    folder = tmp_path / "manuals"
    folder.mkdir()
    for at, name in enumerate(CODES):
        text = f"The {name.format(at + 40)} was made in {1900 + at}. It weighs {20 + at} kilograms."
        (folder / f"{at}.md").write_text(text, encoding="utf-8")
    return Conditions(Settings(home=home, allow_download=False), documents=(folder,))


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "own.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["question", "answer"])
        rows.writerows([f"When was the {name.format(at + 40)} made?", 1900 + at] for at, name in enumerate(CODES))
    return path


async def test_ones_own_questions_are_asked_of_ones_own_documents(
    conditions: Conditions, questions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "LEAST", 3)
    monkeypatch.setattr(answering, "_PASSAGES", (1,))
    tuned = await tune(questions, conditions)
    by_name = {choice.name: choice for choice in tuned.choices}
    assert list(by_name) == ["fusion", "rerank depth", "passages", "abstention"]
    assert by_name["rerank depth"].questions == len(CODES)  # for each, a passage holds the answer
    assert by_name["fusion"].questions == len(CODES) - 1  # who asks for a code is answered by words alone
    assert by_name["fusion"].held_out[0] > 0.9
    assert by_name["passages"].questions == len(CODES) and by_name["passages"].held_out[0] == 1.0
    assert by_name["abstention"].reason.endswith("with and 10 without an answer; there are 4 and 0")
    assert tuned.changes == {} and tuned.together is None


async def test_what_is_taken_is_asked_of_the_whole_graph(
    conditions: Conditions, questions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = Choice("passages", "taken", "right", {"passages": 2}, True)

    async def chosen(*given: object) -> list[Choice]:
        return [taken]

    monkeypatch.setattr(tuning, "_choices", chosen)
    tuned = await tune(questions, conditions)
    assert tuned.together is not None and tuned.together["questions"] == len(CODES)
    assert tuned.together["with_without"]["right"] == [1.0, 1.0]
    assert tuned.changes == {"passages": 2} and not tuned.held_out


async def test_too_few_questions_are_said_and_change_nothing(conditions: Conditions, questions: Path) -> None:
    tuned = await tune(questions, conditions)
    assert [choice.reason.split(":")[0] for choice in tuned.choices] == ["cannot be fitted"] * 4
    assert "it takes 20 questions whose right answer is known, and there are 4" in tuned.choices[2].reason
    assert "FOOTNOTE" not in settings_file(tuned, "tuned.md").split("\n", 1)[1]


async def test_several_sets_are_refused(tmp_path: Path, conditions: Conditions) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("question,answer\nWhen?,1932\n")
    with pytest.raises(UnreadableSet, match="holds several sets"):
        await tune(tmp_path, conditions)


def _tuned(**changes: object) -> Tuned:
    choices = [
        choose(_choices([[0.0, 1.0] * 30, [1.0, 1.0] * 30])),
        Choice("abstention", "cannot be fitted: it takes more"),
    ]
    together = {
        "questions": 60, "metrics": {"right": [0.5, 0.4, 0.6]}, "with_without": {"right": [1.0, 0.5]},
        "ms": [90.0, 80.0], "why": "it gains right",
    }  # fmt: skip
    return Tuned(choices, changes, together, False, 60, {"sets": ["own.csv"], "at": "now", "commit": "abc"})


def test_settings_that_were_written_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {"fusion_k": 5.0, "fusion_weights": {"lexical": 0.25, "codes": 2.0}, "passages": 8, "abstain_below": 0.3}
    path = tmp_path / "new" / "tuned.env"
    assert write_settings(_tuned(**changes), path) == tmp_path / "new" / "tuned.md"
    monkeypatch.setenv(SETTINGS_FILE, str(path))
    read = Settings()
    assert {name: getattr(read, name) for name in changes} == changes
    write_settings(_tuned(**changes), path)  # its own file may be written anew


def test_a_file_that_was_not_written_by_it_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "tuned.env"
    path.write_text("FOOTNOTE_TENANT=mine\n")
    with pytest.raises(NotWritten, match="was not written by footnote tune"):
        write_settings(_tuned(), path)
    assert path.read_text() == "FOOTNOTE_TENANT=mine\n"
    with pytest.raises(NotWritten, match="cannot be written: File exists"):
        write_settings(_tuned(), path / "below.env")


def test_the_command_says_what_it_takes_and_how_to_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fitted(*given: object, **more: object) -> Tuned:
        return _tuned(passages=1)

    monkeypatch.setattr(tuning, "tune", fitted)
    command(tmp_path / "own.csv", out=tmp_path / "tuned.env")
    told = capsys.readouterr().out
    assert "passages: passages 1: taken: +0.500" in told
    assert "use them: FOOTNOTE_SETTINGS=" in told
    with pytest.raises(NotWritten, match="another ending"):
        command(tmp_path / "own.csv", out=tmp_path / "tuned.md")


def test_the_report_says_what_was_tried_and_what_it_brings() -> None:
    report = report_of(_tuned(passages=1), "tuned.env")
    assert "| passages | 60 | right | 0.500 | 1.000 | +0.500 (" in report
    assert "| abstention |  |" in report and "cannot be fitted: it takes more" in report
    assert "## passages: 2 values tried, right" in report
    assert "| right | 0.500 | 1.000 | +0.500 (+0.400 to +0.600) |" in report
    assert "there are too few to hold some out" in report
    assert "every setting keeps its default" in report_of(_tuned(), "tuned.env")
