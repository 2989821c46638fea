"""Sets of claims with evidence, and whether it supports them: of several makers, told apart by their fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.sets.find import find_sets
from evals.sets.lists import first_row, list_rows
from evals.sets.rows import UnreadableSet

_ENDINGS = (".json", ".jsonl")


@dataclass(frozen=True, slots=True)
class LabelledClaim:
    """A claim, its evidence, and whether that supports all of it.

    ``group`` is the same for claims about the same evidence: they belong on one side of a split. ``kind`` is the set's
    own label. ``tokens`` are the claim's, where the set tells of each whether it is ``unsupported``.
    """

    claim: str
    evidence: tuple[str, ...]
    supported: bool
    group: str
    kind: str = ""
    tokens: tuple[str, ...] = ()
    unsupported: tuple[bool, ...] = ()


def read_claims(*paths: Path) -> dict[str, list[LabelledClaim]]:
    """Return the labelled claims of each file found at the paths, by the file's name without its ending.

    Reads SummEdits (Laban et al., 2023), WiCE (Kamoi et al., 2023; "partially supported" is not supported), with the
    tokens that are not, SciFact's claims with an abstract (Wadden et al., 2020) and HaluEval's questions with two
    answers (Li et al., 2023). Rows of other kinds are passed over. Raises `UnreadableSet`.
    """
    wanted = "files of claims with evidence in the form of SummEdits, WiCE, SciFact or HaluEval"
    return {name: _read_file(path) for name, path in find_sets(paths, _fits, wanted).items()}


def _fits(path: Path) -> bool:
    return path.suffix in _ENDINGS and any(True for _ in _of_row(first_row(path), 0))


def _of_row(row: Any, number: int) -> Iterator[LabelledClaim]:
    try:
        yield from _claims(row, number)
    except (ValueError, KeyError, TypeError):
        return


def _read_file(path: Path) -> list[LabelledClaim]:
    try:
        return [claim for number, row in enumerate(list_rows(path)) for claim in _claims(row, number)]
    except OSError as error:
        raise UnreadableSet(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreadableSet(f"{path} holds a claim that is not as it should be: {error!r}.") from error


def _claims(row: Any, number: int) -> Iterator[LabelledClaim]:
    match row:
        case {"doc": str(document), "summary": str(summary), "label": label}:
            edits = ", ".join(map(str, row.get("edit_types") or ()))
            yield LabelledClaim(summary, (document,), int(label) == 1, document, edits or "no edit")
        case {"claim": str(claim), "claim_tokens": list(tokens), "non_supported_spans": list(marks)}:
            if len(tokens) != len(marks):
                raise ValueError(f"row {number} has {len(tokens)} tokens and {len(marks)} marks")
            label, unsupported = str(row["label"]), tuple(map(bool, marks))
            evidence = tuple(map(str, row["evidence"]))
            yield LabelledClaim(claim, evidence, False, str(number), label, tuple(map(str, tokens)), unsupported)
        case {"claim": str(claim), "evidence": list(evidence), "label": str(label)}:
            yield LabelledClaim(claim, tuple(map(str, evidence)), label == "supported", str(number), label)
        case {"claim": str(claim), "doc_sentences": list(lines), "label": str(label)}:
            abstract = f"{row.get('doc_title', '')}. {' '.join(lines)}"
            yield LabelledClaim(claim, (abstract,), label == "SUPPORT", str(row["claim_id"]), label)
        case {"knowledge": str(knowledge), "question": str(question)}:
            for key, supported in (("right_answer", True), ("hallucinated_answer", False)):
                yield LabelledClaim(f"{question.strip()} {row[key]}", (knowledge,), supported, str(number), key)
