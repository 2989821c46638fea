"""Words that a line end parts."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from ingest.loaders.pdf_lines import PageLines

_WORD = re.compile(r"[^\W\d_]{2,}")
_COMPOUND = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*(?!-$)")
_PARTED = re.compile(r"([^\W\d_]+)[-‐]$")
_PREFIXES_WORDS = "all anti co cross ex half high low mid multi non pre post quasi self semi well "
_PREFIXES = frozenset(_PREFIXES_WORDS.split())


def joined(content: str, following: str, words: Collection[str]) -> tuple[str, str]:
    """Return a line's text and what joins it to the following one: a blank, or nothing within a word.

    A hyphen at the line end is undone when that is safe: between letters, unless the hyphen is the word's own.
    """
    before, after = _PARTED.search(content), _WORD.match(following)
    if not content.endswith(("-", "‐")) or len(content) < 2 or content[-2] in " -–":
        return content, " "
    if before is None or after is None or not following[0].islower():
        return content, "" if before else " "
    first, second = before.group(1), after.group()
    whole = (first + second).casefold() in words
    hyphenated = f"{first}-{second}".casefold() in words
    if whole or not (hyphenated or first.isupper() or first.casefold() in _PREFIXES):
        return content[:-1], ""
    return content, ""


def words_of(pages: Sequence[PageLines]) -> frozenset[str]:
    """Return the casefolded words, compounds whole, that stand within lines."""
    return frozenset(
        match.group().casefold() for page in pages for line in page.lines for match in _COMPOUND.finditer(line.text)
    )
