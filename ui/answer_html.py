"""Questions and answers as HTML. Every text that comes from people, documents or models is escaped here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from state.answer import Answer, Citation, Claim, Said, Verdict
from ui.answer_tools import button, footer, icon_button
from ui.icons import icon
from ui.shared import ShownTurn

_MARKS: Final[dict[Verdict, tuple[str, str]]] = {
    "supported": ("Supported", "The cited text says this."),
    "partly": ("Partly supported", "The cited text says only part of this."),
    "unsupported": ("Not supported", "The cited text does not say this."),
    "contradicted": ("Contradicted", "The cited text says otherwise."),
}
_QUOTE_CHARS = 320


def history_html(turns: Sequence[ShownTurn]) -> str:
    """Return all turns but the last."""
    return "".join(turn_html(turn, number, last=False) for number, turn in enumerate(turns))


def live_html(turns: Sequence[ShownTurn], number: int) -> str:
    """Return the last turn, if there is one; ``number`` is its place in the conversation, from 0."""
    return "".join(turn_html(turn, number, last=True) for turn in turns)


def turn_html(turn: ShownTurn, number: int, *, last: bool) -> str:
    """Return a question with its answer, or with what there is of it."""
    question = escape(turn.question)
    body = _answer(turn.answer, turn) if turn.answer else _unfinished(turn)
    again = f"{icon('again')} Ask again"
    retry = button("again", again, question=turn.question) if turn.state in ("failed", "stopped") else ""
    receipt = escape(str(turn.answer.receipt)) if turn.answer and turn.answer.receipt else ""
    return (
        f'<article class="fn-turn" data-state="{turn.state}" data-turn="{number}" data-receipt="{receipt}"'
        f' {"data-last" if last else ""} aria-busy="{"true" if turn.state == "working" else "false"}">'
        f'<div class="fn-asked"><h2 dir="auto"><span class="fn-sr">You asked: </span>{question}</h2>'
        f"{icon_button('edit', 'Edit this question', question=turn.question)}</div>"
        f'<div class="fn-answer" dir="auto">{body}{retry}</div></article>'
    )


def _unfinished(turn: ShownTurn) -> str:
    said = _said(turn.said, fresh=turn.state == "working")
    if turn.state == "working":
        return f'{said}<p class="fn-status"><span class="fn-dots" aria-hidden="true"></span>{escape(turn.note)}</p>'
    kind = "fn-problem" if turn.state == "failed" else "fn-note"
    return f'{said}<p class="{kind}" role="alert">{escape(turn.note)}</p>'


def _said(said: Sequence[Said], *, fresh: bool) -> str:
    if not said:
        return ""
    parts = [_sentence(one.claim) if one.claim else f"<span>{escape(one.text)}</span>" for one in said]
    if fresh:
        parts[-1] = f'<span class="fn-fresh">{parts[-1]}</span>'
    return f'<div class="fn-text">{_joined(parts)}</div>'


def _answer(answer: Answer, turn: ShownTurn) -> str:
    if answer.claims:
        text = f'<div class="fn-text">{_joined([_sentence(claim) for claim in answer.claims])}</div>'
    else:
        text = f'<div class="fn-text"><span>{escape(answer.answer)}</span></div>' if answer.answer else ""
    parts = [text]
    if turn.withheld:
        many = turn.withheld > 1
        words = f"{turn.withheld} sentences of this answer rest" if many else "1 sentence of this answer rests"
        parts.append(_note(f"{words} on documents that are gone or no longer yours to read, and so cannot be shown."))
    if answer.abstained:
        parts.append(_why_not(answer))
    elif answer.claims and answer.confidence.level == "low":
        parts.append(_note("The sources say this, but it may not be what you asked: see what lowered the confidence."))
    parts.append(_sources(answer.claims))
    parts.append(_degraded(answer.degraded))
    parts.append(footer(answer, turn.question))
    return "".join(parts)


def _joined(parts: Iterable[str]) -> str:
    return " ".join(parts)


def _sentence(claim: Claim) -> str:
    """Return a sentence with its marks; several lines (steps, rows of a table) are kept as lines."""
    name, meaning = _MARKS[claim.verdict]
    chips = "".join(_chip(citation) for citation in claim.citations)
    mark = (
        f'<span class="fn-mark fn-{claim.verdict}" tabindex="0" role="img" aria-label="{name}: {meaning}"'
        f' data-tip="{name}: {meaning}">{icon(claim.verdict)}</span>'
    )
    lines = " fn-lines" if "\n" in claim.text else ""
    return (
        f'<span class="fn-sentence{lines}" data-verdict="{claim.verdict}">{escape(claim.text)}'
        f'<span class="fn-notes">{chips}{mark}</span></span>'
    )


def _chip(citation: Citation) -> str:
    label = f"Footnote {citation.n}: {citation.title or 'Untitled'}{_page(citation)}"
    return (
        f'<button type="button" class="fn-chip" data-fn="cite" data-cite="{_place(citation)}"'
        f' aria-label="{escape(label)}" title="{escape(label)}">{citation.n}</button>'
    )


def _place(citation: Citation) -> str:
    """Return where a citation points, for an attribute: no words, and nothing that rights do not decide anew."""
    place = {
        "n": citation.n, "document_id": str(citation.document_id), "version": citation.version,
        "start": citation.start, "end": citation.end, "page": citation.page,
    }  # fmt: skip
    return escape(json.dumps(place))


def _page(citation: Citation) -> str:
    return f", page {citation.page}" if citation.page else ""


def _sources(claims: Sequence[Claim]) -> str:
    cited = {citation.n: citation for claim in claims for citation in claim.citations}
    if not cited:
        return ""
    rows = "".join(_source(cited[n]) for n in sorted(cited))
    return f'<ol class="fn-sources" aria-label="Footnotes">{rows}</ol>'


def _source(citation: Citation) -> str:
    name = citation.source.rsplit("/", 1)[-1]
    where = f"{escape(name)}{_page(citation)}"
    return (
        f'<li><button type="button" class="fn-source" data-fn="cite" data-cite="{_place(citation)}">'
        f'<span class="fn-n" aria-hidden="true">{citation.n}</span>'
        f'<span class="fn-source-words"><span class="fn-source-title">{escape(citation.title or "Untitled")}</span>'
        f'<span class="fn-where">{where}</span></span></button></li>'
    )


def _why_not(answer: Answer) -> str:
    if not answer.nearest:
        return ""
    rows = "".join(_nearest(citation) for citation in answer.nearest)
    return (
        '<details class="fn-nearest" open><summary>Why no answer, and what comes closest</summary>'
        "<p>Nothing that you may read answers this well enough to stand behind. These passages come closest:</p>"
        f"<ol>{rows}</ol></details>"
    )


def _nearest(citation: Citation) -> str:
    quote = citation.quote if len(citation.quote) <= _QUOTE_CHARS else citation.quote[: _QUOTE_CHARS - 1] + "…"
    return (
        f'<li><button type="button" class="fn-source" data-fn="cite" data-cite="{_place(citation)}">'
        f'<span class="fn-source-words"><span class="fn-source-title">{escape(citation.title or "Untitled")}</span>'
        f'<span class="fn-where">{escape(citation.source.rsplit("/", 1)[-1])}{_page(citation)}</span>'
        f'<span class="fn-quote" dir="auto">{escape(quote)}</span></span></button></li>'
    )


def _degraded(notes: Sequence[str]) -> str:
    hidden = sorted({what for note in notes for what in _hidden(note)})
    less = [note for note in notes if not _hidden(note)]
    told = _note(f"What the policy on personal data keeps back is hidden here: {', '.join(hidden)}.") if hidden else ""
    return told + (_note(f"This answer was made with less than usual: {'; '.join(less)}.") if less else "")


def _hidden(note: str) -> list[str]:
    """Return what a note says was masked, nothing if it is about something else."""
    _, masked, what = note.partition("personal data was masked: ")
    return what.split(", ") if masked else []


def _note(text: str) -> str:
    return f'<p class="fn-note">{icon("note")}<span>{escape(text)}</span></p>'
