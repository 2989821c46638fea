"""Questions with right answers: BEIR-style folders, and one's own as a CSV or JSONL file of two columns.

A file of questions has the columns ``question`` and ``answer``; further right answers are in ``answers`` (a JSON list,
or separated by ``|`` in CSV), and a row with neither asks for what the documents do not say. ``class`` names the kind.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.runs.example import Example
from evals.sets.beir import UnreadableSet, read_beir, read_rows
from evals.sets.find import find_sets
from state.documents import Source

_FILES = (".csv", ".jsonl")


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Questions as examples (``inputs["question"]``, ``reference["answers"]``), and what they are asked of.

    ``sources`` is None for questions of one's own: they are asked of the documents in the database.
    """

    examples: list[Example]
    sources: list[Source] | None


def read_question_sets(paths: Sequence[Path], *, with_answers: bool) -> dict[str, QuestionSet]:
    """Return the question sets found at the paths, by name.

    With ``with_answers`` questions of BEIR-style sets without right answers are left out. Raises `UnreadableSet`.
    """
    found = find_sets(paths, _fits, "a BEIR-style folder (corpus.jsonl, queries.jsonl, qrels*.tsv), or a .csv or "
                      ".jsonl file with the columns question and answer")  # fmt: skip
    sets = {
        name: _read_file(path) if path.is_file() else _read_folder(path, with_answers) for name, path in found.items()
    }
    sets = {name: some for name, some in sets.items() if some.examples}
    if not sets:
        raise UnreadableSet(f"{', '.join(map(str, paths))} has no question with answers in queries.jsonl.")
    return sets


def _fits(path: Path) -> bool:
    if path.is_dir():
        return (path / "queries.jsonl").exists() and (path / "corpus.jsonl").exists()
    return path.suffix in _FILES and path.name not in ("corpus.jsonl", "queries.jsonl")


def _read_folder(folder: Path, with_answers: bool) -> QuestionSet:
    evaluated = read_beir(folder)
    rows = {str(row["_id"]): row for row in read_rows(folder / "queries.jsonl")}
    examples = [
        Example(
            key, {"question": text},
            {"answers": _right(rows[key]), "relevant": evaluated.relevant[key]}, _kind(rows[key]),
        )
        for key, text in evaluated.questions
    ]  # fmt: skip
    chosen = [one for one in examples if one.reference["answers"] or not with_answers]
    return QuestionSet(chosen, evaluated.sources)


def _read_file(path: Path) -> QuestionSet:
    try:
        rows = list(_csv(path) if path.suffix == ".csv" else read_rows(path))
        examples = [
            Example(str(row.get("id") or number), {"question": _question(row)}, {"answers": _right(row)}, _kind(row))
            for number, row in enumerate(rows, start=1)
        ]
    except OSError as error:
        raise UnreadableSet(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        raise UnreadableSet(f"{path} is not a file of questions and answers: {error}.") from error
    if not examples:
        raise UnreadableSet(f"{path} has no questions: give the columns question and answer.")
    return QuestionSet(examples, None)


def _csv(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file, strict=True):
            yield {**row, "answers": [one for one in (row.get("answers") or "").split("|") if one.strip()]}


def _question(row: dict[str, Any]) -> str:
    question = str(row["question"] or "").strip()
    if not question:
        raise ValueError("a row has no question")
    return question


def _right(row: dict[str, Any]) -> list[str]:
    """Return all right answers of a row: ``answers``, or ``answer`` with its ``aliases``."""
    given: Iterable[Any] = [*(row.get("answers") or []), row.get("answer"), *(row.get("aliases") or [])]
    return list(dict.fromkeys(str(one).strip() for one in given if one is not None and str(one).strip()))


def _kind(row: dict[str, Any]) -> str:
    hops = row.get("hops")
    return str(row.get("class") or row.get("type") or (f"{hops} hops" if hops else ""))
