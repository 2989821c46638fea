"""Kinds of what answers had to do without: the notes of an answer are sentences, and a metric needs few labels."""

from __future__ import annotations

import re
from typing import Literal, get_args

Kind = Literal[
    "deadline", "search", "source", "cache", "reranker", "chat model", "enhancement", "links", "checks",
    "relevance", "receipt", "masked", "withheld", "quarantine", "model", "other",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)

# The first that matches counts.
_BY_NOTE: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("deadline", re.compile(r"the deadline is near")),
    ("search", re.compile(r"^(lexical|vector|hybrid) search was left out")),
    ("reranker", re.compile(r"^reranking by |^The embedded reranker runs|^Passages stay in their fused order")),
    ("cache", re.compile(r"^cached answers |^the answer was not cached")),
    ("receipt", re.compile(r"^no receipt was kept")),
    ("masked", re.compile(r"^personal data was masked")),
    ("withheld", re.compile(r"^a sentence was withheld")),
    ("quarantine", re.compile(r"^text that gives orders to the assistant")),
    ("links", re.compile(r"^links were not followed|^what stands around")),
    ("relevance", re.compile(r"^relevance was not measured")),
    ("chat model", re.compile(r"chat model|by rules|^no follow-up question|was asked instead|could not be summed up")),
    ("checks", re.compile(r"^sentences were not (aligned|verified)")),
    ("model", re.compile(r"^The (embedded|packaged) |tokenizer")),
    ("enhancement", re.compile(r"^enhancement|^(variants|expansion|hypothetical|parts|asked)\b")),
    ("source", re.compile(r" was left out: ")),
)


def kind_of(note: str) -> Kind:
    """Return the kind of a note."""
    return next((kind for kind, pattern in _BY_NOTE if pattern.search(note)), "other")
