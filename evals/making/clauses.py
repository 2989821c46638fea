"""Simple English main clauses taken apart and turned into questions, without a tagger.

Only what a closed list of verbs and a few patterns are sure of is used: a clause that is not understood gives no
question, since a wrong one would measure nothing. After Heilman and Smith, "Good Question! Statistical Ranking for
Question Generation", NAACL 2010: make many questions from statements by rules, then leave out what is not good.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import regex

from evals.making.words import AUXILIARIES, NOT_IN_A_SUBJECT, VERBS
from text.languages import stemmer_for, stop_words

_WORD = regex.compile(r"[“\"]?[\p{L}\p{N}][\p{L}\p{N}'’&/+._-]*(?<![._-])[”\"]?")
_NEGATION = regex.compile(r"\b(?:not|never|no longer|no|cannot|n't|nor|neither|only)\b", regex.IGNORECASE)
_BREAK = regex.compile(
    r"[,;:(—–]|\s-\s|\b(?:and|but|or|because|so that|which|who|whereas|while|if|unless|when|except)\b"
)
_PARTICIPLE = regex.compile(r"\p{Ll}+(?:ed|en|wn|ght|ept|old|ade|aid|ound|one|ut)\b|been\b")
_LOWER = regex.compile(r"(?<![\p{L}\p{N}@./_-])\p{Ll}[\p{Ll}-]*+(?![\p{L}\p{N}@/_]|\.\p{L})")
_CAPITAL = regex.compile(r"(?<=\p{Ll},? )\p{Lu}\p{Ll}[\p{Ll}-]*+(?![\p{N}@/_])")
_MOST_SUBJECT_WORDS = 9


class Written(NamedTuple):
    """How documents write words: stems of those without a capital, and words with one inside a sentence.

    By these a capital at the beginning of a sentence is told from that of a name.
    """

    lower: frozenset[str]
    capital: frozenset[str]


def written(texts: Iterable[str]) -> Written:
    """Return how texts write words; parts of addresses and codes do not count."""
    lower: set[str] = set()
    capital: set[str] = set()
    for text in texts:
        lower.update(_LOWER.findall(text))
        capital.update(_CAPITAL.findall(text))
    return Written(frozenset(map(stem_of, lower)), frozenset(capital))


def stem_of(word: str) -> str:
    """Return the stem of an English word, whatever its capitals."""
    stem = stemmer_for("en") or str
    return stem(word.casefold())


@dataclass(frozen=True, slots=True)
class Clause:
    """A statement as subject, verb and what follows it, without the full stop."""

    subject: str
    verb: str
    rest: str

    @property
    def negated(self) -> bool:
        """Whether something in it is denied or restricted, which a question about the rest would drop."""
        return bool(_NEGATION.search(f"{self.verb} {self.rest}"))

    def ask(self, front: str, rest: str) -> str:
        """Return the question that asks with ``front`` for what ``rest`` no longer says."""
        helper, base = self._inverted()
        return _joined(front, helper, self.subject, base, rest)

    def _inverted(self) -> tuple[str, str]:
        if self.verb in AUXILIARIES:
            return self.verb, ""
        base, helper = VERBS[self.verb]
        if base == "have" and _PARTICIPLE.match(self.rest):
            return self.verb, ""
        return helper, base


def clause(sentence: str, written: Written) -> Clause | None:
    """Take a statement apart; None if it is not a plain one: subject first, then a known verb."""
    text = sentence.strip()
    if not text.endswith(".") or text.count(".") - len(regex.findall(r"(?<=\d)\.(?=\d)", text)) > 1 or "\n" in text:
        return None
    text = text[:-1]
    words = list(_WORD.finditer(text))
    if words and words[0].group().endswith("ing"):
        return None  # "Using your own bicycle is paid": an activity is asked about in other ways
    for number, match in enumerate(words[: _MOST_SUBJECT_WORDS + 1]):
        word = match.group()
        if number and text[words[number - 1].end() : match.start()].strip():
            return None  # a comma, a bracket or a dash inside the subject
        if word.casefold() in NOT_IN_A_SUBJECT:
            return None
        following = words[number + 1].group() if number + 1 < len(words) else ""
        is_verb = word in AUXILIARIES or (word in VERBS and not _is_noun(words, number, following))
        if number and is_verb:
            subject = uncapitalised(text[: match.start()].strip(), written)
            if subject.endswith("s") and " " not in subject and _is_plural(word) and subject not in written.capital:
                subject = subject.lower()  # "Complaints are read": a plural by itself is no name
            return Clause(subject, word, text[match.end() :].strip())
    return None


def _is_plural(verb: str) -> bool:
    return verb in ("are", "were") or (verb in VERBS and VERBS[verb][0] == verb)


def _is_noun(words: list[regex.Match[str]], number: int, following: str) -> bool:
    """Whether a word that may be a verb is none here: "shipping costs are", "the use of"."""
    before = words[number - 1].group().casefold() if number else ""
    determined = before in ("the", "a", "an", "to", "of", "for", "each")
    return following in AUXILIARIES or following in ("of", "for") or determined


def until_break(text: str) -> str:
    """Return what stands before the first comma, bracket or further clause."""
    found = _BREAK.search(text)
    return (text[: found.start()] if found else text).strip()


def uncapitalised(text: str, written: Written) -> str:
    """Return a text without the capital of its first word, if that is only there because a sentence begins."""
    first = text.split(" ", 1)[0]
    plain = first.casefold()
    lower = stem_of(plain) in written.lower and first not in written.capital
    if plain in stop_words("en") or (first[1:].islower() and lower):
        return text if first == "I" else text[:1].lower() + text[1:]
    return text


def _joined(*parts: str) -> str:
    text = " ".join(" ".join(parts).split())
    return f"{text[:1].upper()}{text[1:]}?"
