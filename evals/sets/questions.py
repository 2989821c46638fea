"""Questions with right answers: BEIR-style folders, and one's own as a CSV or JSONL file of two columns.

A file of questions has the columns ``question`` and ``answer``; further right answers are in ``answers`` (a JSON list,
or separated by ``|`` in CSV) or ``aliases``, and a row with none asks for what the documents do not say. ``class``
names the kind, ``id`` the row; with a ``collection`` only that is asked. `make_questions` adds the ``span`` that
answers, `feedback_questions` the ``verdict`` on an earlier answer.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from evals.measures.known_spans import read_span
from evals.runs.example import Example
from evals.sets.beir import is_beir, kind_of, read_beir, right_answers
from evals.sets.find import find_sets
from evals.sets.rows import NoSet, UnreadableSet, distinct, id_of, lines_of, read_rows, text_of
from state.documents import Source

_FILES = (".csv", ".jsonl")
_OF_FOLDERS = ("corpus.jsonl", "queries.jsonl")
_ANSWERS = ("answer", "answers")
_VERDICTS = {"yes", "no", "maybe"}


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Questions as examples (``inputs["question"]``, ``reference["answers"]``), and what they are asked of.

    ``answers`` are [] where the right one is that there is none, and left out where they are not known; ``relevant``
    has the judgements where there are some, ``long_answers`` what was said at length. ``sources`` is None for questions
    of one's own: they are asked of the documents in the database, or of those given. ``unanswerable`` are questions of
    a folder to which its passages have no answer.
    """

    examples: list[Example]
    sources: list[Source] | None
    unanswerable: tuple[Example, ...] = ()


def read_question_sets(paths: Sequence[Path], *, with_answers: bool) -> dict[str, QuestionSet]:
    """Return the question sets found at the paths, by name.

    With ``with_answers`` questions of which no right answer is known are left out, and files without that column
    refused. Raises `UnreadableSet`.
    """
    wanted = "a BEIR-style folder (corpus.jsonl, queries.jsonl, qrels*.tsv), or a .csv or .jsonl file with the " \
             "columns question and answer"  # fmt: skip
    found = find_sets(paths, _fitting(paths), wanted)
    sets = {name: _read_file(path, with_answers) if path.is_file() else _read_folder(path, with_answers)
            for name, path in found.items()}  # fmt: skip
    sets = {name: some for name, some in sets.items() if some.examples}
    if not sets:
        raise NoSet(f"{', '.join(map(str, paths))} has no question with answers in queries.jsonl.")
    return sets


def _fitting(given: Sequence[Path]) -> Callable[[Path], bool]:
    """Return what tells sets: a file that was given is one, one that was found in a folder has the two columns."""

    def fits(path: Path) -> bool:
        if path.is_dir():
            return is_beir(path)
        return path.suffix.lower() in _FILES and (path in given or (path.name not in _OF_FOLDERS and _looks_fit(path)))

    return fits


def _looks_fit(path: Path) -> bool:
    try:
        columns = set(next(_rows(path), {}))
    except (ValueError, csv.Error):
        return False
    return "question" in columns and not columns.isdisjoint(_ANSWERS)


def _read_folder(folder: Path, with_answers: bool) -> QuestionSet:
    evaluated = read_beir(folder)
    long_answers = {
        id_of(row): row["long_answer"] for row in read_rows(folder / "queries.jsonl") if row.get("long_answer")
    }
    examples = []
    for key, text in evaluated.questions:
        reference: dict[str, Any] = {"relevant": evaluated.relevant[key]}
        if answers := evaluated.answers.get(key):
            reference["answers"] = answers
        if key in long_answers:
            reference["long_answers"] = [str(long_answers[key])]
        examples.append(Example(key, {"question": text}, reference, evaluated.kinds.get(key) or _form(answers or [])))
    chosen = [one for one in examples if "answers" in one.reference or not with_answers]
    return QuestionSet(chosen, evaluated.sources, _unanswerable(folder, evaluated.relevant))


def _unanswerable(folder: Path, relevant: Collection[str]) -> tuple[Example, ...]:
    return tuple(
        Example(id_of(row), {"question": text_of(row, "text")}, {"answers": []}, "unanswerable")
        for row in read_rows(folder / "queries.jsonl")
        if row.get("answerable") is False and id_of(row) not in relevant
    )


def _form(answers: Sequence[str]) -> str:
    """Return the class of a question that is answered by a verdict."""
    return "yes or no" if answers and _VERDICTS.issuperset(map(str.casefold, answers)) else ""


def _read_file(path: Path, with_answers: bool) -> QuestionSet:
    try:
        rows = list(_rows(path))
        columns = {column for row in rows for column in row}
        if rows and "question" not in columns:
            raise ValueError("it has no column 'question'")
        answered = not columns.isdisjoint(_ANSWERS)
        if rows and with_answers and not answered:
            raise ValueError("it has no column 'answer'")
        keys = [str(row.get("id") or number) for number, row in enumerate(rows, start=1)]
        distinct(keys, path)
        examples = [_example(key, row, answered) for key, row in zip(keys, rows, strict=True)]
    except OSError as error:
        raise UnreadableSet(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, csv.Error) as error:
        raise UnreadableSet(f"{path} is not a file of questions and answers: {error}.") from error
    if not examples:
        raise UnreadableSet(f"{path} has no questions: give the columns question and answer.")
    return QuestionSet(examples, None)


def _example(key: str, row: dict[str, Any], answered: bool) -> Example:
    question = text_of(row, "question").strip()
    if not question:
        raise ValueError(f"the row {key} has no question")
    answers = right_answers(row)
    reference: dict[str, Any] = {"answers": answers} if answered else {}
    if row.get("span"):
        reference["span"] = read_span(row["span"], key)
    if row.get("verdict"):  # what its asker thought of the answer then
        reference["verdict"] = text_of(row, "verdict")
    inputs: dict[str, Any] = {"question": question}
    if row.get("collection"):
        inputs["filters"] = [f"collection={text_of(row, 'collection')}"]
    return Example(key, inputs, reference, kind_of(row) or _form(answers))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    return _csv(path) if path.suffix.lower() == ".csv" else read_rows(path)


def _csv(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a CSV file, whichever of comma, semicolon and tab its first line has most of."""
    lines = lines_of(path)
    first = next(lines, "")
    reader = csv.DictReader(chain([first], lines), delimiter=max(",;\t", key=first.count), strict=True)
    for row in reader:
        if None in row:
            raise ValueError(f"line {reader.line_num} has more cells than the first line has columns")
        yield {**row, **{column: _listed(row[column]) for column in ("answers", "aliases") if column in row}}


def _listed(cell: str | None) -> list[str]:
    return [one for one in (cell or "").split("|") if one.strip()]
