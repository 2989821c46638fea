"""The columns of a PDF table, and which of them each cell stands in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from ingest.loaders.pdf_lines import Cell, Line, Word

Column = tuple[float, float]
"""The left and right edge of a column, in points."""

_TOUCH = 1.5
_BESIDE = 0.4
_LINED_UP = 3.0
_WIDER = 1.3


@dataclass(frozen=True, slots=True)
class Strip:
    """Lines that stand side by side at one height."""

    lines: tuple[Line, ...]

    @property
    def cells(self) -> list[Cell]:
        """Its cells from left to right."""
        return sorted((cell for line in self.lines for cell in line.cells), key=lambda cell: cell.left)

    @property
    def bottom(self) -> float:
        """Its lower edge in points."""
        return min(line.box[1] for line in self.lines)

    @property
    def top(self) -> float:
        """Its upper edge in points."""
        return max(line.box[3] for line in self.lines)

    @property
    def size(self) -> float:
        """Its largest type size."""
        return max(line.size for line in self.lines)


def middle(line: Line) -> float:
    """Return the height of a line's middle in points."""
    return (line.box[1] + line.box[3]) / 2


def strips_of(lines: Sequence[Line]) -> list[Strip]:
    """Return lines as strips from top to bottom, whatever order the file draws them in."""
    found: list[list[Line]] = []
    for line in sorted(lines, key=middle, reverse=True):
        if found and _beside(found[-1], line):
            found[-1].append(line)
        else:
            found.append([line])
    return [Strip(tuple(strip)) for strip in found]


def _beside(strip: Sequence[Line], line: Line) -> bool:
    bottom, top = min(other.box[1] for other in strip), max(other.box[3] for other in strip)
    lower = min(top - bottom, line.box[3] - line.box[1])
    return min(top, line.box[3]) - max(bottom, line.box[1]) > _BESIDE * lower


def columns_of(strips: Sequence[Strip]) -> list[Column]:
    """Return the columns from left to right: where cells of different strips stand over one another.

    A cell over two cells of another strip says nothing about columns and is left out.
    """
    rows = [strip.cells for strip in strips]
    counted = _counted(rows)
    if counted:
        return counted
    kept = [[cell for cell in row if not any(_spans(cell, other) for other in rows)] for row in rows]
    columns: list[Column] = []
    for cell in sorted((cell for row in kept for cell in row), key=lambda cell: cell.left):
        if columns and cell.left < columns[-1][1] - _TOUCH:
            columns[-1] = columns[-1][0], max(columns[-1][1], cell.right)
        else:
            columns.append((cell.left, cell.right))
    return _without_stray_labels(columns, kept)


def _counted(rows: Sequence[Sequence[Cell]]) -> list[Column]:
    """Return the columns of rows that have the same number of cells; none if they do not, or overlap sideways."""
    if len({len(row) for row in rows}) != 1:
        return []
    edges = [(min(c.left for c in cells), max(c.right for c in cells)) for cells in zip(*rows, strict=True)]
    return edges if all(before[1] < after[0] for before, after in pairwise(edges)) else []


def _spans(cell: Cell, others: Sequence[Cell]) -> bool:
    under = [other for other in others if _shared(cell, (other.left, other.right)) > _TOUCH]
    return any(before.right <= after.left for before, after in pairwise(under))


def _without_stray_labels(columns: list[Column], rows: Sequence[Sequence[Cell]]) -> list[Column]:
    """Join a label to the column beside it when nothing stands under it: it is set off to one side."""
    filled = [{nearest(cell, columns) for cell in row} for row in rows]
    for index in range(len(columns) - 2, -1, -1):
        here = {i for i, places in enumerate(filled) if index in places}
        beside = {i for i, places in enumerate(filled) if index + 1 in places}
        if {0} in (here, beside) and not here & beside:
            columns[index : index + 2] = [(columns[index][0], columns[index + 1][1])]
            filled = [{place - (place > index) for place in places} for places in filled]
    return columns


def _shared(part: Cell | Word, column: Column) -> float:
    return min(part.right, column[1]) - max(part.left, column[0])


def nearest(part: Cell | Word, columns: Sequence[Column]) -> int:
    """Return the index of the column that a cell or word stands in or is nearest to."""
    return max(range(len(columns)), key=lambda index: _shared(part, columns[index]))


def placed(cell: Cell, columns: Sequence[Column]) -> list[tuple[int, str]]:
    """Return a cell's text by column: parted where it runs over several and its words line up with each.

    Else it stands whole in the column where it begins: it is longer than that, or a title over them.
    """
    over = [index for index, column in enumerate(columns) if _shared(cell, column) > _TOUCH]
    if len(over) < 2:
        return [(nearest(cell, columns), cell.text)]
    for places in (_by_left_edge(cell, columns), [nearest(word, columns) for word in cell.words]):
        pairs = groupby(zip(places, cell.words, strict=True), key=lambda pair: pair[0])
        parts = [(index, [word for _, word in pair]) for index, pair in pairs]
        if all(_lines_up(words, columns[index]) for index, words in parts) and _stand_apart([p[1] for p in parts]):
            return [(index, " ".join(word.text for word in words)) for index, words in parts]
    return [(over[0], cell.text)]


def _by_left_edge(cell: Cell, columns: Sequence[Column]) -> list[int]:
    """Return a column for each word: the one whose left edge it begins at, else that of the word before."""
    places = [nearest(cell.words[0], columns)]
    for word in cell.words[1:]:
        begun = (i for i in range(places[-1] + 1, len(columns)) if abs(word.left - columns[i][0]) <= _LINED_UP)
        places.append(next(begun, places[-1]))
    return places


def runs_over(cell: Cell, columns: Sequence[Column]) -> bool:
    """Say whether a cell is wider than one column."""
    return sum(_shared(cell, column) > _TOUCH for column in columns) > 1


def _lines_up(words: Sequence[Word], column: Column) -> bool:
    left, right = words[0].left, words[-1].right
    off = (left - column[0], right - column[1], (left + right - column[0] - column[1]) / 2)
    return min(map(abs, off)) <= _LINED_UP


def _stand_apart(parts: Sequence[Sequence[Word]]) -> bool:
    """Say whether the blanks between parts are wider than those within."""
    within = [after.left - before.right for words in parts for before, after in pairwise(words)]
    apart = [after[0].left - before[-1].right for before, after in pairwise(parts)]
    return bool(apart) and (not within or min(apart) > _WIDER * max(within))


def between(edges: Sequence[float], strips: Sequence[Strip]) -> list[Column]:
    """Return the columns between upright rules, each as wide as what stands in it."""
    cells = [cell for strip in strips for cell in strip.cells]
    columns: list[Column] = []
    for left, right in pairwise(edges):
        inside = [cell for cell in cells if left - _TOUCH <= cell.left and cell.right <= right + _TOUCH]
        columns.append(
            (min(cell.left for cell in inside), max(cell.right for cell in inside)) if inside else (left, right)
        )
    return columns


def filled_columns(strip: Strip, columns: Sequence[Column]) -> set[int]:
    """Return the indices of the columns that a strip has text in."""
    return {index for cell in strip.cells for index, _ in placed(cell, columns)}
