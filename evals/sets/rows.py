"""Lines and rows of the files that sets are made of; what is not as it should be is said by line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from state.errors import FootnoteError

MOST_CHARS = 8 * 2**20  # of a line: more is no row, and would be held in memory several times


class UnreadableSet(FootnoteError):
    """A path that holds no evaluation set, or one that is not as it should be."""


class NoSet(UnreadableSet):
    """A path that holds nothing of the kind that is looked for."""


def lines_of(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 file with their ends, a byte order mark left out. Raises `OSError`, `ValueError`."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        number = 0
        try:
            while line := file.readline(MOST_CHARS + 1):
                number += 1
                if len(line) > MOST_CHARS:
                    raise ValueError(f"line {number} has more than {MOST_CHARS} characters")
                yield line
        except UnicodeDecodeError as error:
            raise ValueError(f"after line {number} it is not UTF-8: save it in that encoding") from error


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a .jsonl file: an object a line. Raises `OSError`, `ValueError`."""
    for number, line in enumerate(lines_of(path), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"line {number} of {path.name} is not JSON ({error})") from error
        if not isinstance(row, dict):
            raise ValueError(f"line {number} of {path.name} is not a JSON object")
        yield row


def distinct(keys: list[str], path: Path) -> None:
    """Raise `ValueError` if two rows of a file have the same key."""
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            raise ValueError(f"two rows of {path.name} have the id {key!r}")
        seen.add(key)


def id_of(row: dict[str, Any], column: str = "_id") -> str:
    """Return the name of a row. Raises `ValueError` if it has none."""
    name = row.get(column)
    if not isinstance(name, str | int) or name == "":
        raise ValueError(f"a row has no {column!r}")
    return str(name)


def text_of(row: dict[str, Any], column: str) -> str:
    """Return the text of a row's column. Raises `ValueError` if it is missing, no text, or cannot be stored."""
    text = row.get(column)
    if not isinstance(text, str):
        raise ValueError(f"a row has no text {column!r}")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError(f"a row's {column!r} holds half a character (a lone surrogate)")
    return text
