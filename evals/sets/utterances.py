"""What people say to assistants: small talk, requests, and what is out of an assistant's scope.

CLINC150: ``data.json`` with utterances and their intents by split, ``domains.json`` with the intents of each domain
(Larson et al., "An Evaluation Dataset for Intent Classification and Out-of-Scope Prediction", EMNLP 2019).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from evals.runs.example import Example
from evals.sets.rows import UnreadableSet

WANTED = "a folder in CLINC150's form (data.json, domains.json)"
_SPLITS = ("val", "oos_val")  # words that tell small talk were read off the training half
_OUT_OF_SCOPE = "oos"
_SMALL_TALK, _META = "small_talk", "meta"


def is_clinc(path: Path) -> bool:
    """Whether a path is a folder of utterances."""
    return (path / "data.json").is_file() and (path / "domains.json").is_file()


def read_utterances(folder: Path) -> list[Example]:
    """Return the utterances of the validation half; kinds are small talk, request, meta and out of scope.

    ``reference["conversation"]`` is whether one is small talk; None for what is said about the conversation itself
    ("yes", "repeat that"), which is neither that nor a question about documents. Raises `UnreadableSet`.
    """
    try:
        data = json.loads((folder / "data.json").read_text(encoding="utf-8-sig"))
        domains = json.loads((folder / "domains.json").read_text(encoding="utf-8-sig"))
        intents = {intent: domain for domain, some in domains.items() for intent in some}
        examples = [
            _example(f"{split} {number}", text, intent, intents)
            for split in _SPLITS
            for number, (text, intent) in enumerate(data[split], start=1)
        ]
    except OSError as error:
        raise UnreadableSet(f"{error.filename} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableSet(f"{folder} is not {WANTED}: {type(error).__name__}: {error}.") from error
    if not examples:
        raise UnreadableSet(f"{folder} has no utterances in its splits {' and '.join(_SPLITS)}.")
    return _mixed(examples)


def _example(key: str, text: str, intent: str, domains: Mapping[str, str]) -> Example:
    domain = domains.get(intent, "")
    reference: dict[str, Any] = {"intent": intent, "conversation": None if domain == _META else domain == _SMALL_TALK}
    kinds = {_SMALL_TALK: "small talk", _META: _META}
    kind = "out of scope" if intent == _OUT_OF_SCOPE else kinds.get(domain, "request")
    return Example(key, {"question": str(text)}, reference, kind)


def _mixed(examples: list[Example]) -> list[Example]:
    """Return examples in an order that goes round their kinds and intents, so that the first few have some of each."""
    return _in_turn(_in_turn(examples, lambda one: str(one.reference["intent"])), lambda one: one.kind)


def _in_turn(examples: list[Example], group: Callable[[Example], str]) -> list[Example]:
    """Return the first example of each group, then the second of each, and so on."""
    places: Counter[str] = Counter()
    turns = {}
    for one in examples:
        turns[one.key] = places[group(one)]
        places[group(one)] += 1
    return sorted(examples, key=lambda one: turns[one.key])
