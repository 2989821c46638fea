"""Sentence boundaries, by sentencex, with the corrections that citations need."""

from __future__ import annotations

from collections.abc import Iterator

import regex

from state.documents import Span

_MAX_CHARS = 1000
_QUOTED_CHARS = 240
_WINDOW_CHARS = 10_000

_PARAGRAPH = regex.compile(r"\n[^\S\n]*\n\s*")
_SURROGATE = regex.compile(r"[\ud800-\udfff]")
_ENCLOSING = str.maketrans(dict.fromkeys('"“”„«»()[]{}「」『』', " "))
_REFERENCE = regex.compile(
    r"(?<!\w)(?:app|approx|art|bd|ca|cap|ch|chap|eq|eqs|fig|figs|kap|no|nos|nr|p|par|para|pp|ref|refs|sec|tab|vol)\.\s$",
    regex.IGNORECASE,
)
_ENUMERATOR = regex.compile(r"\s*(?:[-*•]\s+)?\(?(?:\d{1,3}|\p{L}|[ivxIVX]{2,5})[.)]\s*")
# "The limit is 75 km/h. After that …": to the library, a short word before the full stop is an abbreviation.
_AFTER_UNIT = regex.compile(r"\d\s?[\p{Ll}°%µ²³/]{1,6}\.\s+(?=\p{Lu})")
_BREAK = regex.compile(r"[.!?;:…。！？；][\"”’»)\]]*\s|\n")


def sentences(text: str, language: str) -> list[Span]:
    """Return the sentences' spans (code points): in order, not overlapping, without surrounding whitespace.

    Every other character is in one of them. A blank line ends a sentence, a single newline does not; a sentence of
    more than 1,000 characters is cut where it reads best.
    """
    text = _SURROGATE.sub("\ufffd", text)  # the library takes what UTF-8 can hold; the length stays
    spans: list[Span] = []
    start = 0
    for end in _cuts(text, language):
        if not _splits_sentence(text, start, end):
            continue
        spans += _trimmed(text, start, end)
        start = end
    return spans


def _cuts(text: str, language: str) -> list[int]:
    """Return candidate ends: the library's, those of paragraphs, those inside long quotations and brackets."""
    paragraphs = {match.end() for match in _PARAGRAPH.finditer(text)}
    units = {match.end() for match in _AFTER_UNIT.finditer(text)}
    cuts = sorted(paragraphs | units | {*_boundaries(text, language), len(text)})
    inner: list[int] = []
    for start, end in zip([0, *cuts], cuts, strict=False):
        if end - start > _QUOTED_CHARS:
            # The library never cuts inside quotation marks, closed or not: look again without them.
            opened = text[start:end].translate(_ENCLOSING)
            inner += [start + cut for cut in _boundaries(opened, language)]
    return sorted({*cuts, *inner})


def _boundaries(text: str, language: str) -> list[int]:
    """Return the library's ends, asked for in windows: on some texts (many open quotations) its time is quadratic."""
    from sentencex import get_sentence_boundaries

    ends: list[int] = []
    start = 0
    while start < len(text):
        window = text[start : start + _WINDOW_CHARS]
        found = [start + boundary["end_index"] for boundary in get_sentence_boundaries(language, window)]
        if start + len(window) < len(text) and len(found) > 1:
            found.pop()  # the window's end, not a sentence's
        ends += found
        start = found[-1]
    return ends


def _splits_sentence(text: str, start: int, end: int) -> bool:
    """Return whether the text from ``start`` may end at ``end``."""
    if end == len(text) or _PARAGRAPH.search(text, max(start, end - 80), end):
        return True
    before, after = text[end - 1], text[end]
    if before in ".!?" and after.isalnum():  # Node.js, a.Next
        return False
    if _REFERENCE.search(text, max(start, end - 12), end) and after.isnumeric():
        return False
    if end - start <= 12 and _ENUMERATOR.fullmatch(text, start, end):
        return False
    return any(char.isalnum() for char in text[start:end])


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the span without surrounding whitespace, in pieces if it is too long; nothing for a blank one."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    while end - start > _MAX_CHARS:
        cut = _best_cut(text, start, start + _MAX_CHARS)
        yield Span(start, start + len(text[start:cut].rstrip()))
        start = cut
        while text[start].isspace():
            start += 1
    if start < end:
        yield Span(start, end)


def _best_cut(text: str, start: int, limit: int) -> int:
    """Return where to cut before ``limit``: behind the last clause or line, else the last word, else at the limit."""
    ends = [match.end() for match in _BREAK.finditer(text, start + _MAX_CHARS // 2, limit)]
    if ends:
        return ends[-1]
    space = max(text.rfind(" ", start, limit), text.rfind("\t", start, limit))
    return space + 1 if space > start else limit
