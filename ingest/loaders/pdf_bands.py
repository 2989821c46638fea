"""Bands between the level rules of a PDF page that hold a table's rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ingest.loaders.pdf_columns import Column, Strip, columns_of, filled_columns, middle, strips_of
from ingest.loaders.pdf_lines import Line, PageLines
from ingest.loaders.pdf_rows import one_row

_SAME = 4.0
_NARROWEST = 60.0
_MAX_STRIPS = 15
_MAX_CHARACTERS = 1_500


@dataclass(slots=True)
class _Ladder:
    """Level rules one above the other, from ``left`` to ``right``."""

    left: float
    right: float
    heights: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RuledTable:
    """Rows that rules part: indices of the page's lines, columns, and the strips of each row."""

    indices: tuple[int, ...]
    columns: list[Column]
    rows: list[list[Strip]]


def ruled_tables(page: PageLines, fewest: int = 2) -> list[RuledTable]:
    """Return the tables of a page whose rows are parted by level rules; ``fewest`` rows make one."""
    found: list[RuledTable] = []
    taken: set[int] = set()
    for ladder in _ladders(page):
        for bands in _runs(page, ladder):
            indices = tuple(sorted(index for band in bands for index in band))
            solid = indices == tuple(range(indices[0], indices[-1] + 1))
            if len(bands) < fewest or not solid or taken.intersection(indices):
                continue
            rows = [strips_of([page.lines[index] for index in band]) for band in bands]
            columns = _columns(page, ladder, rows)
            if _is_table(rows, columns):
                found.append(RuledTable(indices, columns, rows))
                taken.update(indices)
    return found


def _ladders(page: PageLines) -> list[_Ladder]:
    ladders: list[_Ladder] = []
    for height, left, right in page.rules.level:
        if right - left < _NARROWEST:
            continue
        same = (x for x in ladders if abs(x.left - left) <= _SAME and abs(x.right - right) <= _SAME)
        ladder = next(same, None)
        if ladder is None:
            ladder = _Ladder(left, right)
            ladders.append(ladder)
        if not ladder.heights or height - ladder.heights[-1] > _SAME:
            ladder.heights.append(height)
    for ladder in ladders:  # a row that shares a cell with the next has a shorter rule below it
        partial = [
            rule.place for rule in page.rules.level
            if ladder.left - _SAME <= rule.start and rule.end <= ladder.right + _SAME
            and 2 * (rule.end - rule.start) > ladder.right - ladder.left
            and ladder.heights[0] < rule.place < ladder.heights[-1]
            and all(abs(rule.place - height) > _SAME for height in ladder.heights)
        ]  # fmt: skip
        ladder.heights = sorted({*ladder.heights, *partial})
    return sorted((x for x in ladders if len(x.heights) > 1), key=lambda x: -len(x.heights))


def _runs(page: PageLines, ladder: _Ladder) -> list[list[list[int]]]:
    """Return runs of neighbouring bands, top to bottom, each the indices of the lines of one row."""
    bands = [_inside(page.lines, ladder, low, high) for low, high in pairwise(ladder.heights)]
    columns = _columns(page, ladder, [strips_of([page.lines[i] for i in band]) for band in bands if band])
    runs: list[list[list[int]]] = [[]]
    for band in reversed(bands):
        strips = strips_of([page.lines[index] for index in band])
        small = len(strips) <= _MAX_STRIPS and sum(len(page.lines[i].text) for i in band) <= _MAX_CHARACTERS
        if band and small and columns and one_row(strips, columns):
            runs[-1].append(band)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _inside(lines: Sequence[Line], ladder: _Ladder, low: float, high: float) -> list[int]:
    return [
        index for index, line in enumerate(lines)
        if low < middle(line) < high and line.box[0] >= ladder.left - _SAME and line.box[2] <= ladder.right + _SAME
    ]  # fmt: skip


def _columns(page: PageLines, ladder: _Ladder, rows: Sequence[Sequence[Strip]]) -> list[Column]:
    """Return the columns between upright rules where the whole table has them, else where the cells stand."""
    strips = [strip for row in rows for strip in row]
    if not strips:
        return []
    low, high = min(strip.bottom for strip in strips), max(strip.top for strip in strips)
    edges = [ladder.left, ladder.right]
    for place, bottom, top in page.rules.upright:
        if bottom <= low + _SAME and top >= high - _SAME and all(abs(place - edge) > _SAME for edge in edges):
            if ladder.left < place < ladder.right:
                edges.append(place)
    return list(pairwise(sorted(edges))) if len(edges) > 2 else columns_of(strips)


def _is_table(rows: Sequence[Sequence[Strip]], columns: Sequence[Column]) -> bool:
    """Say whether most rows have more than one column."""
    counts = [len(set().union(*(filled_columns(strip, columns) for strip in row))) for row in rows]
    return len(columns) > 1 and 5 * sum(count > 1 for count in counts) >= 3 * len(counts)
