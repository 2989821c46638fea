from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from text.sentences import sentences


def split(text: str, language: str = "en") -> list[str]:
    return [text[start:end] for start, end in sentences(text, language)]


@pytest.mark.parametrize(
    "sentence",
    [
        "See No. 5 and Fig. 3, e.g. this one.",
        "Dr. Smith left the U.S. economy alone.",
        "Eq. 3 and Vol. 2 say 3.14.",
        "It is 3.14 in v2.1.3.",
        "Node.js and a.Next are names.",
        '"Stop!" he said.',
        "6½ sacks.",
        "1. Foo comes first.",
        "A single\nnewline here.",
    ],
)
def test_what_is_one_sentence_stays_one(sentence: str) -> None:
    assert split(f"{sentence} Then another.") == [sentence, "Then another."]


def test_a_blank_line_ends_a_sentence() -> None:
    assert split("A heading\n \nA text") == ["A heading", "A text"]


def test_list_items_stand_alone() -> None:
    assert split("1. Foo bar\n2. Baz qux") == ["1. Foo bar", "2. Baz qux"]


def test_the_language_decides_about_abbreviations() -> None:
    assert split("Dr. Müller kam am 5. Mai 2020. Ende.", "de") == ["Dr. Müller kam am 5. Mai 2020.", "Ende."]


def test_scripts_without_spaces_and_characters_beyond_the_first_plane_are_cut_in_place() -> None:
    assert split("😀 第一句。𝒳第二句！", "zh") == ["😀 第一句。", "𝒳第二句！"]


def test_an_open_quotation_does_not_swallow_the_text() -> None:
    assert len(split('He said "' + "This is a sentence of some length. " * 40)) == 40


def test_a_text_without_a_full_stop_is_cut_between_words() -> None:
    found = split("word " * 20_000)
    assert max(map(len, found)) <= 1000
    assert set(" ".join(found).split()) == {"word"}


@given(
    st.text(alphabet=st.sampled_from("aB1.!?\"'“”()[] \n\t。éあ😀-"), max_size=120) | st.text(max_size=80),
    st.sampled_from(["en", "de", "ja", ""]),
)
def test_spans_are_ordered_trimmed_and_cover_all_that_is_not_white(text: str, language: str) -> None:
    end = 0
    for span in sentences(text, language):
        assert not text[end : span.start].strip()
        piece = text[span.start : span.end]
        assert piece and piece == piece.strip()
        end = span.end
    assert not text[end:].strip()
