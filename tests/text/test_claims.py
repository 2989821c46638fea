from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.documents import Span
from text.claims import as_sentence, parse_marks, split_claims, without_yes_or_no


@pytest.mark.parametrize(
    ("written", "text", "numbers"),
    [
        ("It opened in 1932 [1].", "It opened in 1932.", {1}),
        ("It opened in 1932. [1][3]", "It opened in 1932.", {1, 3}),
        ("It opened in 1932 [1, 3].", "It opened in 1932.", {1, 3}),
        ("It opened in 1932 [1-3].", "It opened in 1932.", {1, 2, 3}),
        ("It opened in 1932 [1–2; 4].", "It opened in 1932.", {1, 2, 4}),
        ("It opened in 1932【2†source】.", "It opened in 1932.", {2}),
        ("It opened in 1932 [source 2, source 3].", "It opened in 1932.", {2, 3}),
        ("It opened in 1932 [^2].", "It opened in 1932.", {2}),
        ("It opened in 1932 [2.", "It opened in 1932.", {2}),
        ("[4] It opened in 1932.", "It opened in 1932.", {4}),
    ],
)
def test_marks_are_read_in_every_form_and_leave_a_clean_sentence(written: str, text: str, numbers: set[int]) -> None:
    marked = parse_marks(written, known=5)
    assert marked.text == text
    assert set(marked.numbers()) == numbers


def test_numbers_of_passages_that_do_not_exist_are_removed() -> None:
    marked = parse_marks("It opened in 1932 [7]. Tolls ended [0, 2, 99].", known=3)
    assert marked.text == "It opened in 1932. Tolls ended."
    assert marked.numbers() == {2}


@pytest.mark.parametrize("text", ["See [2019] and [sic].", "An interval [0.5, 1.5].", "A (1) and a [x]."])
def test_what_stands_in_brackets_and_is_no_mark_stays(text: str) -> None:
    assert parse_marks(text, known=5).text == text


@given(st.text(max_size=200), st.integers(0, 9))
def test_no_text_breaks_the_parser_and_every_number_is_known(text: str, known: int) -> None:
    marked = parse_marks(text, known)
    assert all(1 <= number <= known for number in marked.numbers())
    assert all(0 <= mark.at <= len(marked.text) for mark in marked.marks)


def test_each_clause_has_its_own_marks() -> None:
    marked = parse_marks("It opened in 1932 [1], and tolls ended in 1988 [2].", known=3)
    spans = split_claims(marked.text)
    assert [marked.text[span.start : span.end] for span in spans] == ["It opened in 1932", "tolls ended in 1988."]
    assert [marked.numbers(span) for span in spans] == [{1}, {2}]


@pytest.mark.parametrize(
    ("sentence", "clauses"),
    [
        ("Apples, oranges, and pears are sold.", ["Apples, oranges, and pears are sold."]),
        ("The shop is open daily; refunds take two weeks.", ["The shop is open daily", "refunds take two weeks."]),
        ("Ann was born in Rome but she moved to Paris.", ["Ann was born in Rome", "she moved to Paris."]),
        ("It is red and blue.", ["It is red and blue."]),
        ("", []),
    ],
)
def test_a_sentence_is_cut_where_both_sides_can_be_true_by_themselves(sentence: str, clauses: list[str]) -> None:
    assert [sentence[start:end] for start, end in split_claims(sentence)] == clauses


@given(st.text(alphabet="abc ,;.and but isw", max_size=120))
def test_clauses_are_in_order_and_leave_out_only_joints(sentence: str) -> None:
    spans = split_claims(sentence)
    assert all(one.end <= other.start for one, other in pairwise(spans))
    assert all(isinstance(span, Span) and span.start < span.end <= len(sentence) for span in spans)


def test_a_clause_becomes_a_sentence() -> None:
    assert as_sentence("it was closed in 1988, ") == "It was closed in 1988."
    assert as_sentence("Really?") == "Really?"
    assert as_sentence(" ; ") == ""


@pytest.mark.parametrize(
    ("clause", "claim"),
    [
        ("Yes, the bridge opened in 1932.", "the bridge opened in 1932."),
        ("No – it is closed", "it is closed"),
        ("Nein: sie ist zu.", "sie ist zu."),
        ("No bridge opened in 1932.", "No bridge opened in 1932."),
        ("Yes.", "Yes."),
        ("It said yes, and left.", "It said yes, and left."),
    ],
)
def test_what_is_claimed_after_yes_or_no_stands_alone(clause: str, claim: str) -> None:
    assert without_yes_or_no(clause) == claim
