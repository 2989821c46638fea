"""Files that hold a list of rows: JSON, or a row a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evals.sets.rows import read_rows

_HEAD = 2**20  # characters in which a file's first row ends: what has a longer one is no set


def list_rows(path: Path) -> Iterator[Any]:
    """Yield the rows of a .json list or of a .jsonl file. Raises `OSError`, `ValueError`."""
    if path.suffix == ".jsonl":
        yield from read_rows(path)
        return
    rows = json.loads(path.read_text(encoding="utf-8-sig"))
    if not isinstance(rows, list):
        raise ValueError("it holds no list")
    yield from rows


def first_row(path: Path) -> Any:
    """Return the first row of a .json list or of a .jsonl file, None if there is none; the rest is not read.

    Raises `OSError`.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            head = file.read(_HEAD).lstrip().removeprefix("[" if path.suffix == ".json" else "").lstrip()
        return json.JSONDecoder().raw_decode(head)[0]
    except (ValueError, RecursionError):
        return None
