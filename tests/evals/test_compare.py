from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from typer.testing import CliRunner

from cli.main import app
from evals.compare import Comparison, IncomparableRuns, compare_runs
from evals.measures.classification import auroc
from evals.paired import differences, holm
from evals.report.comparison import comparison_html
from evals.runs.aggregates import TableAggregate
from evals.runs.evaluation import Aggregate, Conditions
from evals.runs.example import Example, Result
from evals.runs.folder import SavedRun, UnreadableRun
from state.errors import FootnoteError
from tests.evals.at_hand import AtHand


def _auroc(results: Sequence[Result]) -> float:
    truth = np.array([one.example.reference["true"] for one in results], dtype=bool)
    return auroc(truth, np.array([one.outputs["score"] for one in results]))


class Told(AtHand):
    """Tells true from false."""

    headline = ("right", "cost", "auroc")
    aggregates: ClassVar[Mapping[str, Aggregate]] = {
        "auroc": _auroc,
        "tabled auroc": TableAggregate(
            lambda one: (one.example.reference["true"], one.outputs["score"]),
            lambda table: auroc(table[:, 0] > 0, table[:, 1]),
        ),
    }
    lower_is_better = frozenset({"cost"})


EVALUATION = Told(Conditions())


def _result(key: int, right: float, cost: float = 1.0, score: float = 0.5, name: str = "s") -> Result:
    example = Example(str(key), {"question": f"What is {key}?"}, {"true": key % 2 == 0})
    return Result(name, example, {"score": score, "answer": f"{right}"}, {"right": right, "cost": cost}, 10.0)


def _run(results: Sequence[Result], folder: str = "run", **metadata: Any) -> SavedRun:
    return SavedRun(Path(folder), {"evaluation": "answers", "at": "now", **metadata}, {}, {}, list(results))


def _compared(before: Sequence[Result], after: Sequence[Result]) -> Comparison:
    return compare_runs(_run(before), _run(after), EVALUATION)


def test_a_run_does_not_differ_from_itself() -> None:
    results = [_result(at, at % 3 / 2) for at in range(30)]
    found = _compared(results, results)
    assert {(row.difference, row.low, row.high, row.p, row.verdict) for row in found.tables["s"]} == {
        (0, 0, 0, 1, "not told apart")
    }
    assert not any((found.better, found.worse, found.only_before, found.only_after, found.made_with))


def test_the_test_of_a_difference_is_the_exact_one_where_it_can_be() -> None:
    gained = [0.5, 0.25, 0.25, -0.125, 0.0, 1.0]
    pairs = [(_result(at, 0.0), _result(at, gain)) for at, gain in enumerate(gained)]
    row = next(row for row in differences(pairs, EVALUATION) if row.metric == "right")
    sums = [
        abs(sum(sign * gain for sign, gain in zip(signs, gained, strict=True))) for signs in product((1, -1), repeat=6)
    ]
    assert row.p == pytest.approx(np.mean(np.array(sums) >= sum(gained) - 1e-12), abs=1e-5)
    assert row.difference == pytest.approx(np.mean(gained), abs=1e-4)
    assert row.low < row.difference < row.high


def test_a_clear_gain_is_better_and_a_gain_of_what_should_be_low_is_worse() -> None:
    before = [_result(at, 0.0, cost=1.0, score=0.5) for at in range(40)]
    after = [_result(at, float(at % 4 > 0), cost=2.0, score=float(at % 2 == 0)) for at in range(40)]
    rows = {row.metric: row for row in _compared(before, after).tables["s"]}
    assert [(name, row.verdict) for name, row in rows.items()] == [
        ("right", "better"), ("cost", "worse"), ("auroc", "better"), ("tabled auroc", "better")
    ]  # fmt: skip
    assert rows["auroc"].before == 0.5 and rows["auroc"].after == 1.0
    assert rows["auroc"] == replace(rows["tabled auroc"], metric="auroc"), "two ways to the same numbers"


def test_chance_is_not_taken_for_a_difference() -> None:
    dice = np.random.default_rng(1)
    called = 0
    for _ in range(20):  # of so few pairs that every exchange is tried
        values = dice.integers(0, 2, (2, 12)).astype(float)
        pairs = [(_result(at, one), _result(at, other)) for at, (one, other) in enumerate(values.T)]
        called += next(row for row in differences(pairs, _Scored(Conditions())) if row.metric == "right").p < 0.05
    assert called <= 4


class _Scored(Told):
    aggregates: ClassVar[Mapping[str, Aggregate]] = {}


def test_p_values_are_corrected_for_their_number() -> None:
    assert holm([0.01, 0.04, 0.03, 0.5]) == [0.04, 0.09, 0.09, 0.5]  # by hand: 4x, then 3x and 2x, never below
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_examples_are_paired_by_set_and_key_whatever_their_order() -> None:
    before = [_result(1, 0.0, name="a"), _result(1, 1.0, name="b"), _result(2, 1.0, name="a")]
    after = [_result(1, 1.0, name="b"), _result(3, 0.0, name="a"), _result(1, 1.0, name="a")]
    found = _compared(before, after)
    assert list(found.tables) == ["all sets", "a", "b"]
    assert found.pairs == 2
    assert (found.only_before, found.only_after) == ([("a", "2")], [("a", "3")])
    assert [(one.set, one.key, one.difference) for one in found.better] == [("a", "1", 1.0)]
    assert found.worse == []


def test_the_largest_changes_come_first_and_lower_costs_are_better() -> None:
    before = [_result(1, 0.5), _result(2, 0.5), _result(3, 1.0, cost=3.0), _result(4, 0.5)]
    after = [_result(1, 0.75), _result(2, 1.0), _result(3, 1.0, cost=1.0), _result(4, 0.0)]
    found = _compared(before, after)
    assert [(one.key, one.metric, one.difference) for one in found.better] == [
        ("2", "right", 0.5), ("1", "right", 0.25), ("3", "cost", 2.0)
    ]  # fmt: skip
    assert [one.key for one in found.worse] == ["4"]


def test_examples_that_failed_or_ask_something_else_are_not_compared() -> None:
    before = [_result(1, 1.0), _result(2, 1.0), _result(3, 1.0)]
    other = replace(_result(2, 0.0), example=Example("2", {"question": "Another?"}, {"true": True}))
    failed = replace(_result(3, 0.0), scores={}, error="away")
    found = _compared(before, [_result(1, 1.0), other, failed])
    assert (found.pairs, found.altered, found.only_before) == (1, [("s", "2")], [("s", "3")])


def test_what_the_runs_were_made_with_is_compared_by_name() -> None:
    one = _run([_result(1, 1.0)], settings={"k": 5, "cache": True}, prompts={"write": "aaa"}, commit="1")
    two = _run([_result(1, 1.0)], settings={"k": 9, "cache": True}, prompts={"write": "bbb"}, commit="1")
    found = compare_runs(one, two, EVALUATION)
    assert found.made_with == [("settings.k", "5", "9"), ("prompts.write", "aaa", "bbb")]


def test_runs_with_nothing_in_common_are_refused() -> None:
    with pytest.raises(IncomparableRuns, match="no example in common"):
        _compared([_result(1, 1.0)], [_result(2, 1.0)])
    with pytest.raises(IncomparableRuns, match=r"is a run of answers, .* one of hops"):
        compare_runs(_run([_result(1, 1.0)]), _run([_result(1, 1.0)], evaluation="hops"), EVALUATION)


def test_texts_of_runs_are_text_on_the_page() -> None:
    text = "<script>alert(1)</script>\u202e"
    before, after = (
        replace(_result(1, right), outputs={"score": 0.5, "answer": text}, set=text) for right in (0.0, 1.0)
    )
    page = comparison_html(_compared([before], [after]), EVALUATION)
    assert "<script" not in page and "\u202e" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\ufffd" in page
    assert "What got better" in page and "What is 1?" in page


def _kept(folder: Path, results: Sequence[Result], **metadata: Any) -> Path:
    folder.mkdir()
    head = {"metadata": {"evaluation": "answers", **metadata}, "summary": {}, "metrics": {}}
    (folder / "run.json").write_text(json.dumps(head), encoding="utf-8")
    rows = [
        {"set": one.set, "example": {"key": one.example.key, "inputs": one.example.inputs, "reference": {}},
         "outputs": one.outputs, "scores": one.scores, "ms": one.ms}
        for one in results
    ]  # fmt: skip
    (folder / "results.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def test_the_command_prints_and_writes_the_comparison(tmp_path: Path) -> None:
    before = _kept(tmp_path / "a", [_result(at, 0.0) for at in range(12)], commit="1")
    after = _kept(tmp_path / "b", [_result(at, float(at > 0)) for at in range(12)], commit="2")
    page = tmp_path / "page.html"
    shown = CliRunner().invoke(app, ["eval", "compare", str(before), str(after), "--out", str(page)])
    assert shown.exit_code == 0, shown.output
    assert "right   0.0000  0.9167  +0.9167" in shown.output and "better" in shown.output
    assert "11 better:" in shown.output and "commit: 1 → 2" in shown.output
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    printed = CliRunner().invoke(app, ["eval", "compare", str(before), str(after), "--json"])
    found = json.loads(printed.stdout)
    assert found["pairs"] == 12 and len(found["better"]) == 11
    assert {row["metric"]: row["verdict"] for row in found["metrics"]["s"]}["right"] == "better"


def test_the_command_refuses_what_cannot_be_compared_in_a_sentence(tmp_path: Path) -> None:
    before = _kept(tmp_path / "a", [_result(1, 1.0)])
    hops = _kept(tmp_path / "b", [_result(1, 1.0)], evaluation="hops")
    unknown = _kept(tmp_path / "c", [_result(1, 1.0)], evaluation="dancing")
    for other, said in (
        (tmp_path, "holds no evaluation run"), (hops, "compare runs of the same kind"), (unknown, "is a run of answers")
    ):  # fmt: skip
        refused = CliRunner().invoke(app, ["eval", "compare", str(before), str(other)])
        assert isinstance(refused.exception, FootnoteError) and said in str(refused.exception)
    refused = CliRunner().invoke(app, ["eval", "compare", str(unknown), str(unknown)])
    assert isinstance(refused.exception, UnreadableRun) and "not known here: dancing" in str(refused.exception)
