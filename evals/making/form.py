"""What can be told of a made question by reading it: whether it stands alone, reads well, and keeps its answer."""

from __future__ import annotations

import regex

from evals.answers import holds, normalised
from evals.making.question import MadeQuestion
from text.topics import content_words

_POINTING = regex.compile(
    r"\b(?:it|they|them|this|these|those|he|she|him|we|us|our|ours|I|my|me|here|below|above|latter|former)\b"
    r"|\b(?:passage|excerpt|text|document) (?:above|below|says?|states?|mentions?|given|provided)\b"
    r"|\b(?:the|this) (?:passage|excerpt|text|context)\b"
    r"|\b(?:on the day|at the time|at that time|that day|the following|the same)\b",
)
_BRACKETS = (("(", ")"), ("[", "]"), ("“", "”"))
_MARKUP = regex.compile(r"[\n\t|<>{}#*_`\\]|https?:|\.\s?\.|:\s*\?|[,;:–—-]\s*\?$|\b(?:of|the|a|an|to|and|or) \?$")
_TWICE = regex.compile(r"\b(\p{L}+) \1\b", regex.IGNORECASE)
_CODE = regex.compile(r"“|\b\p{Lu}[\p{L}-]*\d|\d\p{Lu}")
_YOU = regex.compile(r"\byou(?:r|rs)?\b")
_UNITS = frozenset(content_words("within seconds minutes hours days weeks months years"))
_NAME = regex.compile(r"(?<=\s)\p{Lu}")
_LEAST_WORDS, _MOST_WORDS = 4, 28


def fault(made: MadeQuestion) -> str:
    """Return why a question cannot be used, in a few words; empty if nothing speaks against it."""
    question = made.question
    if _is_malformed(question):
        return "does not read as a question"
    # "Do I need a hub?" is how readers ask, and models. Whether such a heading says enough is left to the search.
    asked_so = made.kind == "heading" and " say about " not in question
    pointing = regex.sub(r"\b(?:I|my|me)\b", "", question) if asked_so or made.kind == "written" else question
    if _POINTING.search(pointing) or not (asked_so or _is_specific(made)):
        return "does not stand alone"
    if any(f" {normalised(answer)} " in f" {normalised(question)} " for answer in made.answers):
        return "gives its answer away"
    if made.kind != "heading" and holds(made.passage.context, made.answers):
        return "is answered by the title alone"
    return ""


def _is_malformed(question: str) -> bool:
    words = question.split()
    return (
        not question.endswith("?")
        or question.count("?") > 1
        or not question[0].isupper()
        or not _LEAST_WORDS <= len(words) <= _MOST_WORDS
        or any(question.count(opening) != question.count(closing) for opening, closing in _BRACKETS)
        or bool(_MARKUP.search(question) or _TWICE.search(question))
    )


def _is_specific(made: MadeQuestion) -> bool:
    """Whether a question says enough to be about one thing: three words with content, or two and a name among them.

    A code, or a term in quotation marks, is enough.
    """
    question = made.question
    stems = set(content_words(question))
    if _CODE.search(question):
        return bool(stems)
    if _YOU.search(question):  # "Within how many hours do you receive a file?"
        stems -= _UNITS
    return len(stems) >= (2 if _NAME.search(question) and made.kind != "list" else 3)
