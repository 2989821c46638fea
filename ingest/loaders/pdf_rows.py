"""The rows of a PDF table: which of its lines are one row, by rules where they are drawn, else by gaps."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from ingest.loaders.pdf_columns import Column, Strip, filled_columns, middle, nearest, placed
from ingest.loaders.pdf_hyphens import joined
from ingest.loaders.pdf_lines import Cell, Line
from ingest.loaders.tables import is_numeric

_TIGHT = 0.8
_GOES_ON = re.compile(r"^[(\[]|^[^\W\d_A-Z]")
_UNFINISHED = re.compile(r"[,\-–/(]$")


class Row(NamedTuple):
    """A table's row: its lines, and the text of each column (empty where it has none)."""

    lines: tuple[Line, ...]
    cells: tuple[str, ...]


def row_of(strips: Sequence[Strip], columns: Sequence[Column], words: Collection[str]) -> Row:
    """Write strips as one row, each cell's lines joined from top to bottom."""
    lines = sorted((line for strip in strips for line in strip.lines), key=lambda line: -middle(line))
    cells = [""] * len(columns)
    for line in lines:
        for cell in line.cells:
            lone = len(lines) == len(line.cells) == 1
            for index, text in [(nearest(cell, columns), cell.text)] if lone else placed(cell, columns):
                before, glue = joined(cells[index], text, words) if cells[index] else ("", "")
                cells[index] = before + glue + text
    return Row(tuple(lines), tuple(cells))


def tight(above: Strip, below: Strip) -> bool:
    """Say whether two strips stand as near as the lines of one cell do."""
    return above.bottom - below.top <= _TIGHT * max(above.size, below.size)


def goes_on(text: str, before: str = "") -> bool:
    """Say whether words look like the rest of something begun above."""
    return bool(_GOES_ON.search(text) and not text[:1].isupper()) or bool(before and _UNFINISHED.search(before))


def one_row(strips: Sequence[Strip], columns: Sequence[Column]) -> bool:
    """Say whether the strips between two rules are one row, not several that no rule parts."""
    if not all(tight(above, below) for above, below in pairwise(strips)):
        return False
    filled = [filled_columns(strip, columns) for strip in strips]
    starts = [i for i, places in enumerate(filled) if 0 in places and len(places) > 1]
    rest = starts[1:]
    return 3 * sum(_wraps(strips[i - 1], strips[i], columns) for i in rest) >= len(rest)


def _wraps(above: Strip, below: Strip, columns: Sequence[Column]) -> bool:
    """Say whether a cell of a strip goes on with the one above it."""
    ends: dict[int, str] = {index: text for cell in above.cells for index, text in placed(cell, columns)}
    parts = [part for cell in below.cells for part in placed(cell, columns)]
    return any(goes_on(text, ends.get(index, "")) for index, text in parts)


def grouped(strips: Sequence[Strip], columns: Sequence[Column]) -> list[list[Strip]]:
    """Group the strips of a table without rules into rows.

    A row begins where its first column does. What has none goes on with the row above, or, as the upper lines of a
    cell that stands taller than a centred first one, begins the row below: where the wider gap is, the rows part.
    """
    filled = [filled_columns(strip, columns) for strip in strips]
    gaps = [above.bottom - below.top for above, below in pairwise(strips)]
    usual = median([gap for gap, (a, b) in zip(gaps, pairwise(filled), strict=True) if 0 in a and 0 in b] or [0.0])
    rows = [[strips[0]]]
    waiting = False  # the row's first column is still to come
    for index, strip in enumerate(strips[1:], 1):
        first = 0 in filled[index]
        if not tight(strips[index - 1], strip):
            new, waiting = True, False
        elif first:
            new, waiting = not waiting and not _rest_of_first(rows[-1][-1], strip, columns), False
        elif not waiting and _leads(index, filled, gaps):
            new = waiting = True
        else:
            apart = len(strip.cells) > 1 and gaps[index - 1] > usual - 1 and not _wraps(rows[-1][-1], strip, columns)
            new = not waiting and (apart or all(is_numeric(cell.text) for cell in strip.cells))
        if new:
            rows.append([strip])
        else:
            rows[-1].append(strip)
    return rows


def _rest_of_first(above: Strip, strip: Strip, columns: Sequence[Column]) -> bool:
    """Say whether a strip holds nothing but the rest of the first column's words."""
    first = [cell for cell in strip.cells if nearest(cell, columns) == 0]
    return len(first) == len(strip.cells) and _wraps(above, strip, columns)


def _leads(index: int, filled: Sequence[set[int]], gaps: Sequence[float]) -> bool:
    """Say whether a strip without first column belongs to the row below: the gap above it is the widest around."""
    following = next((i for i in range(index + 1, len(filled)) if 0 in filled[i]), None)
    if following is None:
        return False
    return gaps[index - 1] > max(gaps[index:following]) + 1 and len(filled[following]) < len(filled[index - 1]) + 1


def spans_all(row: Row, columns: Sequence[Column]) -> bool:
    """Say whether a row is one cell across several columns: a title among the rows."""
    cells: list[Cell] = [cell for line in row.lines for cell in line.cells]
    return len(row.lines) == len(cells) == 1 and len(placed(cells[0], columns)) > 1
