"""How well personal data is found: precision, recall and F2 of each entity on sets of Presidio's generators.

The format is that of presidio-research: a JSON list of ``full_text`` and ``spans`` with ``entity_type``,
``start_position`` and ``end_position``.
"""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from evals.sets.beir import UnreadableSet
from models.pii import PresidioFinder
from state.screening import Entity, Sensitive

# The sets' names for what we look for. What else they mark (people, places, organisations, addresses, dates) is allowed
# in answers, and not looked for.
_NAMES: dict[str, Entity] = {
    "CREDIT_CARD": "card", "US_SSN": "ssn", "IBAN_CODE": "bank_account", "EMAIL_ADDRESS": "email", "EMAIL": "email",
    "IP_ADDRESS": "ip_address", "PHONE_NUMBER": "phone", "DOMAIN_NAME": "url", "URL": "url",
    "US_DRIVER_LICENSE": "national_id",
}  # fmt: skip
_BETA = 2.0  # recall counts twice as much as precision: what is missed is shown


def evaluate_pii(folder: Path) -> dict[str, Any]:
    """Return for every set of a folder (or one file), and together, each entity's precision, recall and F2.

    A finding is right if it is of the same entity and overlaps a marked span; a span that several findings cover is
    found once. ``covered`` is the share of marked characters that findings of any entity cover: what masks can hide.
    Raises `UnreadableSet`.
    """
    files = [folder] if folder.is_file() else sorted(folder.glob("*.json"))
    if not files:
        raise UnreadableSet(f"{folder} has no .json file of texts with spans.")
    finder = PresidioFinder()
    started = time.perf_counter()
    finder.open()
    opened = time.perf_counter() - started
    spent: list[float] = []
    sets = {file.stem: _measure(finder, _read(file), spent) for file in files}
    return {
        "sets": {name: _table(counts) for name, counts in sets.items()},
        "texts": len(spent),
        "open_s": round(opened, 2),
        "ms_a_text": round(statistics.mean(spent), 3),
    }


def _read(file: Path) -> list[dict[str, Any]]:
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
        return [{"text": row["full_text"], "spans": list(_marked(row["spans"]))} for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableSet(f"{file} is not a list of texts with spans: {error!r}.") from error


def _marked(spans: Iterable[dict[str, Any]]) -> Iterable[Sensitive]:
    for span in spans:
        if span["entity_type"] in _NAMES:
            yield Sensitive(_NAMES[span["entity_type"]], span["start_position"], span["end_position"])


def _measure(finder: PresidioFinder, rows: list[dict[str, Any]], spent: list[float]) -> Counter[tuple[str, str]]:
    """Count by entity what was found, missed and wrong, and the characters marked and covered."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        started = time.perf_counter()
        found = finder.find(row["text"])
        spent.append((time.perf_counter() - started) * 1000)
        for marked in row["spans"]:
            counts[marked.entity, "found" if any(_same(marked, one) for one in found) else "missed"] += 1
            counts[marked.entity, "characters"] += marked.end - marked.start
            covered = {at for one in found for at in range(max(one.start, marked.start), min(one.end, marked.end))}
            counts[marked.entity, "covered"] += len(covered)
        for one in found:
            counts[one.entity, "wrong"] += not any(_same(marked, one) for marked in row["spans"])
    return counts


def _same(one: Sensitive, other: Sensitive) -> bool:
    return one.entity == other.entity and one.start < other.end and other.start < one.end


def _table(counts: Counter[tuple[str, str]]) -> dict[str, dict[str, float]]:
    rows = {}
    for entity in sorted({entity for entity, _ in counts}):
        found, missed, wrong = (counts[entity, what] for what in ("found", "missed", "wrong"))
        if not found + missed:
            continue  # nothing of it is marked, so that nothing found can be called wrong or right
        precision = found / (found + wrong) if found + wrong else 0.0
        recall = found / (found + missed)
        weight = _BETA**2
        total = weight * precision + recall
        rows[entity] = {
            "marked": found + missed,
            "precision": round(precision, 4),
            "recall": round(recall, 4),
            "F2": round((1 + weight) * precision * recall / total, 4) if total else 0.0,
            "covered": round(counts[entity, "covered"] / counts[entity, "characters"], 4),
        }
    return rows
