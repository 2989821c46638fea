"""Answers and conversations as Markdown files, in which nothing that a document or a question says is markup."""

from __future__ import annotations

import re
from collections.abc import Sequence

import regex

from state.answer import Answer, Citation
from state.memory import ThreadInfo, Turn

_MARKS = re.compile(r"\[(\d+(?:,\s*\d+)*)\]")
# What begins an inline construct of CommonMark or of its usual extensions (footnotes, strike-through, mathematics), and
# what makes a line another block than a paragraph; also what would make an image of a mark that follows, and what ends
# a heading. No more than that: programs and plain terminals read answers too.
_INLINE = regex.compile(
    r"[\\`*\[\]<~$]|&(?=#?\w+;)|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|!\Z|(?<=\s)#(?=#*[ \t]*$)", regex.MULTILINE
)
_BLOCK = regex.compile(r"^[ \t]*(?:([#+=:>|-])|(\d+)([.)])(?=\s|$))?", regex.MULTILINE)
_SCHEME = re.compile(r"(?i)\b(https?|ftp|mailto|www)([.:])")


def escaped(text: str) -> str:
    """Return Markdown that shows a text as it is, but for indents: nothing in it is markup, HTML or a link."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _BLOCK.sub(_no_block, _INLINE.sub(r"\\\g<0>", lines))


def _no_block(match: regex.Match[str]) -> str:
    sign, number, after = match.groups()
    return f"\\{sign}" if sign else f"{number}\\{after}" if number else ""


def plain(text: str) -> str:
    """Return a text as one line of Markdown that shows it as it is, also where bare addresses are made links."""
    line = escaped(" ".join(text.split()))
    return _SCHEME.sub(lambda match: f"{match[1]}{'&#58;' if match[2] == ':' else '&#46;'}", line)


def answer_markdown(answer: Answer, prefix: str = "") -> str:
    """Return an answer with its footnotes; ``prefix`` keeps their names apart in a text of several answers."""
    cited = {citation.n: citation for claim in answer.claims for citation in claim.citations}
    lines, at = [], 0
    for match in _MARKS.finditer(answer.answer):
        numbers = [int(number) for number in match[1].split(",")]
        if all(number in cited for number in numbers):
            marks = "".join(f"[^{prefix}{number}]" for number in numbers)
            lines.append(_spaced(answer.answer[at : match.start()]) + marks)
            at = match.end()
    said = "".join([*lines, _spaced(answer.answer[at:])]).strip()
    notes = [f"[^{prefix}{n}]: {_note(citation)}" for n, citation in sorted(cited.items())]
    close = ["You may find this close:", "", *(f"- {_note(one)}" for one in answer.nearest)] if answer.nearest else []
    return "\n".join(part for part in (said, "", *close, *notes)).strip() + "\n"


def _spaced(text: str) -> str:
    """Return a text made plain that keeps the blank before it, and loses the one before a mark."""
    inner = plain(text)
    return f" {inner}" if inner and text[0].isspace() else inner


def _note(citation: Citation) -> str:
    page = f", page {citation.page}" if citation.page else ""
    name = citation.source.rsplit("/", 1)[-1]
    where = f"{plain(citation.title) or 'Untitled'} ({plain(name)}{page}, version {citation.version})"
    return f"{where}: “{plain(citation.quote)}”"


def conversation_markdown(info: ThreadInfo, turns: Sequence[Turn]) -> str:
    """Return a conversation: its title, then each question with its answer and footnotes."""
    parts = [f"# {plain(info.title) or 'Untitled conversation'}\n"]
    for number, turn in enumerate(turns, 1):
        parts.append(f"## {plain(turn.question)}\n\n*{turn.asked_at:%Y-%m-%d %H:%M} UTC*\n")
        parts.append(answer_markdown(turn.answer, prefix=f"{number}-"))
        if turn.withheld:
            parts.append("*Some of what was said is withheld: its documents are gone or not yours to read.*\n")
    return "\n".join(parts)
