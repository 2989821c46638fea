from __future__ import annotations

from settings import Settings, variables
from tests.docs.settings import _BY_MACHINE, PAGE, page


def test_the_page_of_settings_says_what_the_settings_are() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m tests.docs.settings`"


def test_every_setting_is_on_the_page_with_what_it_sets() -> None:
    rows = {row.split(" | ")[0]: row for row in page().splitlines() if row.startswith("| `")}
    for name, field in Settings.model_fields.items():
        [row] = [row for cell, row in rows.items() if f"`{variables()[name][0]}`" in cell]
        assert field.description and len(field.description) > 20, name
        assert row.count(" | ") == 3


def test_what_depends_on_the_machine_is_told_in_words() -> None:
    made = {name for name, field in Settings.model_fields.items() if field.default_factory not in (None, dict, list)}
    assert made == set(_BY_MACHINE)
