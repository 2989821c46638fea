"""What a written sentence claims, clause by clause, and the citation marks that a chat model put into it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import regex

from state.documents import Span

_LABEL = r"(?:\^|(?:sources?|passages?|documents?|docs?|refs?|references?|footnotes?|no\.)\s*)?"
_NUMBER = r"\d{1,3}"
_RANGE = rf"{_NUMBER}(?:\s*[-–—]\s*{_NUMBER})?"
_LIST = rf"{_LABEL}{_RANGE}(?:\s*(?:[,;&]|and\b)\s*{_LABEL}{_RANGE})*"
# Closed marks of any bracket that models use, and a square bracket that was never closed: "in 1932 [1."
_MARK = regex.compile(
    rf"[ \t]*(?:[\[【]\s*({_LIST})\s*(?:†[^\]】]*)?[\]】]|\[\s*({_LIST})(?=\s*(?:[.!?]?\s*$|[.!?;:]\s)))",
    regex.IGNORECASE,
)
_SPAN = regex.compile(rf"({_NUMBER})(?:\s*[-–—]\s*({_NUMBER}))?")

_FEWEST_WORDS = 3  # of a clause: "apples, oranges, and pears" is one claim
_VERB = regex.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|does|do|did|can|could|will|would|may|might|must|should|shall|says?|said"
    r"|became|began|came|gave|got|grew|fell|held|kept|knew|led|left|lost|made|met|paid|ran|rose|saw|sent|sold|spent"
    r"|stood|took|told|went|won|wrote|makes?|takes?|gives?|means?|needs?|uses?|\p{Ll}{3,}ed|n['’]t)\b"
)
_JOINT = regex.compile(
    r";\s+"
    r"|,\s+(?:and|but|or|yet|so|while|whereas|although|though|because|which|who|where)\s+"
    r"|\s+(?:but|while|whereas|although|because)\s+"
    r"|\s+and\s+(?=(?:it|he|she|they|we|this|these|that|there|the)\b)"
)
_YES_OR_NO = regex.compile(r"\s*(?:yes|no|ja|nein|oui|non|sí|sim|não)\s*[,.;:!–—]\s*(?=\S)", regex.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mark:
    """A citation mark: the place in the text without marks where it stood, and the footnotes it names."""

    at: int
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Marked:
    """A sentence without its marks, and the marks."""

    text: str
    marks: tuple[Mark, ...]

    def numbers(self, span: Span | None = None) -> frozenset[int]:
        """Return the footnotes named in the sentence, or for one clause, within it or right behind it."""
        if span is None:
            return frozenset(number for mark in self.marks for number in mark.numbers)
        return frozenset(n for mark in self.marks if span.start <= mark.at <= span.end for n in mark.numbers)


def parse_marks(sentence: str, known: int) -> Marked:
    """Take the citation marks out of a sentence: ``[1]``, ``[1, 3]``, ``[1-3]``, ``【2】``, ``[source 4]``, ``[5``.

    Numbers above ``known`` (or 0) name nothing and are left out; a mark of such numbers only disappears all the same.
    What stands in brackets and is no list of numbers of up to three digits is text.
    """
    text, end = "", 0
    marks: list[Mark] = []
    for match in _MARK.finditer(sentence):
        text += sentence[end : match.start()]
        end = match.end()
        numbers = tuple(dict.fromkeys(n for n in _numbers(match[1] or match[2]) if 1 <= n <= known))
        if numbers:
            marks.append(Mark(len(text), numbers))
    text += sentence[end:]
    lead = len(text) - len(text.lstrip())
    return Marked(text.strip(), tuple(Mark(max(0, min(m.at - lead, len(text.strip()))), m.numbers) for m in marks))


def _numbers(listed: str) -> Iterator[int]:
    for match in _SPAN.finditer(listed):
        first, last = int(match[1]), int(match[2] or match[1])
        yield from range(min(first, last), max(first, last) + 1)


def split_claims(sentence: str) -> list[Span]:
    """Return the clauses of a sentence that can be true or false by themselves, as spans, in order.

    Cut at semicolons, and at conjunctions with a verb on both sides. The conjunction belongs to no clause; whatever
    else there is belongs to one. A sentence without such a joint is one clause.
    """
    spans: list[Span] = []
    start = 0
    for joint in _JOINT.finditer(sentence):
        following = sentence[joint.end() :]
        verbless = joint.group().startswith(";")
        if _claims(sentence[start : joint.start()], verbless) and _claims(following, verbless):
            spans.append(Span(start, joint.start()))
            start = joint.end()
    last = Span(start, len(sentence.rstrip()))
    return [*spans, last] if last.end > last.start else spans


def _claims(clause: str, verbless: bool) -> bool:
    return len(clause.split()) >= _FEWEST_WORDS and (verbless or _VERB.search(clause) is not None)


def without_yes_or_no(clause: str) -> str:
    """Return a clause without the yes or no before it, which says nothing that a text could say."""
    return _YES_OR_NO.sub("", clause, count=1) if _YES_OR_NO.match(clause) else clause


def as_sentence(clause: str) -> str:
    """Write a clause as a sentence of its own: a capital letter first, a full stop last."""
    clause = clause.strip().rstrip(",;:").rstrip()
    if not clause:
        return ""
    return clause[0].upper() + clause[1:] + ("" if clause[-1] in ".!?…。！？" else ".")
