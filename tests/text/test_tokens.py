from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text.tokens import index_terms, phrase_units, query_terms, tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ERR-404", {"err-404", "err", "404"}),
        ("v2.1.3", {"v2.1.3", "2.1.3"}),
        ("$1,234", {"1234"}),
        ("1.234,50", {"1234.5"}),
        ("1'234", {"1234"}),
        ("12.5%", {"12.5"}),
        ("snake_case", {"snake_case", "snake", "case"}),
        ("camelCase", {"camelcase", "camel", "case"}),
        ("HTTPServer", {"httpserver", "http", "server"}),
        ("DNAs", {"dnas", "dna"}),
        ("IL2", {"il2", "il", "2"}),
        ("company’s", {"company"}),
        ("l'homme", {"homme"}),
        ("don't", {"don't"}),
        ("U.S.", {"us"}),
        ("C++", {"c++", "c"}),
        ("AT&T", {"at&t", "at", "t"}),
        ("settings.py", {"settings.py", "settings", "py"}),
        ("a.b@ex.org", {"a.b@ex.org", "a", "b", "ex", "org"}),
        ("https://ex.org/a", {"https://ex.org/a", "https", "ex", "org", "a"}),
        ("state-of-the-art", {"state", "of", "the", "art"}),
        ("日本語", {"日本", "本語"}),
        ("水", {"水"}),
        ("iPhone15の", {"iphone15", "i", "phone", "15", "の"}),
        ("6½", {"6", "1/2"}),
    ],
)
def test_tokens_are_whole_and_in_parts(text: str, expected: set[str]) -> None:
    assert {token.text for token in tokens(text)} == expected


@pytest.mark.parametrize("text", ["1,234", "$1,234", "1234", "1,234.00", "1\u202f234"])
def test_spellings_of_a_number_meet(text: str) -> None:
    assert index_terms(text, "en") == ["1234"]


def test_words_carry_their_language_and_codes_do_not() -> None:
    assert index_terms("Running ERR-404", "en") == ["en:run", "err-404", "en:err", "404"]
    assert index_terms("Running", "") == ["running"]


def test_a_question_reaches_every_language_and_documents_of_none() -> None:
    assert query_terms("running", ["en", "de"]) == [("en:run", "de:running", "running")]


def test_stop_words_are_dropped_in_their_language_only() -> None:
    assert query_terms("die cast", ["en", "de"]) == [("en:die",), ("en:cast", "de:cast", "cast")]


def test_stop_words_of_the_questions_own_language_are_dropped_everywhere() -> None:
    assert query_terms("what is the notice", ["en", "de"]) == [("en:notic", "de:notic", "notice")]


def test_a_question_of_stop_words_keeps_them_and_the_index_has_them() -> None:
    wanted = {term for group in query_terms("to be or not to be", ["en"]) for term in group}
    assert {"en:to", "en:be", "en:or", "en:not"} <= wanted
    assert set(index_terms("To be, or not to be", "en")) <= wanted


def test_capitals_keep_a_word_that_small_letters_drop() -> None:
    assert [group[0] for group in query_terms("who is the IT manager", ["en"])] == ["en:it", "en:manag"]


def test_accents_do_not_part_a_word_unless_they_make_another_letter() -> None:
    assert index_terms("café", "") == index_terms("cafe", "")
    assert index_terms("får", "sv") != index_terms("far", "sv")


@given(st.text(alphabet=st.characters(), max_size=200) | st.from_regex(r"([\w'.,/@:-]{1,20} ?){1,8}", fullmatch=True))
def test_offsets_lie_in_the_text_and_tokens_are_short(text: str) -> None:
    starts = []
    for token in tokens(text):
        assert 0 <= token.start < token.end <= len(text)
        assert 0 < len(token.text) <= 64
        starts.append(token.start)
    assert all(0 < len(term) <= 64 for term in index_terms(text, "en"))


@given(st.text(max_size=100))
def test_a_document_is_found_by_each_of_its_own_words(text: str) -> None:
    indexed = set(index_terms(text, "en"))
    assert all(indexed & set(group) for group in query_terms(text, ["en"]))


@pytest.mark.parametrize("unit", ["a", "a.", "aB1", "_", "日本", "a\u0301", "x/y", "1,"])
def test_long_runs_take_linear_time_and_leave_no_giant_terms(unit: str) -> None:
    started = time.perf_counter()
    assert all(len(term) <= 64 for term in index_terms(unit * 50_000, "en"))
    assert time.perf_counter() - started < 5


def test_units_of_a_phrase_are_the_parts_without_the_whole() -> None:
    assert list(phrase_units("ERR-404 café 日本")) == ["err", "404", "cafe", "日", "本"]
