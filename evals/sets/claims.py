"""Sets of claims with evidence, and whether it supports them: of several makers, told apart by their fields."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.sets.beir import UnreadableSet


@dataclass(frozen=True, slots=True)
class LabelledClaim:
    """A claim, its evidence, and whether that supports all of it.

    ``group`` is the same for claims about the same evidence: they belong on one side of a split.
    """

    claim: str
    evidence: tuple[str, ...]
    supported: bool
    group: str


def read_claims(folder: Path) -> dict[str, list[LabelledClaim]]:
    """Return the labelled claims of each file of a folder, by the file's name without its ending.

    Reads SummEdits (Laban et al., 2023), WiCE (Kamoi et al., 2023; "partially supported" is not supported), SciFact's
    claims with an abstract (Wadden et al., 2020) and HaluEval's questions with two answers (Li et al., 2023). Rows of
    other kinds are passed over. Raises `UnreadableSet` if nothing is left.
    """
    found: dict[str, list[LabelledClaim]] = {}
    try:
        for path in sorted([*folder.glob("*.json"), *folder.glob("*.jsonl")]):
            claims = [claim for number, row in enumerate(_rows(path)) for claim in _claims(row, number)]
            if claims:
                found[path.stem] = claims
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableSet(f"{folder} holds a file that is not as it should be: {error}.") from error
    if not found:
        raise UnreadableSet(f"{folder} holds no claims with evidence: give a folder in the form of SummEdits or WiCE.")
    return found


def _rows(path: Path) -> Iterator[Any]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        rows = json.loads(text)
        yield from rows if isinstance(rows, list) else []
        return
    for line in text.splitlines():
        if line.strip():
            yield json.loads(line)


def _claims(row: Any, number: int) -> Iterator[LabelledClaim]:
    match row:
        case {"doc": str(document), "summary": str(summary), "label": label}:
            yield LabelledClaim(summary, (document,), int(label) == 1, document)
        case {"claim": str(claim), "evidence": list(evidence), "label": str(label)} if "claim_tokens" not in row:
            yield LabelledClaim(claim, tuple(map(str, evidence)), label == "supported", str(number))
        case {"claim": str(claim), "doc_sentences": list(lines), "label": str(label)}:
            abstract = f"{row.get('doc_title', '')}. {' '.join(lines)}"
            yield LabelledClaim(claim, (abstract,), label == "SUPPORT", str(row["claim_id"]))
        case {"knowledge": str(knowledge), "question": str(question)}:
            for key, supported in (("right_answer", True), ("hallucinated_answer", False)):
                yield LabelledClaim(f"{question.strip()} {row[key]}", (knowledge,), supported, str(number))
