from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from state.answer import Answer, Citation, Claim, Confidence, quote_hash
from state.memory import ThreadInfo, Turn
from tools.markdown import answer_markdown, conversation_markdown, escaped, plain

NOW = datetime(2026, 3, 5, 12, 30, tzinfo=UTC)
_SIGNS = "\\`*_[](){}<>#+-=.:!|~$&;^\"'\n\t 0123aB/é"
_MARKUP = st.text(st.sampled_from(_SIGNS), min_size=1, max_size=60)
_TEXTS = _MARKUP | st.text(max_size=40)
_ONE_LINE = st.text(st.sampled_from(_SIGNS.replace("\n", "").replace("\t", "")), max_size=40)


def _cited(n: int, quote: str, title: str = "Handbook") -> Citation:
    return Citation(
        n=n, document_id=uuid4(), version=2, title=title, source="/files/handbook.md", page=None, start=0,
        end=len(quote), quote=quote, sha256=quote_hash(quote),
    )  # fmt: skip


def _answer(text: str, *citations: Citation) -> Answer:
    claims = [Claim(text=text, verdict="supported", score=1, citations=list(citations))] if citations else []
    return Answer(
        answer=text, abstained=not citations, claims=claims, confidence=Confidence(level="high", score=0.9),
        route="hybrid", degraded=[], timings={}, usage={}, receipt=None,
    )  # fmt: skip


def _inline(text: str) -> list[Token]:
    renderer = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    return [
        token for block in renderer.parse(text) for token in ([block] if block.children is None else block.children)
    ]


@given(_TEXTS.map(lambda text: " ".join(text.splitlines())))
def test_no_text_is_markup(text: str) -> None:
    tokens = _inline(escaped(f"Said: {text}"))
    assert {token.type for token in tokens} <= {"paragraph_open", "paragraph_close", "text"}


@given(_TEXTS)
def test_no_line_begins_a_block(text: str) -> None:
    tokens = _inline(escaped(text))
    assert {token.type for token in tokens} <= {"paragraph_open", "paragraph_close", "text", "softbreak", "hardbreak"}


@given(_ONE_LINE)
def test_what_is_shown_is_what_was_said(text: str) -> None:
    shown = "".join(token.content for token in _inline(escaped(f"x{text}x")))
    assert shown == f"x{text}x"


@given(_ONE_LINE)
def test_a_mark_or_the_end_of_a_heading_changes_nothing(text: str) -> None:
    renderer = MarkdownIt("commonmark").enable("strikethrough")
    shown = _inline(escaped(f"x{text}") + "[^1]")
    assert "".join(token.content for token in shown) == f"x{text}[^1]"
    heading = renderer.parse(f"## {escaped(f'x{text}')}")[1].children or []
    assert "".join(token.content for token in heading) == f"x{text}".rstrip(" ")


@pytest.mark.parametrize(
    "ordinary", ["27 days of leave.", "ERR_404 and snake_case", "a-b (c) 1.5 & more", "https://example.org/a_b?c=d"]
)
def test_ordinary_text_stays_as_it_is(ordinary: str) -> None:
    assert escaped(ordinary) == ordinary


@given(_MARKUP)
def test_what_is_plain_is_shown_as_it_is(text: str) -> None:
    tokens = [
        inner for token in MarkdownIt("commonmark").parse(f"Said: {plain(text)}x") for inner in token.children or []
    ]
    assert {token.type for token in tokens} == {"text"}
    assert "".join(token.content for token in tokens) == f"Said: {' '.join(text.split())}x"


def test_marks_become_footnotes_and_other_brackets_stay_text() -> None:
    answer = _answer("There are 27 days. [1] See [5]. [1, 2]", _cited(1, "27 days"), _cited(2, "days [off]"))
    written = answer_markdown(answer, prefix="3-")
    assert written.splitlines()[0] == r"There are 27 days.[^3-1] See \[5\].[^3-1][^3-2]"
    assert "[^3-2]: Handbook (handbook.md, version 2): “days \\[off\\]”" in written


def test_a_conversation_keeps_the_footnotes_of_its_answers_apart() -> None:
    info = ThreadInfo(id=uuid4(), title="Days *off*", created_at=NOW, updated_at=NOW, turns=2)
    turn = Turn(asked_at=NOW, question="How many?", answer=_answer("Just 27 days. [1]", _cited(1, "27")), withheld=1)
    written = conversation_markdown(info, [turn, turn])
    assert written.startswith("# Days \\*off\\*\n\n## How many?\n\n*2026-03-05 12:30 UTC*\n")
    assert "27 days.[^1-1]" in written and "27 days.[^2-1]" in written
    assert "withheld" in written


def test_nothing_active_leaves_in_an_export() -> None:
    harm = "<img src=x onerror=alert(1)> ![x](http://evil.example/?q=1) [x](javascript:alert(1))\n\n# Heading"
    written = answer_markdown(_answer(harm, _cited(1, harm, title=harm)))
    html = MarkdownIt("gfm-like", {"linkify": False}).render(written)
    assert "<img" not in html and "<a " not in html and "<h1" not in html
