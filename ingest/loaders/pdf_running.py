"""Running headers, footers and page numbers of a PDF, told by what recurs at the edges of its pages."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from ingest.loaders.pdf_lines import Line, PageLines

_DIGITS = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(
    r"(?i)^[\W_]*(?:(?:page|seite|p\.)\s*)?(?:\d{1,4}|[ivxl]{1,6})(?:\s*(?:of|von|/)\s*\d{1,4})?[\W_]*$"
)
_EDGE_LINES = 3
_MARGIN = 0.12


def without_running_lines(pages: list[PageLines]) -> list[PageLines]:
    """Drop headers, footers and page numbers: lines at a page's edge that recur, numbers apart, on other pages.

    What recurs away from the edges as well is no running line: a table's rows may differ in their numbers alone.
    """
    seen: Counter[tuple[str, int]] = Counter()
    within: Counter[str] = Counter()
    for page in pages:
        at_edge = _edge_lines(page)
        seen.update({_running_key(line) for line in at_edge})
        within.update(_running_key(line)[0] for line in page.lines if line not in at_edge)
    for key in list(seen):
        if within[key[0]] >= len(pages):
            del seen[key]
    needed = max(2, round(0.4 * len(pages)))
    kept: list[PageLines] = []
    for page in pages:
        edge = set(map(id, _edge_lines(page)))
        lines = [
            line for line in page.lines
            if id(line) not in edge or not (_recurs(seen, line, needed) or _is_page_number(line, page))
        ]  # fmt: skip
        kept.append(replace(page, lines=tuple(lines)))
    return kept if any(page.lines for page in kept) else pages


def _recurs(seen: Counter[tuple[str, int]], line: Line, needed: int) -> bool:
    key, place = _running_key(line)
    return sum(seen[key, place + shift] for shift in (-1, 0, 1)) >= needed


def _edge_lines(page: PageLines) -> list[Line]:
    """Return the lines in the top and bottom margin, at most three each."""
    low, high = _MARGIN * page.height, (1 - _MARGIN) * page.height
    by_height = sorted(page.lines, key=lambda line: line.box[1])
    bottom = [line for line in by_height[:_EDGE_LINES] if line.box[3] <= low]
    top = [line for line in by_height[-_EDGE_LINES:] if line.box[1] >= high]
    return [*bottom, *top]


def _running_key(line: Line) -> tuple[str, int]:
    """Return a line's text with its numbers masked, and its height in steps of 12 points."""
    return _DIGITS.sub("#", line.text.casefold()), round(line.box[1] / 12)


def _is_page_number(line: Line, page: PageLines) -> bool:
    return len(page.lines) > 1 and bool(_PAGE_NUMBER.match(line.text)) and any(c.isalnum() for c in line.text)
