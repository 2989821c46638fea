"""BEIR-style sets: corpus.jsonl, queries.jsonl, and qrels*.tsv in one folder.

Thakur et al., "BEIR: A Heterogeneous Benchmark for Zero-shot Evaluation of Information Retrieval Models", 2021.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from evals.runs.example import Example
from evals.sets.find import find_sets
from evals.sets.rows import UnreadableSet, distinct, id_of, lines_of, read_rows, text_of
from state.documents import Block, ParsedDocument, Source
from state.errors import UnreadableDocument
from text.normalise import clean_text

__all__ = ["EvaluationSet", "UnreadableSet", "as_examples", "is_beir", "read_beir", "read_beir_sets", "read_corpus",
           "read_rows"]  # fmt: skip

WANTED = "a BEIR-style folder (corpus.jsonl, queries.jsonl, qrels*.tsv)"


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """Passages (one source each), questions (id, text), and graded relevance by question and passage id.

    Questions without a relevant passage are left out. ``answers`` are the right answers of questions that have some,
    ``kinds`` the classes of those that have one.
    """

    sources: list[Source]
    questions: list[tuple[str, str]]
    relevant: dict[str, dict[str, int]]
    answers: dict[str, list[str]]
    kinds: dict[str, str] = field(default_factory=dict)


def is_beir(path: Path) -> bool:
    """Whether a path is a folder with passages, questions and judgements."""
    there = all((path / name).is_file() for name in ("corpus.jsonl", "queries.jsonl"))
    return there and any(path.glob("qrels*.tsv"))


def read_beir_sets(paths: Sequence[Path]) -> dict[str, EvaluationSet]:
    """Return the sets found at or below the paths, by name. Raises `UnreadableSet`."""
    return {name: read_beir(path) for name, path in find_sets(paths, is_beir, WANTED).items()}


def as_examples(evaluated: EvaluationSet) -> list[Example]:
    """Return the questions as examples: ``inputs["question"]``, ``reference["relevant"]``."""
    return [
        Example(key, {"question": text}, {"relevant": evaluated.relevant[key]}, evaluated.kinds.get(key, ""))
        for key, text in evaluated.questions
    ]


def read_beir(folder: Path) -> EvaluationSet:
    """Read a set. Raises `UnreadableSet`."""
    try:
        relevant: dict[str, dict[str, int]] = {}
        for path in sorted(folder.glob("qrels*.tsv")):
            for question, passage, grade in _judgements(path):
                if grade > 0:
                    relevant.setdefault(question, {})[passage] = grade
        sources = read_corpus(folder)
        rows = {id_of(row): row for row in _questions(folder)}
        questions = [(key, text_of(row, "text")) for key, row in rows.items()]
        answers = {key: right for key, row in rows.items() if (right := right_answers(row))}
    except OSError as error:
        raise UnreadableSet(f"{folder} is not a BEIR-style folder: {error.strerror} ({error.filename}).") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableSet(f"{folder} holds a line that is not as it should be: {error}.") from error
    judged = [(key, text) for key, text in questions if key in relevant]
    if not judged:
        raise UnreadableSet(f"{folder} has no question with a relevant passage in qrels*.tsv.")
    kinds = {key: kind for key, row in rows.items() if (kind := kind_of(row))}
    return EvaluationSet(sources, judged, relevant, answers, kinds)


def read_corpus(folder: Path) -> list[Source]:
    """Read the passages of a set, without its questions. Raises `OSError`, `ValueError`, `KeyError`."""
    path = folder / "corpus.jsonl"
    sources = [_source(row) for row in read_rows(path)]
    distinct([source.uri for source in sources], path)
    return sources


def right_answers(row: dict[str, Any]) -> list[str]:
    """Return all right answers of a row: ``answers``, and ``answer`` with its ``aliases``; [] if it has none."""
    lists = [row.get("answers") or [], row.get("aliases") or []]
    if not all(isinstance(some, list) for some in lists):
        raise ValueError("a row's answers or aliases are not a list")
    given = [*lists[0], row.get("answer"), *lists[1]]
    return list(dict.fromkeys(str(one).strip() for one in given if one is not None and str(one).strip()))


def kind_of(row: dict[str, Any]) -> str:
    """Return the class of a question as its set names it: its class or type, or the number of its hops."""
    hops = row.get("hops")
    return str(row.get("class") or row.get("type") or (f"{hops} hops" if hops else ""))


def _questions(folder: Path) -> list[dict[str, Any]]:
    path = folder / "queries.jsonl"
    rows = list(read_rows(path))
    distinct([id_of(row) for row in rows], path)
    return rows


def _judgements(path: Path) -> Iterator[tuple[str, str, int]]:
    """Yield question, passage and grade; TREC's four columns and BEIR's three, with or without a header."""
    for line in lines_of(path):
        cells = line.rstrip("\r\n").split("\t")
        if len(cells) == 4:
            cells = [cells[0], cells[2], cells[3]]
        if len(cells) == 3 and cells[2].lstrip("-").isdecimal():
            yield cells[0], cells[1], int(cells[2])


def _source(row: dict[str, Any]) -> Source:
    identity, text = id_of(row), text_of(row, "text")
    title = text_of(row, "title") if row.get("title") else ""
    return text_source(identity, title, text)


def text_source(identity: str, title: str, text: str) -> Source:
    """Return a document that is nothing but its text, each of its lines a paragraph."""
    digest = hashlib.sha256(f"{title}\x00{text}".encode()).digest()
    return Source(
        uri=identity, content_hash=lambda: digest, parse=partial(_parse, identity, title, text), size=len(text.encode())
    )


def _parse(identity: str, title: str, text: str) -> ParsedDocument:
    if not text.strip():
        raise UnreadableDocument(f"{identity} has no text.")
    stored = clean_text(text)
    blocks = tuple(Block("paragraph", match.start(), match.end()) for match in re.finditer(r"\S(?:[^\n]*\S)?", stored))
    return ParsedDocument(stored, title, "text/plain", blocks)
