"""Normal forms: of names, to compare them; of raw text, to store it."""

from __future__ import annotations

import regex

from text.folding import match_form

_QUALIFIER = regex.compile(r"(?<=\S)\s+(?:\([^()]*\)|\[[^\[\]]*\])\s*$")
_NOT_NAME = regex.compile(r"[^\p{L}\p{M}\p{N}+#]+")
_NEWLINE = regex.compile(r"\r\n|[\r\v\f\x85\u2028\u2029]")
_UNSTORABLE = regex.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff]")
_SURROGATE = regex.compile(r"[\ud800-\udfff]")


def name_key(text: str) -> str:
    """Return the form by which titles, headings, terms and identifiers are compared.

    ``Mercury (planet)`` gives ``mercury``, ``ERR-404`` gives ``err 404``; a name that is all brackets keeps its words.
    """
    form = match_form(text)
    while (shorter := _QUALIFIER.sub("", form)) != form:
        form = shorter
    return _NOT_NAME.sub(" ", form).strip()


def clean_text(raw: str) -> str:
    """Return the text to store: line feeds for newlines, no control characters but tab, no byte-order mark.

    Lone surrogates become U+FFFD. Nothing else changes: no Unicode normalisation, no trimming.
    """
    text = _UNSTORABLE.sub("", _NEWLINE.sub("\n", raw))
    return _SURROGATE.sub("\ufffd", text)
