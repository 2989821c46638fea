"""Tables of data: CSV and TSV, Excel workbooks; a row becomes a line that stands alone."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import warnings
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from ingest.loaders.builder import TextBuilder
from ingest.loaders.decoding import decode
from ingest.loaders.tables import add_table, looks_like_header, plain_cells
from state.documents import ParsedDocument
from state.errors import UnreadableDocument
from text.normalise import clean_text

MAX_CELLS = 20_000_000
_DELIMITERS = ",;\t|"
_SNIFFED_ROWS = 50
_SIDE_BY_SIDE_ROWS = 5000
_MAX_FIELD = 10_000_000
_DEFAULT_SHEET = re.compile(r"(?i)^(sheet|tabelle|feuille|feuil|hoja|foglio)\s*\d+$")


def load_csv(path: Path, data: bytes) -> ParsedDocument:
    """Load delimited text; delimiter and header row are found by looking."""
    source = clean_text(decode(data, path.name))
    csv.field_size_limit(_MAX_FIELD)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(source)
    reader = csv.reader(io.StringIO(source), delimiter=delimiter, skipinitialspace=True)
    builder = TextBuilder()
    _add_regions(builder, [[cell.strip() for cell in row] for row in reader])
    return builder.document(path, "text/csv")


def _delimiter(source: str) -> str:
    """Return the delimiter that cuts the first rows into the most columns most evenly."""
    best, best_score = ",", 0.0
    lines = source.split("\n", _SNIFFED_ROWS)[:_SNIFFED_ROWS]
    for delimiter in _DELIMITERS:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        if not widths:
            continue
        common = max(set(widths), key=widths.count)
        score = (common > 1) * widths.count(common) / len(widths) + common / 1000
        if score > best_score:
            best, best_score = delimiter, score
    return best


def load_xlsx(path: Path, data: bytes) -> ParsedDocument:
    """Load an Excel workbook: a heading a sheet, formulas by their last value."""
    from openpyxl import load_workbook

    builder = TextBuilder()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        workbook = load_workbook(io.BytesIO(data), data_only=True, read_only=True)
        sheets = [sheet for sheet in workbook.worksheets if sheet.sheet_state == "visible"]
        for sheet in sheets:
            sheet.reset_dimensions()  # what a file says of its size may be wrong, or absurd
            _add_sheet(builder, sheet.title, _read_rows(path, sheet), alone=len(sheets) == 1)
    title = workbook.properties.title or ""
    return builder.document(path, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", title)


def _read_rows(path: Path, sheet: Any) -> list[list[str]]:
    rows: list[list[str]] = []
    cells = 0
    for row in sheet.iter_rows(values_only=True):
        cells += len(row)
        if cells > MAX_CELLS:
            raise UnreadableDocument(f"{path.name} has more than {MAX_CELLS:,} cells: split it or export it as CSV.")
        rows.append([_value(cell) for cell in row])
    return rows


def load_xls(path: Path, data: bytes) -> ParsedDocument:
    """Load a workbook of Excel 97–2003."""
    import xlrd  # type: ignore[import-untyped]

    builder = TextBuilder()
    workbook = xlrd.open_workbook(file_contents=data, logfile=io.StringIO())
    for sheet in workbook.sheets():
        rows = [[_old_value(cell, workbook.datemode) for cell in sheet.row(number)] for number in range(sheet.nrows)]
        _add_sheet(builder, sheet.name, rows, alone=workbook.nsheets == 1)
    return builder.document(path, "application/vnd.ms-excel")


def _old_value(cell: object, datemode: int) -> str:
    import xlrd

    kind, value = getattr(cell, "ctype", 0), getattr(cell, "value", "")
    if kind == xlrd.XL_CELL_DATE:
        return _value(xlrd.xldate_as_datetime(value, datemode))
    if kind == xlrd.XL_CELL_BOOLEAN:
        return _value(bool(value))
    return "" if kind == xlrd.XL_CELL_ERROR else _value(value)


def _add_sheet(builder: TextBuilder, name: str, rows: list[list[str]], *, alone: bool) -> None:
    if not any(any(row) for row in rows):
        return
    if not (alone and _DEFAULT_SHEET.match(name)):
        builder.add("heading", name, 2)
    _add_regions(builder, rows)


def _value(value: object) -> str:
    """Write a cell as a person would read it."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.10g}"
        case dt.datetime():
            return value.strftime("%Y-%m-%d") if value.time() == dt.time() else value.strftime("%Y-%m-%d %H:%M")
        case _:
            return " ".join(str(value).split())


def _add_regions(builder: TextBuilder, rows: Iterable[Sequence[str]]) -> None:
    """Append the tables of a sheet: blank rows part them, blank columns at their edges are dropped."""
    region: list[Sequence[str]] = []
    for row in [*rows, []]:
        if any(row):
            region.append(row)
        elif region:
            first = min(next(i for i, cell in enumerate(row) if cell) for row in region)
            last = max(max(i for i, cell in enumerate(row) if cell) for row in region)
            for table in _side_by_side([[*row[first : last + 1], *[""] * (last + 1 - len(row))] for row in region]):
                add_table(builder, [plain_cells(row) for row in table])
            region = []


def _side_by_side(rows: list[list[str]]) -> list[list[list[str]]]:
    """Part tables that stand next to each other: a blank column between them, and a header row over each."""
    if len(rows) > _SIDE_BY_SIDE_ROWS:
        return [rows]
    blank = [column for column in range(len(rows[0])) if not any(row[column] for row in rows)]
    edges = pairwise([-1, *blank, len(rows[0])])
    parts = [[row[left + 1 : right] for row in rows] for left, right in edges if right - left > 1]
    filled = [[row for row in part if any(row)] for part in parts]
    parted = len(filled) > 1 and all(looks_like_header(part[0], part[1:]) for part in filled)
    return filled if parted else [rows]
