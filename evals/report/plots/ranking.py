"""Where the first relevant passage stands, and measures by entity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evals.report.colours import SERIES
from evals.report.plots.drawing import MARKERS, STYLES, Plot, drawing, finished, label, legend, shares
from evals.runs.example import Result

_DEEPEST = 20
_LEAST = 5
_STAGES = 4
_ENTITY_MEASURES = ("precision", "recall", "F2")


def ranks_by_stage(results: Sequence[Result]) -> Plot | None:
    """Draw for how many questions the first relevant passage is among the first k, by stage (success at k)."""
    placed = [one.outputs["ranks"] for one in results if one.outputs.get("ranks")]
    stages = list(dict.fromkeys(stage for ranks in placed for stage in ranks))[:_STAGES]
    placed = [ranks for ranks in placed if all(stage in ranks for stage in stages)]
    if len(placed) < _LEAST or not stages:
        return None
    deep = np.arange(1, _DEEPEST + 1)
    with drawing() as figure:
        axes = figure.subplots()
        for at, stage in enumerate(stages):
            places = np.array([ranks[stage] or np.inf for ranks in placed], dtype=np.float64)
            found = [(places <= k).mean() for k in deep]
            # Where two stages are as good, the earlier one is seen beneath the later.
            axes.plot(
                deep, found, color=SERIES[at], linestyle=STYLES[at], linewidth=2.6 - 0.5 * at, marker=MARKERS[at],
                markersize=5.5 - at, label=label(stage),
            )  # fmt: skip
        axes.set_xlabel("k: passages looked at")
        axes.set_ylabel("Share of questions with a relevant one")
        axes.set_xticks([1, 5, 10, 15, 20])
        shares(axes, "y")
        legend(figure, axes)
        said = _moved(placed, stages[0], stages[-1]) if len(stages) > 1 else ""
        caption = f"Is a relevant passage among the first k? n={len(placed)} questions. {said}"
        return finished(figure, "ranks", "Rank of the first relevant passage", caption)


def _moved(placed: Sequence[Mapping[str, int | None]], before: str, after: str) -> str:
    """Say how the ranks changed from a stage to a later one."""
    pairs = [(ranks[before] or np.inf, ranks[after] or np.inf) for ranks in placed]
    up, down = sum(b > a for b, a in pairs), sum(b < a for b, a in pairs)
    none = sum(a == np.inf for _, a in pairs)
    same = len(pairs) - up - down
    return f"From {before} to {after} it moved up for {up}, down for {down}, stayed for {same}; never found for {none}."


def by_entity(metrics: Mapping[str, float]) -> Plot | None:
    """Draw precision, recall and F2 of each entity ("card F2" and so on)."""
    found: dict[str, dict[str, float]] = {}
    for name, value in metrics.items():
        entity, _, measure = name.rpartition(" ")
        if entity and measure in _ENTITY_MEASURES and value == value:
            found.setdefault(entity, {})[measure] = value
    if len(found) < 2:
        return None
    entities = sorted(found, key=lambda entity: found[entity].get("F2", 0.0), reverse=True)
    with drawing(1.0 + 0.26 * len(entities)) as figure:
        axes = figure.subplots()
        for at, measure in enumerate(_ENTITY_MEASURES):
            rows = [row for row, entity in enumerate(entities) if measure in found[entity]]
            values = [found[entities[row]][measure] for row in rows]
            axes.plot(
                values, [row + 0.2 * (at - 1) for row in rows], MARKERS[at], color=SERIES[at], label=measure, alpha=0.85
            )
        axes.set_yticks(range(len(entities)), [label(entity) for entity in entities])
        axes.set_ylim(len(entities) - 0.4, -0.6)
        axes.set_xlabel("0 to 1, higher is better")
        shares(axes, "x")
        legend(figure, axes)
        caption = (
            "Precision: how many findings are one. Recall: how many are found. F2 is their mean with recall counting "
            "twice as much: what is missed is shown."
        )
        return finished(figure, "entities", "Personal data by entity", caption)
