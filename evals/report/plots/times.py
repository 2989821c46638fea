"""How long things take, and what more time buys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evals.report.colours import INK, SERIES, SOFT
from evals.report.plots.drawing import MARKERS, Plot, drawing, finished, label, legend, log_milliseconds
from evals.runs.example import Result
from evals.runs.intervals import score_interval

_SHORTEST = 0.05  # ms: steps that take less are left out
_VARIANTS = 6
_LEAST = 5


def latency_by_stage(results: Sequence[Result]) -> Plot | None:
    """Draw median, quartiles and the 95th percentile of the time of each step, in the order of the steps."""
    spent: dict[str, dict[str, list[float]]] = {}
    for result in results:
        for variant, timings in _by_variant(result.outputs.get("timings") or {}).items():
            for step, milliseconds in timings.items():
                spent.setdefault(variant, {}).setdefault(step, []).append(milliseconds)
    variants = list(spent)[: min(_VARIANTS, 3)]
    steps = [
        step
        for step in dict.fromkeys(step for variant in variants for step in spent[variant])
        if any(np.quantile(spent[variant].get(step, [0.0]), 0.95) >= _SHORTEST for variant in variants)
    ]
    if not steps or max(len(values) for variant in variants for values in spent[variant].values()) < _LEAST:
        return None
    with drawing(0.9 + 0.2 * len(steps) * (0.6 + 0.4 * len(variants))) as figure:
        axes = figure.subplots()
        for at, variant in enumerate(variants):
            shift = (at - (len(variants) - 1) / 2) * 0.25
            for row, step in enumerate(steps):
                if step in spent[variant]:
                    _range(axes, row + shift, spent[variant][step], at, variant if row == 0 else None)
        axes.set_yticks(range(len(steps)), [label(step) for step in steps])
        axes.set_ylim(len(steps) - 0.4, -0.6)
        everything = [value for variant in variants for step in steps for value in spent[variant].get(step, [])]
        log_milliseconds(axes, [max(_SHORTEST / 5, value) for value in everything])
        axes.set_xlabel("Milliseconds (logarithmic)")
        legend(figure, axes)
        count = max(len(values) for values in spent[variants[0]].values())
        caption = (
            f"Dot: median; thick bar: the middle half; thin line: up to the 95th percentile. n={count} questions. "
            "Steps run one after the other, except searches; a step that ran several times shows its total."
        )
        return finished(figure, "latency", "Time by step", caption)


def _range(axes: Any, row: float, values: Sequence[float], at: int, name: str | None) -> None:
    low, middle, high, most = np.maximum(np.quantile(values, (0.25, 0.5, 0.75, 0.95)), _SHORTEST / 5)
    axes.plot([low, most], [row, row], color=SERIES[at], linewidth=1)
    axes.plot([low, high], [row, row], color=SERIES[at], linewidth=4, solid_capstyle="butt", alpha=0.55)
    axes.plot(middle, row, MARKERS[at], color=SERIES[at], label=name or None)


def _by_variant(timings: Mapping[str, Any]) -> dict[str, Mapping[str, float]]:
    """Return times of steps by variant; those of a run without variants under an empty name."""
    if any(isinstance(value, Mapping) for value in timings.values()):
        return {name: value for name, value in timings.items() if isinstance(value, Mapping)}
    return {"": timings} if timings else {}


def quality_by_time(results: Sequence[Result]) -> list[Plot]:
    """Draw for each measure of the variants (modes, presets) its mean by the median time."""
    spent: dict[str, list[float]] = {}
    for result in results:
        for variant, milliseconds in (result.outputs.get("ms") or {}).items():
            spent.setdefault(variant, []).append(milliseconds)
    measures: dict[str, dict[str, list[float]]] = {}
    for result in results:
        for name, value in result.scores.items():
            variant, _, measure = name.rpartition(" ")
            if variant in spent:
                measures.setdefault(measure, {}).setdefault(variant, []).append(value)
    return [_measure(name, values, spent) for name, values in measures.items() if len(values) > 1][:2]


def _measure(measure: str, values: Mapping[str, Sequence[float]], spent: Mapping[str, Sequence[float]]) -> Plot:
    with drawing() as figure:
        axes = figure.subplots()
        ends: list[float] = []
        ordered = sorted(values.items(), key=lambda item: float(np.median(spent[item[0]])))[:_VARIANTS]
        for at, (variant, scores) in enumerate(ordered):
            mean, low, high = score_interval(scores)
            early, middle, late = (float(value) for value in np.quantile(spent[variant], (0.25, 0.5, 0.75)))
            ends += [early, late]
            axes.plot([middle, middle], [low, high], color=SERIES[at], linewidth=1)
            axes.plot([early, late], [mean, mean], color=SERIES[at], linewidth=1)
            axes.plot(middle, mean, MARKERS[at], color=SERIES[at], markersize=6)
            beside = (6, 5) if at % 2 == 0 else (6, -12)  # so that names of near points do not meet
            axes.annotate(label(variant), (middle, mean), beside, textcoords="offset points", color=INK)
        log_milliseconds(axes, ends)
        axes.margins(y=0.2)
        axes.set_ylim(top=min(axes.get_ylim()[1], 1.02 if max(map(max, values.values())) <= 1 else np.inf))
        axes.set_xlabel("Median milliseconds a question (logarithmic)")
        axes.set_ylabel(label(measure, 40))
        axes.tick_params(colors=SOFT)
        count = max(len(scores) for scores in values.values())
        caption = (
            f"Up and to the left is better. Vertical lines: 95 % interval of the mean over n={count}; horizontal "
            "lines: the middle half of the times."
        )
        safe = "".join(character if character.isalnum() else "-" for character in measure)
        return finished(figure, f"quality-{safe}", f"{measure} by time", caption)
