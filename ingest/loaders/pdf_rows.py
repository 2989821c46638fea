"""The rows of a PDF table: which of its lines are one row, by rules where they are drawn, else by gaps."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from ingest.loaders.pdf_columns import Column, Strip, filled_columns, middle, nearest, placed, runs_over
from ingest.loaders.pdf_hyphens import joined
from ingest.loaders.pdf_lines import Line
from ingest.loaders.tables import is_numeric

_TIGHT = 0.8
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
            for index, text in placed(cell, columns):
                before, glue = joined(cells[index], text, words) if cells[index] else ("", "")
                cells[index] = before + glue + text
    return Row(tuple(lines), tuple(cells))


def tight(above: Strip, below: Strip) -> bool:
    """Say whether two strips stand as near as the lines of one cell do."""
    return above.bottom - below.top <= _TIGHT * max(above.size, below.size)


def goes_on(text: str, before: str = "") -> bool:
    """Say whether words look like the rest of something begun above."""
    return text[:1].islower() or text.startswith(("(", "[")) or bool(_UNFINISHED.search(before))


def one_row(strips: Sequence[Strip], columns: Sequence[Column]) -> bool:
    """Say whether the strips between two rules are one row, not several that no rule parts."""
    if not all(tight(above, below) for above, below in pairwise(strips)):
        return False
    filled = [filled_columns(strip, columns) for strip in strips]
    starts = [i for i, places in enumerate(filled) if 0 in places and len(places) > 1]
    rest = starts[1:]
    wraps = (_wraps(strips[i - 1], strips[i], columns) or _is_caseless(strips[i]) for i in rest)
    return 3 * sum(wraps) >= len(rest)


def _is_caseless(strip: Strip) -> bool:
    """Say whether a strip is in a script without capitals, whose words do not tell if they begin something."""
    letters = [char for cell in strip.cells for char in cell.text if char.isalpha()]
    return 2 * sum(char.lower() == char.upper() for char in letters) > len(letters)


def _wraps(above: Strip, below: Strip, columns: Sequence[Column]) -> bool:
    """Say whether a cell of a strip goes on with the one above it."""
    ends: dict[int, str] = {index: text for cell in above.cells for index, text in placed(cell, columns)}
    parts = [part for cell in below.cells for part in placed(cell, columns)]
    return any(goes_on(text, ends.get(index, "")) for index, text in parts)


def grouped(strips: Sequence[Strip], columns: Sequence[Column], continued: bool) -> list[list[Strip]]:
    """Group the strips of a table without rules into rows.

    A row begins where its first column does. What has none goes on with the row above, or, as the upper lines of a
    cell that stands taller than a centred first one, begins the row below: where the wider gap is, the rows part.
    ``continued`` says that there are rows on the page before, which the first strip may go on with.
    """
    filled = [filled_columns(strip, columns) for strip in strips]
    gaps = [above.bottom - below.top for above, below in pairwise(strips)]
    usual = median([gap for gap, (a, b) in zip(gaps, pairwise(filled), strict=True) if 0 in a and 0 in b] or [0.0])
    rows = [[strips[0]]]
    begins = continued and 0 not in filled[0] and not any(goes_on(cell.text) for cell in strips[0].cells)
    waiting = begins  # the row's first column is still to come
    for index, strip in enumerate(strips[1:], 1):
        first = 0 in filled[index]
        if not tight(strips[index - 1], strip):
            new, waiting = True, not first and _leads(index, strips, filled)
        elif first:
            new, waiting = not waiting and not _rest_of_first(rows[-1][-1], strip, columns), False
        elif not waiting and _leads(index, strips, filled):
            new = waiting = True
        else:
            apart = len(strip.cells) > 1 and gaps[index - 1] > usual - 1 and not _wraps(rows[-1][-1], strip, columns)
            new = not waiting and (apart or _numbers_stack(rows[-1][-1], strip, columns))
        if new:
            rows.append([strip])
        else:
            rows[-1].append(strip)
    return rows


def _numbers_stack(above: Strip, strip: Strip, columns: Sequence[Column]) -> bool:
    """Say whether a number stands below a number: no cell goes on so."""
    numbers = {index for cell in above.cells for index, text in placed(cell, columns) if is_numeric(text)}
    return any(is_numeric(text) for cell in strip.cells for index, text in placed(cell, columns) if index in numbers)


def _rest_of_first(above: Strip, strip: Strip, columns: Sequence[Column]) -> bool:
    """Say whether a strip holds nothing but the rest of the first column's words."""
    first = [cell for cell in strip.cells if nearest(cell, columns) == 0]
    return len(first) == len(strip.cells) and _wraps(above, strip, columns)


def _leads(index: int, strips: Sequence[Strip], filled: Sequence[set[int]]) -> bool:
    """Say whether a strip without first column belongs to the row below: the gap above it is the widest around."""
    following = next((i for i in range(index + 1, len(filled)) if 0 in filled[i]), None)
    if following is None or any(is_numeric(cell.text) for cell in strips[following].cells):
        return False
    gaps = [above.bottom - below.top for above, below in pairwise(strips[index - 1 : following + 1])]
    return gaps[0] > max(gaps[1:]) + 1


def without_shared_cells(strips: Sequence[Strip], columns: Sequence[Column]) -> list[list[Strip]]:
    """Part a row whose first cell stands for several: numbers below numbers are rows of their own."""
    rows = [[strips[0]]]
    for strip in strips[1:]:
        numbers = sum(is_numeric(cell.text) for cell in strip.cells)
        if numbers > 1 and 2 * numbers > len(strip.cells) and 0 not in filled_columns(strip, columns):
            rows.append([strip])
        else:
            rows[-1].append(strip)
    return rows


def is_title(row: Row, columns: Sequence[Column]) -> bool:
    """Say whether a row is one cell, bold or wider than a column: a title among the rows."""
    cells = [cell for line in row.lines for cell in line.cells]
    return len(cells) == 1 and (row.lines[0].bold or runs_over(cells[0], columns))
