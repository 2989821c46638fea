"""BEIR-style sets: corpus.jsonl, queries.jsonl, and qrels*.tsv in one folder.

Thakur et al., "BEIR: A Heterogeneous Benchmark for Zero-shot Evaluation of Information Retrieval Models", 2021.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from state.documents import Block, ParsedDocument, Source
from state.errors import FootnoteError, UnreadableDocument
from text.normalise import clean_text


class UnreadableSet(FootnoteError):
    """A folder that is not an evaluation set."""


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """Passages (one source each), questions (id, text), and graded relevance by question and passage id.

    Questions without a relevant passage are left out. ``answers`` are the right answers of questions that have some.
    """

    sources: list[Source]
    questions: list[tuple[str, str]]
    relevant: dict[str, dict[str, int]]
    answers: dict[str, list[str]]


def read_beir(folder: Path) -> EvaluationSet:
    """Read a set. Raises `UnreadableSet`."""
    try:
        relevant: dict[str, dict[str, int]] = {}
        for path in sorted(folder.glob("qrels*.tsv")):
            for question, passage, grade in _judgements(path):
                if grade > 0:
                    relevant.setdefault(question, {})[passage] = grade
        sources = read_corpus(folder)
        rows = list(read_rows(folder / "queries.jsonl"))
        questions = [(str(row["_id"]), row["text"]) for row in rows]
        answers = {str(row["_id"]): list(row["answers"]) for row in rows if row.get("answers")}
    except OSError as error:
        raise UnreadableSet(f"{folder} is not a BEIR-style folder: {error.strerror} ({error.filename}).") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableSet(f"{folder} holds a line that is not as it should be: {error}.") from error
    judged = [(key, text) for key, text in questions if key in relevant]
    if not judged:
        raise UnreadableSet(f"{folder} has no question with a relevant passage in qrels*.tsv.")
    return EvaluationSet(sources, judged, relevant, answers)


def read_corpus(folder: Path) -> list[Source]:
    """Read the passages of a set, without its questions. Raises `OSError`, `ValueError`, `KeyError`."""
    return [_source(row) for row in read_rows(folder / "corpus.jsonl")]


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a .jsonl file."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def _judgements(path: Path) -> Iterator[tuple[str, str, int]]:
    """Yield question, passage and grade; TREC's four columns and BEIR's three, with or without a header."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            cells = line.rstrip("\n").split("\t")
            if len(cells) == 4:
                cells = [cells[0], cells[2], cells[3]]
            if len(cells) == 3 and cells[2].lstrip("-").isdigit():
                yield cells[0], cells[1], int(cells[2])


def _source(row: dict[str, Any]) -> Source:
    identity, title, text = str(row["_id"]), row.get("title") or "", row["text"]
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
