from __future__ import annotations

from typing import Any

import pytest

from ui.preferences import Preferences, read_preferences


@pytest.mark.parametrize(
    "kept",
    [None, {}, [], "text", 7, {"preset": "everything"}, {"deadline": -1}, {"sentences": 10**9}, {"mode": "drop table"}],
)
def test_what_a_browser_keeps_is_used_only_if_it_makes_sense(kept: Any) -> None:
    assert read_preferences(kept) == Preferences()


def test_what_is_chosen_is_what_a_run_is_told() -> None:
    kept = {"preset": "minimal", "mode": "lexical", "deadline": 5, "prose": False, "sentences": 5, "new": "unknown"}
    chosen = read_preferences({**kept, "collections": ["hr", "law"]})
    assert (chosen.context.preset, chosen.context.deadline, chosen.context.prose) == ("minimal", 5, False)
    assert chosen.context.sentences == 5
    assert chosen.mode == "lexical"
    assert chosen.filters == ["collection=hr", "collection=law"]


def test_what_is_kept_is_read_again_as_it_was() -> None:
    chosen = Preferences(preset="comprehensive", deadline=2, collections=("a",))
    assert read_preferences(chosen.model_dump(mode="json")) == chosen
