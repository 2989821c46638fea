"""The metrics of a run as tables: by set, and by the classes of examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evals.runs.evaluation import Evaluation, by_set
from evals.runs.example import Result
from evals.runs.folder import SavedRun
from evals.runs.intervals import score_interval

_CLASSES: dict[str, Callable[[Result], str]] = {
    "kind of example": lambda result: result.example.kind,
    "class of question": lambda result: str(result.outputs.get("question_class") or ""),
    "route": lambda result: str(result.outputs.get("route") or ""),
}
_MOST_ROWS = 24
_MOST_METRICS = 4


@dataclass(frozen=True, slots=True)
class Cell:
    """A mean with the ends of its 95 % interval, over n examples; ``is_headline`` for what counts most."""

    metric: str
    n: int
    mean: float
    low: float
    high: float
    is_headline: bool = False

    @property
    def is_share(self) -> bool:
        """Whether it can be drawn on a line from 0 to 1."""
        return 0 <= self.low <= self.high <= 1


@dataclass(frozen=True, slots=True)
class Grid:
    """Metrics that are measures of variants ("hybrid nDCG@10"): a row a variant, a column a measure."""

    measures: list[str]
    rows: list[tuple[str, list[Cell | None]]]
    best: frozenset[str]


@dataclass(frozen=True, slots=True)
class SetTable:
    """The metrics of one set."""

    name: str
    n: int
    failed: int
    cells: list[Cell]
    grid: Grid | None

    def all_cells(self) -> list[Cell]:
        """Return the cells in and outside of the grid."""
        return [*self.cells, *(cell for _, row in (self.grid.rows if self.grid else []) for cell in row if cell)]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The headline's scores by a class of examples, most frequent first."""

    by: str
    metrics: list[str]
    rows: list[tuple[str, int, list[Cell | None]]]


@dataclass(frozen=True, slots=True)
class Headline:
    """What counts most of a run: a row a set with its number of examples, a column a metric."""

    name: str
    metrics: list[str]
    rows: list[tuple[str, int, list[Cell | None]]]


def headline(run: SavedRun, evaluation: Evaluation) -> Headline:
    """Return the headline's metrics of each set; the first ones if the headline names many."""
    tables = [
        set_table(name, metrics, by_set(run.results).get(name, []), evaluation) for name, metrics in run.metrics.items()
    ]
    found = {table.name: {cell.metric: cell for cell in table.all_cells()} for table in tables}
    metrics = [name for name in evaluation.headline if any(name in cells for cells in found.values())][:_MOST_METRICS]
    rows = [(table.name, table.n, [found[table.name].get(metric) for metric in metrics]) for table in tables]
    return Headline(evaluation.name, metrics, rows)


def set_table(
    name: str, metrics: Mapping[str, Sequence[float]], results: Sequence[Result], evaluation: Evaluation
) -> SetTable:
    """Return the metrics of a set, whose mean and interval a run has kept, as a table."""
    there = [one for one in results if not one.error]
    cells = [
        Cell(metric, _count(metric, there), mean, low, high, metric in evaluation.headline)
        for metric, (mean, low, high) in metrics.items()
    ]
    grid = _grid(cells, evaluation)
    in_grid = {cell.metric for _, row in grid.rows for cell in row if cell} if grid else set()
    return SetTable(
        name, len(there), len(results) - len(there), [cell for cell in cells if cell.metric not in in_grid], grid
    )


def _count(metric: str, results: Sequence[Result]) -> int:
    """Return how many results a metric is over: all of them for an aggregate."""
    return sum(metric in one.scores for one in results) or len(results)


def _grid(cells: Sequence[Cell], evaluation: Evaluation) -> Grid | None:
    by_variant: dict[str, dict[str, Cell]] = {}
    for cell in cells:
        variant, _, measure = cell.metric.rpartition(" ")
        if variant:
            by_variant.setdefault(variant, {})[measure] = cell
    shared = [measure for row in by_variant.values() for measure in row]
    measures = [measure for measure in dict.fromkeys(shared) if shared.count(measure) > 1]
    rows = [
        (variant, [row.get(measure) for measure in measures])
        for variant, row in by_variant.items()
        if any(measure in row for measure in measures)
    ]
    if not measures:
        return None
    columns = [[row[at] for _, row in rows] for at in range(len(measures))]
    return Grid(measures, rows, frozenset(name for column in columns for name in _best(column, evaluation)))


def _best(column: Sequence[Cell | None], evaluation: Evaluation) -> list[str]:
    """Return the names of the best cells of a column, none if all are as good."""
    there = [cell for cell in column if cell is not None]
    lower = all(cell.metric in evaluation.lower_is_better for cell in there)
    top = (min if lower else max)(cell.mean for cell in there)
    named = [cell.metric for cell in there if cell.mean == top]
    return named if len(named) < len(there) else []


def breakdowns(evaluation: Evaluation, results: Sequence[Result]) -> list[Breakdown]:
    """Return the headline's scores by each kind of class that tells examples apart."""
    metrics = [name for name in evaluation.headline if any(name in one.scores for one in results)][:_MOST_METRICS]
    if not metrics:
        return []
    found = []
    for by, named in _CLASSES.items():
        groups: dict[str, list[Result]] = {}
        for result in results:
            groups.setdefault(named(result), []).append(result)
        if len([name for name in groups if name]) < 2:
            continue
        ordered = sorted(groups.items(), key=lambda item: -len(item[1]))[:_MOST_ROWS]
        rows = [(name or "(none)", len(some), [_cell(metric, some) for metric in metrics]) for name, some in ordered]
        found.append(Breakdown(by, metrics, rows))
    return found


def _cell(metric: str, results: Sequence[Result]) -> Cell | None:
    values = [one.scores[metric] for one in results if metric in one.scores]
    if not values:
        return None
    mean, low, high = score_interval(values, 1000)
    return Cell(metric, len(values), mean, low, high)
