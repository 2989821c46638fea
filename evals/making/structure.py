"""Questions from a document's structure: cells of its tables, its headings, and the items of its lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import regex

from evals.making.clauses import Written, clause, stem_of
from evals.making.question import MadeQuestion
from evals.making.words import DOCUMENTS, GENERAL, IDENTIFIERS, PLURAL_DOCUMENTS, PROPERTIES, REMARKS
from state.evidence import Passage
from text.languages import stop_words

_CELL = regex.compile(r"(?P<header>[^:;]{1,40}): (?P<value>[^;]+?)(?:; |$)")
_ROW = regex.compile(r"(?:[^:;\n]{1,40}: [^;\n]+; )+[^:;\n]{1,40}: [^;\n]+")
_NUMBERING = regex.compile(r"^(?:§\s*)?(?:\d+(?:\.\d+)*\.?|[A-Z]\.|[IVX]+\.)\s+")
_UNITS = {unit: unit.upper() for unit in ("eur", "usd", "gbp", "chf")} | dict.fromkeys(
    ("days", "hours", "minutes", "months", "years", "kg", "mm", "cm", "km", "percent"), ""
)
_LIST = regex.compile(r"(?:^|(?<=\n|\. ))(?P<intro>[^\n:.]{5,120}):\n+(?P<items>(?:[^\n:]{2,120}(?:\n|$)){2,10})")
_VERDICTS = frozenset(("yes", "no", "true", "false", "-", "–", "n/a"))
UNDER = "What is listed under"
_MOST_VALUE_WORDS = 12
_CLOCK = regex.compile(r"\d:\d\d")
_MOST_ANSWERS = 6
_FINITE = regex.compile(r"\b(?:is|are|was|were|has|have|can|cannot|could|must|may|might|will|should|does|do|did)\b")
_ADRIFT = regex.compile(r"(?:I|We|You|It|They|My|In|On|At|With|Above|Below|Before|After|From|If|For)\b")
_ASKING = regex.compile(r"(?:what|how|when|where|why|who|which|whether)\b", regex.IGNORECASE)


def table_questions(passages: Sequence[Passage]) -> Iterator[MadeQuestion]:
    """Yield a question for each cell of the tables of one document that its row's first cell leads to."""
    rows = [(passage, span, cells) for passage in passages for span, cells in _rows(passage)]
    keys = Counter(cells[0][1].casefold() for _, _, cells in rows)
    for passage, (start, end), cells in rows:
        if keys[cells[0][1].casefold()] > 1 or not _is_name(cells[0][1]):
            continue
        named = _named(*cells[0])
        for header, value in cells[1:]:
            asked = _asked(header)
            if asked and len(value.split()) <= _MOST_VALUE_WORDS and value.casefold() not in _VERDICTS:
                yield MadeQuestion(f"{asked} {named}?", (value,), passage, start, end, "table")


def _rows(passage: Passage) -> Iterator[tuple[tuple[int, int], list[tuple[str, str]]]]:
    for match in regex.finditer(r"[^\n]+", passage.text):
        if _ROW.fullmatch(match.group().strip()):
            cells = [(cell["header"].strip(), cell["value"].strip()) for cell in _CELL.finditer(match.group().strip())]
            yield (passage.start + match.start(), passage.start + match.end()), cells


def _is_name(key: str) -> bool:
    """Whether a row's first cell says what the row is about; not a time, a date or a number."""
    first = key.split()[0].casefold()
    return len(key.split()) <= 6 and first[0].isalpha() and first not in stop_words("en") and not _CLOCK.search(key)


def _named(header: str, key: str) -> str:
    """Return a row's first cell as a question names it: a code alone, one word with its column's name."""
    kind = header.replace("_", " ").lower()
    if regex.search(r"\d", key) and len(key) > 2:
        return key
    if len(key.split()) == 1 and kind.isalpha() and kind not in IDENTIFIERS | stop_words("en"):
        return f"{kind} {key}"
    return key if key.istitle() else f"“{key}”"


def _asked(header: str) -> str:
    """Return the beginning of a question for a column; empty for one that does not name a property."""
    words = header.replace("_", " ").split()
    if not words or regex.search(r"\d", header) or words[-1].casefold() in REMARKS or len(words) > 4:
        return ""
    unit = _UNITS.get(words[-1].casefold()) if len(words) > 1 else None
    named = words[:-1] if unit is not None else words
    said = " ".join(word if word.isupper() and len(word) > 1 else word.lower() for word in named)
    last = named[-1].casefold()
    named_so = {last, last.removesuffix("s")} & PROPERTIES and named[0].casefold() not in stop_words("en")
    if not named_so:
        return f"{UNDER} {' '.join(words).lower()} for"
    in_unit = f" in {unit or words[-1].lower()}" if unit is not None else ""
    return f"What {'is' if last in PROPERTIES else 'are'} the {said}{in_unit} of"


def heading_questions(passages: Sequence[Passage], written: Written) -> Iterator[MadeQuestion]:
    """Yield a question for each section of one document: its heading if that asks one, else what is said about it.

    Any sentence of the section is a right answer: what counts for such a question is whether the section is cited.
    """
    sections: dict[tuple[str, ...], list[Passage]] = {}
    for passage in passages:
        sections.setdefault(passage.headings, []).append(passage)
    named = Counter(headings[-1].casefold() for headings in sections if headings)
    for headings, some in sections.items():
        heading = _NUMBERING.sub("", headings[-1]).strip() if headings else ""
        said = [text for passage in some for text in passage.sentence_texts() if _is_statement(text)]
        if not heading or not said or named[headings[-1].casefold()] > 1:
            continue
        question = heading if heading.endswith("?") else _about(some[0].title, heading, written)
        if question:
            yield MadeQuestion(question, tuple(said[:_MOST_ANSWERS]), some[0], some[0].start, some[-1].end, "heading")


def _is_statement(sentence: str) -> bool:
    return sentence.endswith(".") and len(sentence.split()) >= 5 and not regex.search(r": [^;]+; [^:;]+: ", sentence)


def _about(title: str, heading: str, written: Written) -> str:
    """Return what asks for a section of a titled document; empty if one of both does not read as a name."""
    words = regex.findall(r"\p{L}+", heading)
    if not words or (len(words) < 3 and words[-1].casefold() in GENERAL) or len(heading.split()) > 10:
        return ""
    if len(regex.findall(r"\p{L}{2,}", title)) < 2 or "_" in title or regex.search(r"[;:(·|/]", heading):
        return ""
    if _ADRIFT.match(heading) or (_FINITE.search(heading) and not _ASKING.match(heading)):
        return ""
    name = title.split(":")[0].strip()
    nouns = [word.casefold() for word in regex.findall(r"\p{L}+", regex.sub(r"\([^)]*\)", "", name))] or [""]
    last = nouns[-1]
    article = "the " if DOCUMENTS.intersection(nouns) else "the document "
    if regex.match(r"(?:the|our|your)\b", name, regex.IGNORECASE) and DOCUMENTS.intersection(nouns):
        article, name = "", name[0].lower() + name[1:]
    verb = "do" if last in PLURAL_DOCUMENTS else "does"
    return f"What {verb} {article}{name} say about {_inside_a_sentence(heading, written)}?"


def _inside_a_sentence(heading: str, written: Written) -> str:
    """Return a heading without its first capital, if it is written like a sentence and begins with no name."""
    first, *others = heading.split()
    common = stop_words("en")
    titled = any(word[0].isupper() and word.casefold() not in common for word in others)
    is_name = (first in written.capital and stem_of(first) not in written.lower) or not first[1:].islower()
    if (titled or is_name) and first.casefold() not in common:
        return heading
    return first.lower() + heading[len(first) :]


def list_questions(passages: Sequence[Passage], written: Written) -> Iterator[MadeQuestion]:
    """Yield a question for each list that a plain statement introduces ("The kit contains:"); any item answers it."""
    for passage in passages:
        for match in _LIST.finditer(passage.text):
            intro = clause(f"{match['intro'].strip().removesuffix('the following').strip()}.", written)
            items = tuple(item.strip("-*• ").rstrip(".;,") for item in match["items"].split("\n") if item.strip())
            if intro and not intro.rest and len(intro.subject.split()) > 1:
                start, end = passage.start + match.start(), passage.start + match.end()
                yield MadeQuestion(intro.ask("what", ""), items, passage, start, end, "list")
