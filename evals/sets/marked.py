"""Texts with personal data marked in them.

The format is that of presidio-research: a JSON list of ``full_text`` and ``spans`` with ``entity_type``,
``start_position`` and ``end_position``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.sets.find import find_sets
from evals.sets.lists import first_row, list_rows
from evals.sets.rows import UnreadableSet
from state.screening import Entity, Sensitive

WANTED = "a .json list of texts with spans (presidio-research)"

# The sets' names for what we look for. What else they mark (people, places, organisations, addresses, dates) is allowed
# in answers, and not looked for.
NAMES: dict[str, Entity] = {
    "CREDIT_CARD": "card", "US_SSN": "ssn", "IBAN_CODE": "bank_account", "EMAIL_ADDRESS": "email", "EMAIL": "email",
    "IP_ADDRESS": "ip_address", "PHONE_NUMBER": "phone", "DOMAIN_NAME": "url", "URL": "url",
    "US_DRIVER_LICENSE": "national_id",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class MarkedText:
    """A text, and where in it personal data stands that we look for."""

    text: str
    marked: tuple[Sensitive, ...]


def is_marked(path: Path) -> bool:
    """Whether a path is a file of such texts."""
    row = first_row(path) if path.is_file() and path.suffix == ".json" else None
    return isinstance(row, dict) and "full_text" in row


def read_marked(paths: Sequence[Path]) -> dict[str, list[MarkedText]]:
    """Return the texts of each file found at or below the paths, by name. Raises `UnreadableSet`."""
    return {name: _read(file) for name, file in find_sets(paths, is_marked, WANTED).items()}


def _read(file: Path) -> list[MarkedText]:
    try:
        return [_text(row) for row in list_rows(file)]
    except OSError as error:
        raise UnreadableSet(f"{file} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreadableSet(f"{file} is not {WANTED}: {type(error).__name__}: {error}.") from error


def _text(row: dict[str, Any]) -> MarkedText:
    marked = tuple(
        Sensitive(NAMES[span["entity_type"]], int(span["start_position"]), int(span["end_position"]))
        for span in row["spans"]
        if span["entity_type"] in NAMES
    )
    return MarkedText(str(row["full_text"]), marked)
