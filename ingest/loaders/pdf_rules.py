"""Straight rules on a PDF page: drawn lines and the edges of boxes, level or upright."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

Point = tuple[float, float]

_SHORTEST = 15.0
_SLANT = 0.5
_SAME_LINE = 1.5
_LARGEST_PATH = 2_000


class Rule(NamedTuple):
    """A level rule at height ``place`` from left to right, or an upright one at ``place`` from bottom to top."""

    place: float
    start: float
    end: float


class Rules(NamedTuple):
    """A page's rules, in points: those on one line that touch are one."""

    level: tuple[Rule, ...] = ()
    upright: tuple[Rule, ...] = ()


def page_rules(page: Any) -> Rules:
    """Read the rules of an open pdfium page; curves and drawings of very many strokes are left out."""
    import pypdfium2.raw as raw

    level: list[Rule] = []
    upright: list[Rule] = []
    for index in range(raw.FPDFPage_CountObjects(page)):
        drawn = raw.FPDFPage_GetObject(page, index)
        if raw.FPDFPageObj_GetType(drawn) != raw.FPDF_PAGEOBJ_PATH or not _is_long_and_visible(raw, drawn):
            continue
        for (x, y), (next_x, next_y) in _strokes(raw, drawn):
            if abs(y - next_y) <= _SLANT:
                level.append(Rule(y, min(x, next_x), max(x, next_x)))
            elif abs(x - next_x) <= _SLANT:
                upright.append(Rule(x, min(y, next_y), max(y, next_y)))
    return Rules(tuple(_merged(level)), tuple(_merged(upright)))


def _is_long_and_visible(raw: Any, drawn: Any) -> bool:
    edges = [ctypes.c_float() for _ in range(4)]
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    if not raw.FPDFPageObj_GetBounds(drawn, *edges) or not raw.FPDFPath_GetDrawMode(drawn, fill, stroke):
        return False
    left, bottom, right, top = (edge.value for edge in edges)
    return max(right - left, top - bottom) >= _SHORTEST and bool(fill.value or stroke.value)


def _strokes(raw: Any, drawn: Any) -> Iterator[tuple[Point, Point]]:
    """Yield the straight strokes of a path, in page coordinates."""
    count = raw.FPDFPath_CountSegments(drawn)
    matrix = raw.FS_MATRIX()
    if count > _LARGEST_PATH or not raw.FPDFPageObj_GetMatrix(drawn, matrix):
        return
    points: list[tuple[Point, int]] = []
    for index in range(count):
        segment = raw.FPDFPath_GetPathSegment(drawn, index)
        x, y = ctypes.c_float(), ctypes.c_float()
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        place = (
            matrix.a * x.value + matrix.c * y.value + matrix.e,
            matrix.b * x.value + matrix.d * y.value + matrix.f,
        )
        points.append((place, raw.FPDFPathSegment_GetType(segment)))
    for (start, _), (end, kind) in pairwise(points):
        if kind == raw.FPDF_SEGMENT_LINETO:
            yield start, end


def _merged(rules: Iterable[Rule]) -> Iterator[Rule]:
    """Join the rules that touch on one line and drop what is too short to part anything."""
    rows: list[list[Rule]] = []
    for rule in sorted(rules):
        if rows and rule.place - rows[-1][0].place <= _SAME_LINE:
            rows[-1].append(rule)
        else:
            rows.append([rule])
    for row in rows:
        pending: Rule | None = None
        for rule in sorted(row, key=lambda rule: rule.start):
            if pending is not None and rule.start <= pending.end + 2 * _SAME_LINE:
                pending = pending._replace(end=max(pending.end, rule.end))
                continue
            if pending is not None and pending.end - pending.start >= _SHORTEST:
                yield pending
            pending = rule
        if pending is not None and pending.end - pending.start >= _SHORTEST:
            yield pending
