"""Questions from statements: how many, how much, when, who and what, with the words of the statement as the answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import regex

from evals.making.clauses import Clause, Written, clause, until_break
from evals.making.question import Kind
from evals.making.words import AUXILIARIES, LASTING, LISTING, OF_PEOPLE

_SMALL = "one two three four five six seven eight nine ten eleven twelve"
_DIGITS = {word: str(value) for value, word in enumerate(_SMALL.split(), start=1)}
_NUMBER = rf"(?:\d[\d,]*(?:\.\d+)?(?:\s(?:million|billion|thousand))?|{_SMALL.replace(' ', '|')})"
_ABOUT = r"(?:(?:up to|at least|at most|more than|less than|no more than|about|around|over|under)\s)?"
_PREPOSITION = r"(?P<prep>(?:for|within|after|in|by|from|at|on|before|to|with)\s)?"
_UNIT = r"days?|weeks?|months?|years?|hours?|minutes?|seconds?"
_COUNTED = regex.compile(
    rf"{_PREPOSITION}(?P<answer>{_ABOUT}{_NUMBER}[\s-]"
    r"(?P<noun>(?:(?:working|business|calendar|full|further|other|new)\s)?(?:\p{Ll}+s|people|children|staff)))\b(?![-/])"
)
_MONEY = regex.compile(
    rf"{_PREPOSITION}(?P<answer>{_ABOUT}(?:[€$£]\s?\d(?:[\d.,]*\d)?"
    r"|\d[\d,]*(?:\.\d+)?\s(?:euros?|dollars?|pounds?|EUR|USD|GBP)\b))"
)
_EVERY = regex.compile(rf"\b(?P<answer>every\s(?:{_NUMBER}\s)?(?:{_UNIT}))\b")
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATE = regex.compile(
    rf"\b(?P<prep>on|in|since|until|by|at)\s(?P<answer>(?:\d{{1,2}}\s)?(?:{_MONTHS})(?:\s\d{{1,2}},)?(?:\s\d{{4}})?"
    r"|(?:19|20)\d\d\b|\d{1,2}[:.]\d\d(?:\s?(?:UTC|[ap]\.?m\.?))?)"
)
_WHEN = {"on": "when", "in": "when", "at": "when", "since": "since when", "until": "until when", "by": "by when"}
_AGENT = regex.compile(r"^(?P<done>\p{Ll}+)\sby\s(?P<answer>\p{Lu}[\p{L}'’-]+(?:\s\p{Lu}[\p{L}'’-]+){1,2})$")
_PERSON = regex.compile(r"\p{Lu}\p{Ll}+(?:\s\p{Lu}[\p{L}'’-]+){1,2}")
_TERM = regex.compile(r"[“\"](?P<term>[^”\"]{2,40})[”\"] means (?P<answer>[^.;]+)\.")
_MEANS = regex.compile(
    r"(?P<term>\p{Lu}[\p{Lu}\d-]*\d[\p{Lu}\d-]*) (?:means|stands for|is shown when) (?:that )?(?P<answer>[^.;]+)\."
)
_NOUN_PHRASE = regex.compile(r"(?:the|a|an)\s|[€$£\d]|" + _SMALL.replace(" ", r"\s|") + r"\s")
_FRONTED = regex.compile(
    rf"(?P<prep>On|In|Since|Until|By)\s(?P<answer>(?:\d{{1,2}}\s)?(?:{_MONTHS})(?:\s\d{{4}})?|(?:19|20)\d\d),"
    r"\s(?P<main>\S.*)"
)
_BEFORE = regex.compile(r"[,;:(]|\b(?:and|but|or|because|which|who|if|unless|when|that)\b")


class Asked(NamedTuple):
    """A question with its right answers."""

    question: str
    answers: tuple[str, ...]
    kind: Kind


def questions_of(sentence: str, written: Written) -> Iterator[Asked]:
    """Yield the questions that a statement answers; none if it is not understood."""
    for pattern in (_TERM, _MEANS):
        if (defined := pattern.fullmatch(sentence)) and (meant := _short(defined["answer"], most=25)):
            term = defined["term"]
            named = f"“{term}”" if pattern is _TERM else term
            yield Asked(f"What does {named} mean?", (meant,), "definition")
    if dated := _FRONTED.fullmatch(sentence):
        yield from _fronted(dated, written)
        return
    found = clause(sentence, written)
    if found is None or found.negated:
        return
    for rule in (_how_many, _how_often, _how_much, _when, _who, _what, _listed):
        yield from rule(found)


def _fronted(dated: regex.Match[str], written: Written) -> Iterator[Asked]:
    main = clause(dated["main"], written)
    if main and not main.negated and not _DATE.search(main.rest):
        yield Asked(main.ask(_WHEN[dated["prep"].casefold()], until_break(main.rest)), (dated["answer"],), "date")


def _how_many(found: Clause) -> Iterator[Asked]:
    counted = list(_COUNTED.finditer(found.rest))
    if len(counted) == 1 and not _BEFORE.search(found.rest[: counted[0].start()]):
        match = counted[0]
        before, after = found.rest[: match.start()].strip(), until_break(found.rest[match.end() :])
        if question := _of_amount(found, match, before, after):
            yield Asked(question, _counts(match["answer"]), "number")
    subject = regex.match(rf"(?P<number>{_NUMBER})\s(?P<counted>\p{{Ll}}.*)", found.subject, regex.IGNORECASE)
    if subject and found.verb not in ("is", "was") and subject["number"].casefold() != "one":
        question = " ".join(f"How many {subject['counted']} {found.verb} {until_break(found.rest)}".split())
        noun = regex.match(r"(?:\p{Ll}+\s)*?\p{Ll}+(?:s|people|children)\b", subject["counted"])
        if noun:
            yield Asked(f"{question}?", _counts(f"{subject['number']} {noun.group()}"), "number")


def _of_amount(found: Clause, match: regex.Match[str], before: str, after: str) -> str:
    """Return the question for an amount between ``before`` and ``after``; empty if it would not read well."""
    preposition, noun = match["prep"] or "", match["noun"]
    if preposition:
        return found.ask(f"{preposition}how many {noun}", f"{before} {after}")
    if regex.match(r"(?:after|before|later)\b", after):  # "arrived 28 minutes after the start"
        return found.ask(f"how many {noun} {after}", before)
    if not before and found.verb in LASTING and regex.fullmatch(rf"(?:\p{{Ll}}+\s)?(?:{_UNIT})", noun):
        return found.ask("how long", after)
    if before or found.verb in ("is", "are", "was", "were", "mean", "means"):
        return ""
    own, rest = _attached(after)
    return found.ask(f"how many {noun} {own}", rest)


def _attached(after: str) -> tuple[str, str]:
    """Split what follows a counted noun into what belongs to it ("of paid leave") and what does not."""
    own = regex.match(r"of(?:\s[\p{L}-]+){1,3}?(?=\s(?:in|on|at|for|from|to|by|with|a|per|each|every)\b|$)", after)
    return (own.group(), after[own.end() :]) if own else ("", after)


def _how_often(found: Clause) -> Iterator[Asked]:
    match = _EVERY.search(found.rest)
    if match and len(_EVERY.findall(found.rest)) == 1 and not _BEFORE.search(found.rest[: match.start()]):
        rest = f"{found.rest[: match.start()]} {until_break(found.rest[match.end() :])}"
        yield Asked(found.ask("how often", rest), _counts(match["answer"]), "number")


def _how_much(found: Clause) -> Iterator[Asked]:
    sums = list(_MONEY.finditer(found.rest))
    if len(sums) != 1 or _BEFORE.search(found.rest[: sums[0].start()]):
        return
    match = sums[0]
    before, after = found.rest[: match.start()].strip(), until_break(found.rest[match.end() :])
    if match["prep"] in ("for ", "to ") or (not before and not match["prep"]):
        yield Asked(found.ask(f"{match['prep'] or ''}how much", f"{before} {after}"), (match["answer"],), "number")


def _when(found: Clause) -> Iterator[Asked]:
    dates = list(_DATE.finditer(found.rest))
    if len(dates) != 1 or _BEFORE.search(found.rest[: dates[0].start()]):
        return
    match = dates[0]
    before, after = found.rest[: match.start()].strip(), until_break(found.rest[match.end() :])
    if match["prep"] == "since" and found.verb not in AUXILIARIES:
        return  # "since when does it report": the statement says nothing of the beginning
    yield Asked(found.ask(_WHEN[match["prep"]], f"{before} {after}"), (match["answer"],), "date")


def _who(found: Clause) -> Iterator[Asked]:
    agent = _AGENT.match(until_break(found.rest))
    if agent and found.verb in ("is", "are", "was", "were"):
        yield Asked(found.ask("who", f"{agent['done']} by"), (agent["answer"],), "person")
    if _PERSON.fullmatch(found.subject) and found.verb in OF_PEOPLE:
        yield Asked(f"Who {found.verb} {until_break(found.rest)}?", (found.subject,), "person")


def _what(found: Clause) -> Iterator[Asked]:
    answer = _short(found.rest)
    if found.verb in ("is", "are") and answer and _NOUN_PHRASE.match(found.rest) and len(found.subject.split()) > 1:
        yield Asked(found.ask("what", ""), (answer,), "definition")


def _listed(found: Clause) -> Iterator[Asked]:
    answer = _short(found.rest)
    if found.verb in LISTING and answer and len(found.rest.split()) > 1:
        yield Asked(found.ask("what", ""), (answer,), "list")


def _short(text: str, *, most: int = 14) -> str:
    """Return an answer as it stands; nothing if it is too long to be said back word for word."""
    return text.strip() if 0 < len(text.split()) <= most else ""


def _counts(answer: str) -> tuple[str, ...]:
    """Return an amount as it stands, without "up to" and its like, and a small one in digits and words."""
    bare = regex.sub(_ABOUT, "", answer, count=1)
    said = {**_DIGITS, **{digit: word for word, digit in _DIGITS.items()}}
    other = " ".join(said.get(word.casefold(), word) for word in bare.split())
    return tuple(dict.fromkeys((answer, bare, other)))
