"""JSON, JSON Lines and Jupyter notebooks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ingest.loaders.builder import TextBuilder
from ingest.loaders.decoding import decode
from ingest.loaders.markdown import add_markdown
from ingest.loaders.plain import add_text
from state.documents import ParsedDocument
from state.errors import UnreadableDocument
from text.normalise import clean_text

MAX_DEPTH = 60
_PROSE = 200


def load_json(path: Path, data: bytes) -> ParsedDocument:
    """Load a JSON document: a record a line, nested keys joined by dots, long texts as paragraphs."""
    value = _parse(decode(data, path.name), path.name)
    builder = TextBuilder()
    _add(builder, value, 1)
    title = value.get("title") if isinstance(value, dict) else None
    return builder.document(path, "application/json", title if isinstance(title, str) else "")


def load_jsonl(path: Path, data: bytes) -> ParsedDocument:
    """Load JSON Lines: one record a line."""
    builder = TextBuilder()
    for number, line in enumerate(decode(data, path.name).split("\n"), 1):
        if line.strip():
            _add(builder, _parse(line, f"{path.name}, line {number},"), 1)
    return builder.document(path, "application/jsonl")


def load_notebook(path: Path, data: bytes) -> ParsedDocument:
    """Load a Jupyter notebook: its Markdown and code cells; outputs are left out."""
    notebook = _parse(decode(data, path.name), path.name)
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise UnreadableDocument(f"{path.name} is not a Jupyter notebook: it has no list of cells.")
    builder = TextBuilder()
    for cell in cells:
        source = cell.get("source", "") if isinstance(cell, dict) else ""
        content = "".join(map(str, source)) if isinstance(source, list) else str(source)
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            builder.add_code(content)
        else:
            add_markdown(builder, clean_text(content))
    return builder.document(path, "application/x-ipynb+json")


def _parse(source: str, name: str) -> Any:
    try:
        value = json.loads(source)
    except RecursionError as error:
        raise UnreadableDocument(f"{name} is nested too deeply: flatten it first.") from error
    except ValueError as error:  # covers JSONDecodeError and integers of too many digits
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "a number is too long"
        raise UnreadableDocument(f"{name} is not valid JSON ({reason}): check how it was exported.") from error
    if _depth_exceeds(value, MAX_DEPTH):
        raise UnreadableDocument(f"{name} is nested more than {MAX_DEPTH} levels deep: flatten it first.")
    return value


def _depth_exceeds(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [child for item in level for child in _children(item)]
        if not level:
            return False
    return True


def _children(value: Any) -> list[Any]:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [item for item in items if isinstance(item, dict | list)]


def _add(builder: TextBuilder, value: Any, level: int) -> None:
    if isinstance(value, dict) and level <= 2 and any(_is_section(item) for item in value.values()):
        _add_object(builder, value, level)
    elif isinstance(value, dict):
        _add_record(builder, value)
    elif isinstance(value, list):
        for item in value:
            _add(builder, item, max(level, 3))
    elif value is not None:
        add_text(builder, clean_text(_scalar(value)))


def _add_object(builder: TextBuilder, value: dict[str, Any], level: int) -> None:
    """Append an object that holds sections: its plain fields first, then each section under its key."""
    plain = {key: item for key, item in value.items() if not _is_section(item)}
    _add_record(builder, plain)
    for key, item in value.items():
        if _is_section(item):
            builder.add("heading", key.replace("_", " "), level + 1)
            _add(builder, item, level + 1)


def _is_section(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(item, dict | list) for item in value))


def _add_record(builder: TextBuilder, record: dict[str, Any]) -> None:
    """Append a record: short fields on one line, then each long text as its own paragraphs."""
    fields = list(_flatten(record))
    short = [f"{key}: {text}" for key, text in fields if len(text) <= _PROSE and "\n" not in text]
    if short:
        builder.add("table_row", "; ".join(short))
    for _, text in fields:
        if len(text) > _PROSE or "\n" in text:
            add_text(builder, clean_text(text))


def _flatten(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _flatten(item, f"{key}.{name}" if key else name)
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for number, item in enumerate(value, 1):
            yield from _flatten(item, f"{key}.{number}" if key else str(number))
    else:
        text = ", ".join(map(_scalar, value)) if isinstance(value, list) else _scalar(value)
        if text.strip():
            yield key, text.strip()


def _scalar(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
