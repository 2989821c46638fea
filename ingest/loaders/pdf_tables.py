"""The tables of a PDF page: rows between drawn rules, or neighbouring lines with wide gaps between their cells."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ingest.loaders.pdf_bands import ruled_tables
from ingest.loaders.pdf_columns import Column, columns_of, filled_columns, strips_of
from ingest.loaders.pdf_lines import Line, PageLines
from ingest.loaders.pdf_rows import Row, goes_on, grouped, row_of

_MAX_CELL = 120
_MARK = re.compile(
    r"^(?:[^\w\s]|[.(\[]?\w{1,2}[.)\]]|\.\d{1,2}|(?:\d{1,2}\.){1,4}\d{0,2})$"
)  # of a list item or heading
_NEAR = 0.8


@dataclass(slots=True)
class Table:
    """A table on a page: indices of the page's lines, its columns and rows from top to bottom."""

    indices: tuple[int, ...]
    columns: list[Column]
    rows: list[Row]


def tables_on(page: PageLines, words: Collection[str], goes_over: bool = False) -> list[Table]:
    """Return a page's tables in reading order.

    ``goes_over`` says that the page before ends with a table: then one row at the top of this page may be its last.
    """
    tables = [
        Table(found.indices, found.columns, [row_of(strips, found.columns, words) for strips in found.rows])
        for found in ruled_tables(page, 1 if goes_over else 2)
        if len(found.rows) > 1 or found.indices[0] == 0
    ]
    taken = {index for table in tables for index in table.indices}
    tables += [_unruled(page.lines, run, words) for run in _runs(page.lines, taken, goes_over)]
    return sorted(tables, key=lambda table: table.indices)


def _unruled(lines: Sequence[Line], run: Sequence[int], words: Collection[str]) -> Table:
    strips = strips_of([lines[index] for index in run])
    columns = columns_of(strips)
    return Table(tuple(run), columns, [row_of(group, columns, words) for group in grouped(strips, columns)])


def _runs(lines: Sequence[Line], taken: Collection[int], goes_over: bool) -> list[list[int]]:
    """Return runs of lines, as indices, that are tables: rows, and the further lines of their cells."""
    runs: list[list[int]] = [[]]
    for index, line in enumerate(lines):
        run = runs[-1]
        rows = [lines[i] for i in run if is_row(lines[i])]
        if index in taken:
            runs.append([])
        elif is_row(line):
            if not run or _follows(rows[-1], line):
                run.append(index)
            else:
                runs.append([index])
        elif run and _is_part([lines[i] for i in run], rows, line, lines[index + 1 : index + 3]):
            run.append(index)
        elif run:
            runs.append([])
    return [run for run in runs if _is_table(lines, run, goes_over)]


def _is_table(lines: Sequence[Line], run: Sequence[int], goes_over: bool) -> bool:
    rows = [index for index in run if is_row(lines[index])]
    enough = len(rows) > 1 or (goes_over and bool(run) and run[0] == 0)
    return enough or (len(rows) == 1 and len(lines[rows[0]].cells) > 2)


def is_row(line: Line) -> bool:
    """Say whether a line has several cells and the first is not the mark of a list item or heading."""
    marked = len(line.cells) == 2 and _MARK.match(line.cells[0].text)
    return len(line.cells) > 1 and not marked and all(len(cell.text) <= _MAX_CELL for cell in line.cells)


def _follows(above: Line, line: Line) -> bool:
    step = above.box[1] - line.box[1]
    return 0 < step <= 4 * max(line.size, 1.0)


def _is_part(run: Sequence[Line], rows: Sequence[Line], line: Line, following: Sequence[Line]) -> bool:
    """Say whether a line of one cell belongs to a row: it is in one column, and as near as the lines of a cell."""
    columns = columns_of(strips_of(rows))
    last = rows[-1]
    fits = len(line.cells) == 1 and len(columns) > 1 and 0.7 * last.size <= line.size <= 1.2 * last.size
    if not fits or (line.bold and not last.bold) or len(places := _places(line, columns)) > 1:
        return False
    gap = min(other.box[1] for other in run) - line.box[3]
    near = -3 * line.size <= gap <= _NEAR * line.size and line.box[1] < max(other.box[3] for other in run)
    if places == {0} and line.box[0] < columns[1][0] - line.size:
        beside = any(_beside(line, other) and _places(other, columns) - {0} for other in following)
        return (near and goes_on(line.text, last.cells[0].text)) or (beside and gap <= 4 * line.size)
    return near or _beside(run[-1], line)


def _places(line: Line, columns: Sequence[Column]) -> set[int]:
    return filled_columns(strips_of([line])[0], columns)


def _beside(first: Line, second: Line) -> bool:
    """Say whether lines are cells of one row: the second to the right and about as high."""
    step = abs(first.box[1] + first.box[3] - second.box[1] - second.box[3]) / 2
    return second.box[0] > first.box[2] and step <= 1.5 * max(first.size, second.size)
