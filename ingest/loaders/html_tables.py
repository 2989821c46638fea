"""HTML tables as grids: spanning cells are repeated, what is nested in a cell becomes one line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bs4.element import NavigableString, PreformattedString, Tag

from ingest.loaders.builder import Run, TextBuilder, meaningful_alt
from ingest.loaders.tables import add_table, cell_text

_MAX_SPAN = 1000
_MAX_COLUMNS = 500
_BREAKS_WORDS = "address blockquote br dd div dl dt figure h1 h2 h3 h4 h5 h6 hr p pre table td th tr "
_BREAKS = frozenset(_BREAKS_WORDS.split())
_SKIPPED_WORDS = "script style noscript template svg button select input "
_SKIPPED = frozenset(_SKIPPED_WORDS.split())


def is_data_table(table: Tag) -> bool:
    """Say whether a table holds data, not a page's layout: at least two columns, and no tables or headings in it."""
    if table.find(["table", "h1", "h2", "h3"]) is not None and table.find("th") is None:
        return False
    return any(len(row) > 1 for row in map(_cells, _rows(table)))


def add_html_table(builder: TextBuilder, table: Tag) -> None:
    """Append a table's caption and rows; several header rows are read as one, column by column."""
    caption = table.find("caption")
    if caption is not None:
        builder.add("paragraph", list(_runs(caption, "")))
    rows = _rows(table)
    heads = 0
    while heads < len(rows) and _is_header(rows[heads]):
        heads += 1
    if heads == len(rows):
        heads = min(1, heads)
    grid = _grid(rows, heads)
    if heads > 1:
        width = max(map(len, grid))
        grid = [[_joined(grid[:heads], column) for column in range(width)], *grid[heads:]]
    labelled = not heads and 2 * sum(map(_is_labelled, rows)) >= len(rows)
    if labelled:
        grid = [_with_colon(cells) if _is_labelled(row) else cells for row, cells in zip(rows, grid, strict=True)]
    add_table(builder, grid, header=True if heads else (False if labelled else None))


def _rows(table: Tag) -> list[Tag]:
    return [row for row in table.find_all("tr") if row.find_parent("table") is table]


def _cells(row: Tag) -> list[Tag]:
    return row.find_all(["td", "th"], recursive=False)


def _is_header(row: Tag) -> bool:
    cells = _cells(row)
    return (len(cells) > 1 and all(cell.name == "th" for cell in cells)) or row.find_parent("thead") is not None


def _is_labelled(row: Tag) -> bool:
    """Say whether a row is a label and what it names, as in a fact box."""
    return [cell.name for cell in _cells(row)] == ["th", "td"]


def _with_colon(cells: list[list[Run]]) -> list[list[Run]]:
    return cells if cell_text(cells[0])[-1:] in ("", ":") else [[*cells[0], (":", "")], *cells[1:]]


def _grid(rows: list[Tag], heads: int) -> list[list[list[Run]]]:
    """Return the cells by row and column. A cell over several rows is in each; over several columns, in the first."""
    grid: list[list[list[Run]]] = []
    hanging: dict[int, tuple[int, list[Run]]] = {}
    for number, row in enumerate(rows):
        line: list[list[Run]] = []

        def drop(line: list[list[Run]] = line) -> None:
            while len(line) in hanging:
                left, runs = hanging.pop(len(line))
                if left > 1:
                    hanging[len(line)] = (left - 1, runs)
                line.append(runs)

        for cell in _cells(row):
            drop()
            runs = list(_runs(cell, ""))
            height, width = _span(cell, "rowspan"), _span(cell, "colspan")
            for column in range(min(width, _MAX_COLUMNS - len(line))):
                content = runs if column == 0 or number < heads else []
                if height > 1:
                    hanging[len(line)] = (height - 1, content)
                line.append(content)
        drop()
        grid.append(line)
    return grid


def _span(cell: Tag, name: str) -> int:
    value = str(cell.get(name) or "1").strip()
    return max(1, min(_MAX_SPAN, int(value))) if value.isdecimal() and len(value) < 6 else 1


def _joined(heads: list[list[list[Run]]], column: int) -> list[Run]:
    labels = [cell_text(row[column]) for row in heads if column < len(row)]
    return [(" ".join(dict.fromkeys(label for label in labels if label)), "")]


def _runs(node: Tag, target: str) -> Iterator[Run]:
    """Yield the text of a cell on one line, list items parted by commas."""
    first = True
    for child in node.children:
        if isinstance(child, NavigableString):
            if not isinstance(child, PreformattedString):
                yield re.sub(r"\s+", " ", child), target
        elif isinstance(child, Tag) and child.name not in _SKIPPED:
            if child.name == "li":
                yield (" " if first else ", "), ""
                first = False
            elif child.name in _BREAKS:
                yield " ", ""
            if child.name == "img" and meaningful_alt(str(child.get("alt") or "")):
                yield f" {child['alt']} ", target
            yield from _runs(child, str(child.get("href") or target) if child.name == "a" else target)
            if child.name in _BREAKS:
                yield " ", ""
