"""Answers as Markdown: what documents say is shown as it is, and comes back as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from server.chat_completions.markdown import escaped, footnotes, sentence, unmarked
from state.answer import Said
from tests.server.made import citation, claim

_MARKUP = "\\`*_[](){}<>#+-=.:!|~$&;^\"'\n\t 0123aB/é"
_texts = st.text(st.sampled_from(_MARKUP), min_size=1, max_size=60) | st.text(max_size=40)


def _inline(text: str) -> list[Token]:
    renderer = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    return [token for block in renderer.parse(text) for token in (block.children or [block])]


@given(_texts.map(lambda text: " ".join(text.splitlines())))
def test_no_text_is_markup(text: str) -> None:
    tokens = _inline(escaped(f"Said: {text}"))
    assert {token.type for token in tokens} <= {"paragraph_open", "paragraph_close", "text"}


@given(_texts)
def test_no_line_begins_a_block(text: str) -> None:
    tokens = _inline(escaped(text))
    assert {token.type for token in tokens} <= {"paragraph_open", "paragraph_close", "text", "softbreak", "hardbreak"}


@given(st.text(st.sampled_from(_MARKUP.replace("\n", "").replace("\t", "")), max_size=40))
def test_what_is_shown_is_what_was_said(text: str) -> None:
    shown = "".join(token.content for token in _inline(escaped(f"x{text}x")))
    assert shown == f"x{text}x"


@given(st.text(st.sampled_from(_MARKUP.replace("\n", "").replace("\t", "").replace("\\", "")), max_size=40))
def test_history_loses_footnotes_and_nothing_else(text: str) -> None:
    made = claim(f"x{text}x", citation(1, "A quote. [^2]: not a note"), citation(2, "Another."))
    content = sentence(Said(text="", claim=made)) + footnotes(made.citations)
    assert unmarked(content) == f"x{text}x"


def test_a_footnote_is_one_line_and_is_given_once() -> None:
    one = citation(1, "First line.\n\n[^2]: a made-up note\n# and a heading", title="A *bold* title", page=3)
    assert footnotes([one, one]) == (
        "\n\n[^1]: A \\*bold\\* title, page 3: “First line. \\[^2\\]: a made-up note # and a heading”"
    )
    assert footnotes([]) == ""


@pytest.mark.parametrize(
    "plain", ["27 days of leave.", "ERR_404 and snake_case", "a-b (c) 1.5 & more", "https://example.org/a_b?c=d"]
)
def test_ordinary_text_stays_as_it_is(plain: str) -> None:
    assert escaped(plain) == plain
