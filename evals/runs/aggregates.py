"""Metrics over all results that are computed from a table of numbers, one row a result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evals.runs.example import Result

Table = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TableAggregate:
    """A metric of a table: ``row`` gives a result's numbers, None if it takes no part.

    ``metric`` computes it from a table of shape (results, numbers), nan where it is not defined. Bootstrap samples draw
    rows of the table, which is far faster than drawing results and reading each of them again.
    """

    row: Callable[[Result], Sequence[float] | None]
    metric: Callable[[Table], float]

    def __call__(self, results: Sequence[Result]) -> float:
        """Return the metric over some results; nan if none takes part."""
        table = self.table(results)
        return self.metric(table) if len(table) else float("nan")

    def table(self, results: Sequence[Result]) -> Table:
        """Return the rows of the results that take part, shape (results, numbers)."""
        rows = [row for result in results if not result.error and (row := self.row(result)) is not None]
        return np.array(rows, dtype=np.float64)
