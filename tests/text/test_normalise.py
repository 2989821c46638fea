from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text.normalise import clean_text, name_key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Mercury (planet)", "mercury"),
        ("The  C++ – Guide", "the c++ guide"),
        ("(All)", "all"),
        ("ＥＲＲ-404", "err 404"),
        ("f(x) explained", "f x explained"),
        ("…", ""),
    ],
)
def test_names_are_compared_by_their_words(name: str, key: str) -> None:
    assert name_key(name) == key


@given(st.text(max_size=60))
def test_a_key_is_its_own_key(name: str) -> None:
    assert name_key(name_key(name)) == name_key(name)


def test_stored_text_has_plain_newlines_and_no_control_characters() -> None:
    assert clean_text("\ufeffa\r\nb\rc\x00\x85\td\ud800") == "a\nb\nc\n\td\ufffd"


@given(st.text(alphabet=st.characters(), max_size=60))
def test_clean_text_stays_as_it_is_and_can_be_stored(raw: str) -> None:
    text = clean_text(raw)
    assert clean_text(text) == text
    assert "\x00" not in text and text.encode().decode() == text
    assert all(char in "\n\t" or unicodedata.category(char) != "Cc" for char in text)


def test_clean_text_does_not_compose_characters() -> None:
    assert clean_text("e\u0301") == "e\u0301"
