from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from text.languages import detect_language, stemmer_for, stop_words


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The policy covers all employees who work remotely for the company.", "en"),
        ("Der Vertrag endet am Ende des Monats, in dem er gekündigt wurde.", "de"),
        ("Le contrat prend fin à la fin du mois.", "fr"),
        ("合同在月底到期", "zh"),
        ("العقد ينتهي في نهاية الشهر", "ar"),
    ],
)
def test_languages_are_detected(text: str, language: str) -> None:
    assert detect_language(text) == language


@pytest.mark.parametrize("text", ["", "hi there", "ERR-404 X-12 v2.1 8871", "aGVsbG8gd29ybGQgdGhpcyBpcyBhIHRlc3Q="])
def test_too_little_or_no_language_is_unknown(text: str) -> None:
    assert detect_language(text) == ""


def test_stemmers_work_in_many_threads_at_once() -> None:
    stem = stemmer_for("en")
    assert stem is not None
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(stem, ["running"] * 400)) == {"run"}


def test_unknown_languages_have_neither_stemmer_nor_stop_words() -> None:
    assert stemmer_for("") is None and stemmer_for("ja") is None
    assert stop_words("") == frozenset()


def test_stop_words_differ_by_language_and_spare_words_of_content() -> None:
    assert "the" in stop_words("en") and "der" in stop_words("de") and "the" not in stop_words("de")
    assert not stop_words("en") & {"system", "order", "number", "case", "computer"}
