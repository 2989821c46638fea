"""Tables in a PDF, told by the wide gaps between the cells of neighbouring lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from ingest.loaders.pdf_lines import Cell, Line
from ingest.loaders.tables import looks_like_header

_MAX_CELL = 120
_MARK = re.compile(
    r"^(?:[^\w\s]|[.(\[]?\w{1,2}[.)\]]|\.\d{1,2}|(?:\d{1,2}\.){1,4}\d{0,2})$"
)  # of a list item or heading


def table_rows(lines: Sequence[Line]) -> dict[int, str]:
    """Return for each line (by index) that is a table's row how it is written: ``Header: cell; Header: cell``.

    A header row is written as nothing, because its labels are in every row.
    """
    written: dict[int, str] = {}
    run: list[int] = []
    for index in range(len(lines) + 1):
        if index < len(lines) and _is_row(lines[index]) and (not run or _follows(lines[run[-1]], lines[index])):
            run.append(index)
            continue
        if len(run) > 1 or (run and len(lines[run[0]].cells) > 2):
            written |= _table(lines, run)
        run = [index] if index < len(lines) and _is_row(lines[index]) else []
    return written


def _is_row(line: Line) -> bool:
    marked = len(line.cells) == 2 and _MARK.match(line.cells[0].text)
    return len(line.cells) > 1 and not marked and all(len(cell.text) <= _MAX_CELL for cell in line.cells)


def _follows(above: Line, line: Line) -> bool:
    step = above.box[1] - line.box[1]
    return 0 < step <= 4 * max(line.size, 1.0)


def _table(lines: Sequence[Line], run: Sequence[int]) -> dict[int, str]:
    first = lines[run[0]].cells
    labels = [cell.text for cell in first]
    body = [[cell.text for cell in lines[index].cells] for index in run[1:]]
    fits = all(_columns(lines[index].cells, first) is not None for index in run[1:])
    if fits and looks_like_header(labels, body):
        return {run[0]: "", **{index: _row(lines[index].cells, first) for index in run[1:]}}
    return {index: _row(lines[index].cells, ()) for index in run}


def _row(cells: Sequence[Cell], header: Sequence[Cell]) -> str:
    columns = _columns(cells, header) if header else None
    parts = [
        f"{header[columns[i]].text.rstrip(': ')}: {cell.text}" if columns else cell.text
        for i, cell in enumerate(cells)
    ]  # fmt: skip
    written = parts[0]
    for before, part in pairwise(parts):
        written += (" " if before.endswith(":") else "; ") + part
    return written


def _columns(cells: Sequence[Cell], header: Sequence[Cell]) -> list[int] | None:
    """Return the header cell above each cell; None unless each has one of its own."""
    if len(cells) == len(header):
        return list(range(len(header)))
    columns = [min(range(len(header)), key=lambda i: _distance(cell, header[i])) for cell in cells]
    return columns if all(a < b for a, b in pairwise(columns)) else None


def _distance(cell: Cell, header: Cell) -> float:
    """Return how far two cells are apart sideways, in points: their edges or middles, whichever are nearest."""
    return min(
        abs(cell.left - header.left),
        abs(cell.right - header.right),
        abs(cell.left + cell.right - header.left - header.right) / 2,
    )
