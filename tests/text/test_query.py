from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text.query import Query, matches_phrase, parse_query


def test_phrases_stay_in_the_text_as_words() -> None:
    assert parse_query('how "exact phrase" works') == Query("how exact phrase works", ("exact phrase",))


def test_typographic_quotes_make_a_phrase() -> None:
    assert parse_query("“one two” and „drei vier“").phrases == ("one two", "drei vier")


def test_words_and_phrases_are_excluded_by_a_minus() -> None:
    assert parse_query('jaguar -car -"big cat"') == Query("jaguar", (), ("car", "big cat"))


@pytest.mark.parametrize(
    "text",
    ["ERR-404 again", "at -5 °C", "use --flag", "a - b", "a — b", 'unbalanced "quote', '5" pipe 6" long', "grep -r x"],
)
def test_what_only_looks_like_an_operator_is_plain_text(text: str) -> None:
    assert parse_query(text) == Query(text)


def test_nothing_but_exclusions_is_read_as_words() -> None:
    assert parse_query("-only -these") == Query("only these")


@given(st.text(max_size=80) | st.text(alphabet="ab1 \"“”-−'.«", max_size=40))
def test_any_text_parses_and_operands_carry_words_but_no_operators(text: str) -> None:
    query = parse_query(text)
    for operand in query.phrases + query.exclusions:
        assert not set(operand) & set('"“”„«»')
        assert matches_phrase(operand, operand)
    assert all(matches_phrase(query.text, phrase) for phrase in query.phrases)


@pytest.mark.parametrize(
    ("text", "phrase", "expected"),
    [
        ("The ERR-404, again", "err 404", True),
        ("annual\n  LEAVE is paid", "Annual leave", True),
        ("the company's rules", "company rules", True),
        ("日本語の本", "本語", True),
        ("the companys", "company", False),
        ("leave annual", "annual leave", False),
        ("anything", "...", False),
    ],
)
def test_phrases_match_whole_words_in_a_row(text: str, phrase: str, expected: bool) -> None:
    assert matches_phrase(text, phrase) is expected
