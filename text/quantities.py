"""Numbers as amounts: ``1.5 million``, ``1,500,000`` and ``one and a half million`` are written for the same."""

from __future__ import annotations

import regex

from text.tokens import tokens

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8}
_WORDS: dict[str, float] = {
    **{word: value for value, word in enumerate(_UNITS.split())},
    **{word: 10 * value for value, word in enumerate(_TENS.split(), start=2)},
    **_ORDINALS,
    "ninth": 9,
    "tenth": 10,
    "once": 1,
    "twice": 2,
    "dozen": 12,
}
_SCALES = {"hundred": 1e2, "thousand": 1e3, "k": 1e3, "million": 1e6, "mn": 1e6, "billion": 1e9, "bn": 1e9}
_ORDINAL = regex.compile(r"(\d+)(?:st|nd|rd|th)")
_MONTHS = {
    month: number
    for number, names in enumerate(
        (
            "january jan", "february feb", "march", "april apr", "may", "june jun", "july jul", "august aug",
            "september sep sept", "october oct", "november nov", "december dec",
        ),
        start=1,
    )
    for month in names.split()
}  # fmt: skip
_WEEKDAYS = frozenset(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))
_SEASONS = frozenset(("spring", "summer", "autumn", "winter"))


def amounts(text: str) -> frozenset[float]:
    """Return the numbers of a text as amounts, those in words included, each with its scale: ``2 million`` is 2e6.

    "one" is left out, for it is mostly no number. A range or a list gives its members.
    """
    found: list[float] = []
    previous_end, scalable = -1, False
    for token in tokens(text):
        word = token.text
        ordinal = _ORDINAL.fullmatch(word)
        value = float(ordinal[1]) if ordinal else _WORDS.get(word)
        if token.kind == "number":
            value = _number(word)
        joins = scalable and token.start - previous_end <= 1
        if value is not None and joins and found[-1] in range(20, 100, 10) and 0 < value < 10:  # twenty-one
            found[-1] += value
            previous_end = token.end
        elif value is not None and word != "one":
            found.append(value)
            previous_end, scalable = token.end, True
        elif joins and word in _SCALES:
            found[-1] *= _SCALES[word]
            previous_end = token.end
        else:
            scalable = False
    return frozenset(round(value, 6) for value in found)


def _number(form: str) -> float | None:
    try:
        return float(form)
    except ValueError:  # a version or a fraction: not an amount
        return None


def calendar_words(text: str) -> frozenset[str]:
    """Return the months (``m1`` to ``m12``; "may" and "march" only with a capital), weekdays and seasons of a text."""
    found = set()
    for token in tokens(text):
        written = text[token.start : token.end]
        if token.text in _MONTHS and (token.text not in ("may", "march") or written[0].isupper()):
            found.add(f"m{_MONTHS[token.text]}")
        elif (name := token.text.removesuffix("s")) in _WEEKDAYS | _SEASONS:
            found.add(name)
    return frozenset(found)
