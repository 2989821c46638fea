"""Follow-up questions with the turns before them and what a person made of each so that it stands alone.

Two kinds, told apart by their files: pairs of a last turn and a rewrite with the ids of relevant passages
(``rewrite_pairs.jsonl`` with ``corpus.jsonl``, as MTRAG has: Katsis et al., 2025), and questions with history and a
rewrite (``rewrites*.jsonl`` with ``question``, ``history`` and ``rewrite``, as TREC CAsT has: Dalton et al., 2020).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.runs.example import Example
from evals.sets.beir import read_corpus
from evals.sets.find import find_sets
from evals.sets.rows import UnreadableSet, distinct, id_of, read_rows, text_of
from state.documents import Source

_WANTED = "a folder with rewrite_pairs.jsonl and corpus.jsonl, or with rewrites*.jsonl"
_PAIRS, _CORPUS, _TASKS = "rewrite_pairs.jsonl", "corpus.jsonl", "human_subset_tasks.jsonl"
_WRITTEN = "rewrites*.jsonl"
_SPEAKER = "|user|:"

_Turns = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Conversations:
    """Follow-ups as examples, and the passages of those that have judgements; None of others.

    ``inputs`` are the ``question``, the ``turns`` before it as pairs of a question and its answer ("" if that is not
    known), and the ``human`` rewrite, which is searched for as well. ``reference["relevant"]`` has the passages that
    are in the corpus.
    """

    examples: list[Example]
    sources: list[Source] | None


def read_conversations(paths: Sequence[Path]) -> dict[str, Conversations]:
    """Return the sets found at the paths, by name. Raises `UnreadableSet`."""
    found = {name: _read(path) for name, path in find_sets(paths, _fits, _WANTED).items()}
    for name, some in found.items():
        if not some.examples:
            raise UnreadableSet(f"{name} has no question with turns before it and a rewrite.")
    return found


def _fits(path: Path) -> bool:
    if path.is_file():
        return path.match(_WRITTEN)
    return all((path / name).is_file() for name in (_PAIRS, _CORPUS)) or any(path.glob(_WRITTEN))


def _read(path: Path) -> Conversations:
    try:
        if (path / _PAIRS).is_file():
            sources = read_corpus(path)
            return Conversations(_pairs(path, {source.uri for source in sources}), sources)
        return Conversations(_written([path] if path.is_file() else sorted(path.glob(_WRITTEN))), None)
    except OSError as error:
        raise UnreadableSet(f"{error.filename} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"a row has no {error}" if isinstance(error, KeyError) else str(error)
        raise UnreadableSet(f"{path} holds a file that is not as it should be: {reason}.") from error


def _pairs(folder: Path, known: set[str]) -> list[Example]:
    """Read pairs; where the tasks of the same conversations lie beside them, their answers are known as well."""
    there = (folder / _TASKS).is_file()
    tasks = {row["task_id"]: row["history"] for row in read_rows(folder / _TASKS)} if there else {}
    rows = list(read_rows(folder / _PAIRS))
    distinct([id_of(row) for row in rows], folder / _PAIRS)
    examples = []
    for row in rows:
        said = [line.replace(_SPEAKER, "").strip() for line in text_of(row, "all_questions").split(f"\n{_SPEAKER}")]
        turns = _turns(tasks[row["_id"]]) if row["_id"] in tasks else [(question, "") for question in said[:-1]]
        question, human = (text_of(row, key).replace(_SPEAKER, "").strip() for key in ("last_turn", "rewrite"))
        relevant = [passage for passage in map(str, row["gold_passage_ids"]) if passage in known]
        if relevant:
            kind = str(row.get("domain") or "")
            examples.append(_example(id_of(row), question, turns, human, kind, dict.fromkeys(relevant, 1)))
    return examples


def _written(files: Sequence[Path]) -> list[Example]:
    """Read questions that have turns before them."""
    examples = []
    for file in files:
        rows = list(read_rows(file))
        keys = [str(row.get("_id") or number) for number, row in enumerate(rows, start=1)]
        distinct(keys, file)
        for key, row in zip(keys, rows, strict=True):
            if row["history"]:
                named = key if len(files) == 1 else f"{file.stem} {key}"
                turns, kind = _turns(row["history"]), str(row.get("year") or "")
                examples.append(_example(named, text_of(row, "question"), turns, text_of(row, "rewrite"), kind))
    return examples


def _example(
    key: str, question: str, turns: _Turns, human: str, kind: str, relevant: dict[str, int] | None = None
) -> Example:
    reference: dict[str, Any] = {"human": human, **({"relevant": relevant} if relevant else {})}
    return Example(key, {"question": question, "turns": turns, "human": human}, reference, kind)


def _turns(history: Iterable[dict[str, str]]) -> _Turns:
    turns: _Turns = []
    for said in history:
        if said["speaker"] == "user":
            turns.append((said["text"], ""))
        elif turns:
            turns[-1] = (turns[-1][0], said["text"])
    return turns
