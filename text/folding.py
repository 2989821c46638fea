"""Forms under which spellings of the same word meet: case, compatibility characters, marks."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

# Letters that Unicode does not decompose although they are typed without their stroke on other keyboards.
_STROKES = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ё": "е"})
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u0640"))
_PUNCTUATION = str.maketrans("’‘ʼ`´‐‑‒−", "'''''----")

# Letters that are their own, not accented variants: folding them would merge different common words
# (Swedish "får" and "far", Finnish "säde" and "sade", Spanish "año" and "ano").
_OWN_LETTERS = {
    "sv": "åäö",
    "fi": "åäö",
    "et": "äöõü",
    "da": "åæø",
    "no": "åæø",
    "is": "æöðþ",
    "hu": "öüőű",
    "es": "ñ",
    "tr": "çğışöü",
}


def match_form(text: str) -> str:
    """Return the text for matching only: NFKC, casefolded, no invisible characters, plain quotes and hyphens."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKC", text.translate(_PUNCTUATION).translate(_INVISIBLE))
    return unicodedata.normalize("NFKC", text.casefold()).replace("⁄", "/")


@lru_cache(maxsize=1 << 15)
def fold(word: str, language: str = "") -> str:
    """Return the word of `match_form` without diacritics, except those that make a letter of its own in the language.

    Marks are taken from Latin and Greek letters and vowel points from Arabic and Hebrew; other scripts keep theirs,
    because there they are vowels or voicing (Devanagari, Japanese) or make another letter (Cyrillic й).
    """
    if word.isascii():
        return word
    own = _OWN_LETTERS.get(language, "")
    return "".join(char if char in own else _bare(char) for char in word)


def _bare(char: str) -> str:
    if "\u0591" <= char <= "\u05c7" or "\u064b" <= char <= "\u065f" or char == "\u0670":
        return "" if unicodedata.combining(char) else char
    if "\u0300" <= char <= "\u036f":
        return ""
    base = unicodedata.normalize("NFD", char)[0] if char < "\u0400" or "\u1e00" <= char <= "\u1fff" else char
    return base.translate(_STROKES)
