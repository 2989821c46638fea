from __future__ import annotations

import pytest

from text.opposites import opposites, spelled_pairs
from text.quantities import amounts, calendar_words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1.5 million", {1_500_000}),
        ("1,500,000", {1_500_000}),
        ("$1,234.50 and 5 %", {1234.5, 5}),
        ("twenty-one people", {21}),
        ("two hundred pumps", {200}),
        ("3 to 5 dozen", {3, 5, 12}),
        ("the 3rd of May", {3}),
        ("the third time", {3}),
        ("one of them", set()),
        ("v2.1.3", set()),
        ("12-15", {12, 15}),
    ],
)
def test_numbers_are_the_same_however_they_are_written(text: str, found: set[float]) -> None:
    assert amounts(text) == found


def test_months_weekdays_and_seasons_are_told_from_other_words() -> None:
    assert calendar_words("May 3, he may come on Mondays in Sept") == {"m5", "monday", "m9"}
    assert calendar_words("January") == calendar_words("Jan.")
    assert calendar_words("every spring, not in autumn") == {"spring", "autumn"}


def test_opposites_go_both_ways() -> None:
    assert "decreas" in opposites("increas") and "increas" in opposites("decreas")
    assert "abl" not in opposites("able")
    assert all(one != other for one, other in spelled_pairs())
