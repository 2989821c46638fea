"""Choosing among values of a setting so that the choice holds on questions that it was not made on."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from evals.runs.intervals import mean_interval

ONE_SPLIT = 100  # questions from which on a part is held out once; fewer are cross-validated
_HELD_OUT = 0.4
_FOLDS = 5
_SEED = 0

Changes = Mapping[str, Any]
Split = tuple[list[int], list[int]]


@dataclass(frozen=True)
class Choices:
    """Values that settings may take, the present ones first, and what each is worth on each question.

    ``scores`` has a row for each of ``values`` and a column for each of ``keys``, the questions that tell them apart;
    ``kinds`` are their classes.
    """

    name: str
    metric: str
    values: Sequence[Changes]
    keys: Sequence[str]
    kinds: Sequence[str]
    scores: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """What was chosen for a setting, and why.

    ``held_out`` are the means of the present value and of what was fitted without them, on questions held out, and
    ``gain`` their difference with the ends of its paired 95 % interval. ``tuned`` is the value that was fitted on all
    that may be fitted on; ``accepted`` is whether the gain's interval lies above 0. ``reason`` says in words what came
    of it, also where nothing could be fitted.
    """

    name: str
    reason: str
    metric: str = ""
    tuned: Changes = field(default_factory=dict)
    accepted: bool = False
    held_out: tuple[float, float] = (0.0, 0.0)
    gain: tuple[float, float, float] = (0.0, 0.0, 0.0)
    questions: int = 0
    table: Sequence[tuple[Changes, float]] = ()


def splits(kinds: Sequence[str]) -> list[Split]:
    """Return pairs of questions to fit on and questions to judge by, with their share of each class; always the same.

    Many questions are split once, of fewer each is held out once (5-fold cross-validation).
    """
    chance = random.Random(_SEED)
    order: list[int] = []
    for kind in sorted(set(kinds)):
        some = [at for at, one in enumerate(kinds) if one == kind]
        chance.shuffle(some)
        order += some
    if len(kinds) >= ONE_SPLIT:
        every = 1 / _HELD_OUT
        held = {order[int(at * every)] for at in range(int(len(order) * _HELD_OUT))}
        return [([at for at in order if at not in held], sorted(held))]
    folds = [order[fold::_FOLDS] for fold in range(_FOLDS)]
    return [([at for at in order if at not in fold], fold) for fold in folds]


def fitted(scores: npt.NDArray[np.float64], questions: Sequence[int]) -> int:
    """Return which value is best on the mean over some questions; of equals, the first: the present one before all."""
    return int(np.argmax(np.round(scores[:, questions].mean(axis=1), 9)))


def choose(choices: Choices) -> Choice:
    """Choose a value, and judge the way of choosing by questions that it was not chosen on."""
    pairs = splits(choices.kinds)
    before: list[float] = []
    after: list[float] = []
    for training, held_out in pairs:
        best = fitted(choices.scores, training)
        before += [float(choices.scores[0, at]) for at in held_out]
        after += [float(choices.scores[best, at]) for at in held_out]
    everything = pairs[0][0] if len(pairs) == 1 else list(range(len(choices.keys)))
    best = fitted(choices.scores, everything)
    mean, low, high = mean_interval([two - one for one, two in zip(before, after, strict=True)])
    accepted = best != 0 and low > 0
    return Choice(
        choices.name, _reason(best, mean, low, high), choices.metric, choices.values[best], accepted,
        (float(np.mean(before)), float(np.mean(after))), (mean, low, high), len(choices.keys),
        [(value, float(row[everything].mean())) for value, row in zip(choices.values, choices.scores, strict=True)],
    )  # fmt: skip


def _reason(best: int, mean: float, low: float, high: float) -> str:
    if best == 0:
        return "kept: no other value is better on the questions that were fitted on"
    interval = f"{mean:+.3f} ({low:+.3f} to {high:+.3f}) on questions held out"
    return f"taken: {interval}" if low > 0 else f"kept: the gain's interval includes 0, {interval}"
