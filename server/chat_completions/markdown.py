"""An answer as Markdown with footnotes, in which no text of a document or a model is markup."""

from __future__ import annotations

from collections.abc import Sequence

import regex

from state.answer import Citation, Said
from tools.markdown import escaped

_MARK = regex.compile(r"\[\^\d+\](?!:)")
_NOTES = regex.compile(r"\n\n\[\^\d+\]:.*\Z", regex.DOTALL)
_ESCAPED = regex.compile(r"\\([^\p{L}\p{N}\s])")


def mark(citation: Citation) -> str:
    """Return the mark of a footnote in the text."""
    return f"[^{citation.n}]"


def sentence(said: Said) -> str:
    """Return a sentence with the marks of its footnotes."""
    if said.claim is None:
        return escaped(said.text)
    marks = "".join(mark(citation) for citation in said.claim.citations)
    return escaped(said.claim.text) + marks


def footnotes(citations: Sequence[Citation]) -> str:
    """Return the footnotes below a text, each once, with the blank line before them; "" if there are none."""
    numbered = {citation.n: citation for citation in citations}
    return "\n\n" + "\n".join(_note(citation) for _, citation in sorted(numbered.items())) if numbered else ""


def _note(citation: Citation) -> str:
    place = f", page {citation.page}" if citation.page is not None else ""
    return f"{mark(citation)}: {_line(citation.title)}{place}: “{_line(citation.quote)}”"


def _line(text: str) -> str:
    """Return a text in one line: a footnote ends with its line."""
    return escaped(" ".join(text.split()))


def unmarked(text: str) -> str:
    """Return what an answer said, without its footnotes: the inverse, for answers that come back as history."""
    return _ESCAPED.sub(r"\1", _MARK.sub("", _NOTES.sub("", text))).strip()
