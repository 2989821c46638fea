"""How well personal data is found: precision, recall and F2 of each entity on sets of Presidio's generators."""

from __future__ import annotations

import asyncio
import math
import statistics
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from evals.measures.classification import f_beta, precision_recall
from evals.runs.aggregates import Table, TableAggregate
from evals.runs.evaluation import Aggregate, Conditions, Evaluation, Target, by_set
from evals.runs.example import Example, Result
from evals.sets.marked import NAMES, MarkedText, read_marked
from models.pii import PresidioFinder
from state.screening import Sensitive

_ENTITIES = tuple(sorted(set(NAMES.values())))
_BETA = 2.0  # recall counts twice as much as precision: what is missed is shown
_FOUND, _MISSED, _WRONG, _CHARACTERS, _COVERED = range(5)

Counts = npt.NDArray[np.float64]


def _counts(marked: Sequence[Sensitive], found: Sequence[Sensitive]) -> Counts:
    """Count by entity, in the order of `_ENTITIES`, what was found, missed and wrong, and characters; shape (n, 5)."""
    counts = np.zeros((len(_ENTITIES), 5))
    for span in marked:
        at = _ENTITIES.index(span.entity)
        counts[at, _FOUND if any(_same(span, one) for one in found) else _MISSED] += 1
        counts[at, _CHARACTERS] += span.end - span.start
        covered = {place for one in found for place in range(max(one.start, span.start), min(one.end, span.end))}
        counts[at, _COVERED] += len(covered)
    for one in found:
        if one.entity in _ENTITIES and not any(_same(span, one) for span in marked):
            counts[_ENTITIES.index(one.entity), _WRONG] += 1
    return counts


def _same(one: Sensitive, other: Sensitive) -> bool:
    return one.entity == other.entity and one.start < other.end and other.start < one.end


def _spans(rows: Sequence[Sequence[Any]]) -> list[Sensitive]:
    return [Sensitive(*row) for row in rows]


def _row(result: Result) -> Sequence[float]:
    marked, found = result.example.reference["spans"], result.outputs["spans"]
    counts = _counts(_spans(marked), _spans(found)) if marked or found else np.zeros((len(_ENTITIES), 5))
    return counts.ravel().tolist()


def _totals(table: Table) -> Counts:
    return np.asarray(table.sum(axis=0).reshape(len(_ENTITIES), 5), dtype=np.float64)


def _measures(counts: Counts) -> dict[str, float]:
    """Return the measures of counts; nan if nothing is marked: then nothing found can be called wrong or right."""
    found, missed, wrong, characters, covered = counts
    if not found + missed:
        return dict.fromkeys(("precision", "recall", "F2", "covered"), math.nan)
    precision, recall = precision_recall(found, missed, wrong)
    return {"precision": precision, "recall": recall, "F2": f_beta(precision, recall, _BETA),
            "covered": covered / characters}  # fmt: skip


def _of_entity(entity: str, measure: str) -> TableAggregate:
    at = _ENTITIES.index(entity)
    return TableAggregate(_row, lambda table: _measures(_totals(table)[at])[measure])


def _together(measure: str) -> TableAggregate:
    return TableAggregate(_row, lambda table: _measures(_marked_only(_totals(table)).sum(axis=0))[measure])


def _marked_only(totals: Counts) -> Counts:
    return totals[totals[:, _FOUND] + totals[:, _MISSED] > 0]


class Pii(Evaluation):
    """Looks for personal data in texts.

    A finding is right if it is of the same entity and overlaps a marked span; a span that several findings cover is
    found once. ``precision``, ``recall`` and ``F2`` are of all spans together, and of each entity (``card F2``).
    ``covered`` is the share of marked characters that findings of any entity cover: what masks can hide. A text is
    ``right`` if all that is marked in it is found, and nothing else of the entities that sets mark.
    """

    name = "pii"
    headline = ("F2", "recall", "precision", "covered", "right")
    aggregates: ClassVar[Mapping[str, Aggregate]] = {
        **{measure: _together(measure) for measure in ("F2", "recall", "precision", "covered")},
        **{
            f"{entity} {measure}": _of_entity(entity, measure)
            for entity in _ENTITIES
            for measure in ("F2", "recall", "precision", "covered")
        },
    }

    def __init__(self, conditions: Conditions) -> None:
        super().__init__(conditions)
        self._finder = PresidioFinder()
        self._opened = 0.0

    def read(self, paths: Sequence[Path]) -> dict[str, list[Example]]:
        """Return the texts of each set."""
        return {
            name: [_example(number, text) for number, text in enumerate(texts)]
            for name, texts in read_marked(paths).items()
        }

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[Target]:
        """Load the recognisers."""
        if not self._opened:
            started = time.perf_counter()
            await asyncio.to_thread(self._finder.open)
            self._opened = time.perf_counter() - started

        async def target(inputs: Mapping[str, Any]) -> dict[str, Any]:
            started = time.perf_counter()
            found = self._finder.find(inputs["text"])
            spent = round((time.perf_counter() - started) * 1000, 3)
            return {"spans": [list(one) for one in found], "ms": {"find": spent}}

        yield target

    def score(self, example: Example, outputs: Mapping[str, Any]) -> dict[str, float]:
        """Return whether all that is marked is found, and nothing else."""
        counts = _counts(_spans(example.reference["spans"]), _spans(outputs["spans"]))
        return {"right": float(not counts[:, _MISSED].any() and not counts[:, _WRONG].any())}

    def summary(self, results: Sequence[Result]) -> dict[str, Any]:
        """Return each entity's measures by set."""
        return {
            "sets": {name: _table(some) for name, some in by_set(results).items()},
            "together": self.metrics(results) if results else {},
            "texts": len(results),
            "open_s": round(self._opened, 2),
            "ms_a_text": round(statistics.mean(result.outputs["ms"]["find"] for result in results), 3),
        }


def _table(results: Sequence[Result]) -> dict[str, dict[str, float]]:
    totals = _totals(np.array([_row(result) for result in results]))
    rows: dict[str, dict[str, float]] = {}
    for entity, counts in zip(_ENTITIES, totals, strict=True):
        marked = int(counts[_FOUND] + counts[_MISSED])
        if marked:
            rows[entity] = {"marked": marked, **{name: round(value, 4) for name, value in _measures(counts).items()}}
    return rows


def _example(number: int, text: MarkedText) -> Example:
    kinds = ", ".join(sorted({span.entity for span in text.marked}))
    return Example(
        str(number), {"text": text.text}, {"spans": [list(span) for span in text.marked]}, kinds or "nothing"
    )
