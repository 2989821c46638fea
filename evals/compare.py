"""Two runs of the same evaluation: what got better, what got worse, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from evals.paired import Difference, Pair, differences
from evals.report.report import flat
from evals.runs.evaluation import Evaluation
from evals.runs.example import Result
from evals.runs.folder import SavedRun
from state.errors import FootnoteError

ALL = "all sets"
_VARYING = ("at", "results", "failed", "degraded")


class IncomparableRuns(FootnoteError):
    """Two runs that have nothing to compare."""


@dataclass(frozen=True, slots=True)
class Change:
    """An example whose scores changed: ``difference`` is that of ``metric``, above 0 if it got better."""

    set: str
    key: str
    metric: str
    difference: float
    before: Result
    after: Result


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that two runs differ in; ``tables`` are differences by set, those over all sets first if there are several.

    ``only_before`` and ``only_after`` name examples (set and key) without a result in the other run, ``altered`` those
    whose question or reference differs; none of them counts. ``milliseconds`` are medians by set, before and after.
    """

    evaluation: str
    before: SavedRun
    after: SavedRun
    pairs: int
    tables: dict[str, list[Difference]]
    milliseconds: dict[str, tuple[float, float]]
    better: list[Change]
    worse: list[Change]
    only_before: list[tuple[str, str]]
    only_after: list[tuple[str, str]]
    altered: list[tuple[str, str]]
    only_one_has: list[str]
    made_with: list[tuple[str, str, str]]

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values; the results of changed examples by their scores and answers."""
        return {
            "evaluation": self.evaluation,
            "before": str(self.before.folder),
            "after": str(self.after.folder),
            "pairs": self.pairs,
            "metrics": {name: [asdict(row) for row in rows] for name, rows in self.tables.items()},
            "milliseconds": {name: list(both) for name, both in self.milliseconds.items()},
            "better": [_change_as_json(change) for change in self.better],
            "worse": [_change_as_json(change) for change in self.worse],
            "only_before": [list(one) for one in self.only_before],
            "only_after": [list(one) for one in self.only_after],
            "altered": [list(one) for one in self.altered],
            "metrics_of_one_run": self.only_one_has,
            "made_with": {name: [before, after] for name, before, after in self.made_with},
        }


def compare_runs(before: SavedRun, after: SavedRun, evaluation: Evaluation) -> Comparison:
    """Pair the results of two runs by set and key, and compare them. Raises `IncomparableRuns`."""
    check_comparable(before, after)
    first, second = _by_key(before), _by_key(after)
    altered = [at for at in first if at in second and _asks_otherwise(first[at], second[at])]
    common = [at for at in first if at in second and at not in set(altered)]
    if not common:
        raise IncomparableRuns(
            f"{before.folder} and {after.folder} have no example in common: were they made of the same sets?"
        )
    pairs = [(first[at], second[at]) for at in common]
    sets: dict[str, list[Pair]] = {}
    for pair in pairs:
        sets.setdefault(pair[0].set, []).append(pair)
    groups = {ALL: pairs, **sets} if len(sets) > 1 else sets
    changes = _changes(pairs, evaluation)
    return Comparison(
        evaluation.name, before, after, len(pairs),
        {name: differences(some, evaluation) for name, some in groups.items()},
        {name: (median(one.ms for one, _ in some), median(one.ms for _, one in some)) for name, some in groups.items()},
        [change for change in changes if change.difference > 0],
        [change for change in changes if change.difference < 0],
        [at for at in first if at not in second], [at for at in second if at not in first], altered,
        sorted(_metrics(before) ^ _metrics(after)), _made_with(before, after),
    )  # fmt: skip


def check_comparable(before: SavedRun, after: SavedRun) -> None:
    """Raise `IncomparableRuns` for runs of different evaluations."""
    kinds = [str(run.metadata.get("evaluation")) for run in (before, after)]
    if kinds[0] != kinds[1]:
        raise IncomparableRuns(
            f"{before.folder} is a run of {kinds[0]}, {after.folder} one of {kinds[1]}: compare runs of the same kind."
        )


def _by_key(run: SavedRun) -> dict[tuple[str, str], Result]:
    return {(one.set, one.example.key): one for one in run.results if not one.error}


def _asks_otherwise(one: Result, other: Result) -> bool:
    return one.example.inputs != other.example.inputs or one.example.reference != other.example.reference


def _metrics(run: SavedRun) -> set[str]:
    return {name for metrics in run.metrics.values() for name in metrics}


def _changes(pairs: Sequence[Pair], evaluation: Evaluation) -> list[Change]:
    """Return the examples that a score of the headline changed for, by the first that did; largest changes first."""
    found = []
    for before, after in pairs:
        for metric in evaluation.headline:
            if metric not in before.scores or metric not in after.scores:
                continue
            gained = after.scores[metric] - before.scores[metric]
            if gained:
                sign = -1 if metric in evaluation.lower_is_better else 1
                found.append(Change(before.set, before.example.key, metric, round(sign * gained, 6), before, after))
                break
    order = {metric: at for at, metric in enumerate(evaluation.headline)}
    return sorted(found, key=lambda change: (order[change.metric], -abs(change.difference)))


def _made_with(before: SavedRun, after: SavedRun) -> list[tuple[str, str, str]]:
    """Return what the runs' metadata differ in: names with both values."""
    first, second = (
        dict(flat({name: value for name, value in run.metadata.items() if name not in _VARYING}))
        for run in (before, after)
    )
    names = dict.fromkeys([*first, *second])
    return [(name, first.get(name, ""), second.get(name, "")) for name in names if first.get(name) != second.get(name)]


def _change_as_json(change: Change) -> dict[str, Any]:
    return {
        "set": change.set,
        "key": change.key,
        "metric": change.metric,
        "difference": change.difference,
        "inputs": dict(change.before.example.inputs),
        "scores": [dict(change.before.scores), dict(change.after.scores)],
        "answers": [change.before.outputs.get("answer", ""), change.after.outputs.get("answer", "")],
    }
