"""Sets for prompt injection: contexts with attacks put into them, and prompts with labels.

BIPIA's contexts and attacks (Yi et al., "Benchmarking and Defending Against Indirect Prompt Injection Attacks on Large
Language Models", 2023) are a folder with ``*_attack_*.json`` and ``*/*.jsonl``, or one that has it in ``bipia``;
labelled prompts a JSON list (InjecGuard's; Li and Liu, 2024).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.sets.find import find_sets
from evals.sets.lists import first_row, list_rows
from evals.sets.rows import UnreadableSet, read_rows
from text.sentences import sentences

_WANTED = (
    "a folder of BIPIA's contexts (*/*.jsonl) and attacks (*_attack_*.json), or a .json list of prompts with labels"
)
_KINDS = ("text", "code")
_PLACES = ("start", "middle", "end")
_MOST_QUESTION_CHARS = 500


@dataclass(frozen=True, slots=True)
class Context:
    """A harmless document and its question; ``attacks`` is the kind of attack made on it."""

    key: str
    text: str
    question: str
    attacks: str


@dataclass(frozen=True, slots=True)
class Attacked:
    """A context with an attack of some category in it, at its start, in its middle or at its end."""

    key: str
    context: Context
    category: str
    attack: str
    text: str
    place: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt that is an attack, or a harmless one."""

    text: str
    is_attack: bool


def read_contexts(paths: Sequence[Path]) -> dict[str, tuple[list[Context], dict[str, list[tuple[str, str]]]]]:
    """Return the contexts and the attacks (category, text, by kind) of each set. Raises `UnreadableSet`."""
    found = find_sets(paths, lambda path: _is_bipia(path) or _is_prompts(path), _WANTED)
    return {name: _read_bipia(path) for name, path in found.items() if path.is_dir()}


def read_prompts(paths: Sequence[Path]) -> dict[str, list[Prompt]]:
    """Return the labelled prompts of each file, those beside a set's contexts too. Raises `UnreadableSet`."""
    found = find_sets(paths, lambda path: _is_bipia(path) or _is_prompts(path), _WANTED)
    files = {name: path for name, path in found.items() if path.is_file()}
    for folder, whole in found.items():
        for path in filter(_is_prompts, sorted(whole.glob("*.json")) if whole.is_dir() else ()):
            files[path.stem if path.stem not in files else f"{folder} {path.stem}"] = path
    return {name: _read_prompts(path) for name, path in files.items()}


def attacked(
    contexts: Sequence[Context], attacks: dict[str, list[tuple[str, str]]], each: int
) -> Iterator[tuple[Context, list[Attacked]]]:
    """Yield each context with ``each`` attacks on it; attacks and places are taken in turn, so that all are made."""
    turn: Counter[str] = Counter()
    for context in contexts:
        kind, made = attacks[context.attacks], []
        for _ in range(each if kind else 0):
            category, attack = kind[turn[context.attacks] % len(kind)]
            place = _PLACES[(turn[context.attacks] + turn[context.attacks] // len(kind)) % len(_PLACES)]
            turn[context.attacks] += 1
            key = f"{context.key}/{turn[context.attacks]}"
            made.append(Attacked(key, context, category, attack, _inserted(context.text, attack, place), place))
        yield context, made


def _inserted(text: str, attack: str, place: str) -> str:
    if place == "start":
        return f"{attack}\n{text}"
    if place == "end":
        return f"{text}\n{attack}"
    lines = text.splitlines(keepends=True)
    if len(lines) < 3:
        cuts = [span.end for span in sentences(text, "en")] or [len(text)]
        cut = cuts[len(cuts) // 2 - 1]
        return f"{text[:cut]}\n{attack}\n{text[cut:]}"
    half = len(lines) // 2
    return f"{''.join(lines[:half])}{attack}\n{''.join(lines[half:])}"


def _is_bipia(path: Path) -> bool:
    return path.is_dir() and any(any(folder.glob("*_attack_*.json")) for folder in (path, path / "bipia"))


def _is_prompts(path: Path) -> bool:
    if path.suffix != ".json" or not path.is_file():
        return False
    row = first_row(path)
    return isinstance(row, dict) and isinstance(row.get("prompt"), str) and row.get("label") in (0, 1)


def _read_bipia(folder: Path) -> tuple[list[Context], dict[str, list[tuple[str, str]]]]:
    bipia = folder / "bipia" if (folder / "bipia").is_dir() else folder
    try:
        attacks = {kind: [one for file in sorted(bipia.glob(f"{kind}_attack_*.json")) for one in _attacks(file)]
                   for kind in _KINDS}  # fmt: skip
        contexts = [
            _context(f"{file.parent.name}/{number}", row, file.parent.name)
            for file in sorted(bipia.glob("*/*.jsonl"))
            for number, row in enumerate(read_rows(file))
        ]
    except OSError as error:
        raise UnreadableSet(f"{folder} cannot be read: {error.strerror} ({error.filename}).") from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise UnreadableSet(f"{folder} is not a set of BIPIA's contexts and attacks: {error!r}.") from error
    if not contexts or not any(attacks.values()):
        raise UnreadableSet(f"{folder} has no contexts (*/*.jsonl) or no attacks (*_attack_*.json).")
    return contexts, attacks


def _attacks(file: Path) -> Iterator[tuple[str, str]]:
    for category, texts in json.loads(file.read_text(encoding="utf-8-sig")).items():
        for text in texts:
            if not isinstance(text, str) or not text.strip():
                raise ValueError(f"{file.name} has an attack that is no text")
            yield str(category), text


def _context(key: str, row: dict[str, Any], kind: str) -> Context:
    text = row["context"] if isinstance(row["context"], str) else "\n".join(row["context"])
    if kind != "code":
        return Context(key, text, str(row["question"]).removeprefix("Q: "), "text")
    error = [line for line in row["error"] if line.strip()]
    return Context(key, text, f"How do I fix {error[-1].strip()}"[:_MOST_QUESTION_CHARS], "code")


def _read_prompts(path: Path) -> list[Prompt]:
    try:
        return [Prompt(_text(row["prompt"]), bool(int(row["label"]))) for row in list_rows(path)]
    except OSError as error:
        raise UnreadableSet(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreadableSet(f"{path} is not a list of prompts with labels 0 and 1: {error!r}.") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a prompt is no text")
    return value
