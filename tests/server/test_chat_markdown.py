"""Answers as Markdown: what documents say is shown as it is, and comes back as it was."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.chat_completions.markdown import footnotes, sentence, unmarked
from state.answer import Said
from tests.server.made import citation, claim

_MARKUP = "\\`*_[](){}<>#+-=.:!|~$&;^\"'\n\t 0123aB/é"


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
