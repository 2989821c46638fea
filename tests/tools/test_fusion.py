from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings import Settings
from tools.fusion import RRF_K, Fusion, configured_fusion, fused_order, reciprocal_rank_fusion

rankings = st.dictionaries(st.sampled_from("abc"), st.lists(st.integers(0, 20), unique=True, max_size=15))


def test_the_score_is_the_sum_of_reciprocal_ranks() -> None:
    fused = dict(reciprocal_rank_fusion({"a": ["x", "y"], "b": ["y"]}, k=60))
    assert fused["y"] == pytest.approx(1 / 62 + 1 / 61)
    assert fused["x"] == pytest.approx(1 / 61)


def test_a_weight_of_nothing_leaves_a_ranking_without_say() -> None:
    fused = reciprocal_rank_fusion({"a": ["x", "y"], "b": ["y", "x"]}, weights={"a": 0.0})
    assert [item for item, _ in fused] == ["y", "x"]


@given(rankings)
def test_every_item_appears_once_and_scores_fall(lists: dict[str, list[int]]) -> None:
    fused = reciprocal_rank_fusion(lists)
    assert sorted(item for item, _ in fused) == sorted({item for ranking in lists.values() for item in ranking})
    assert all(one >= other for (_, one), (_, other) in pairwise(fused))


@given(st.lists(st.integers(0, 50), unique=True))
def test_one_ranking_alone_keeps_its_order(ranking: list[int]) -> None:
    assert [item for item, _ in reciprocal_rank_fusion({"only": ranking})] == ranking


@given(rankings, st.integers(1, 100))
def test_an_item_absent_from_a_ranking_gets_nothing_from_it(lists: dict[str, list[int]], k: int) -> None:
    for item, score in reciprocal_rank_fusion(lists, k=k):
        own = sum(1 / (k + ranking.index(item) + 1) for ranking in lists.values() if item in ranking)
        assert score == pytest.approx(own)


@given(rankings)
def test_a_better_rank_never_lowers_a_score(lists: dict[str, list[int]]) -> None:
    for name, ranking in lists.items():
        if len(ranking) > 1:
            before = dict(reciprocal_rank_fusion(lists))[ranking[-1]]
            promoted = {**lists, name: [ranking[-1], *ranking[:-1]]}
            assert dict(reciprocal_rank_fusion(promoted))[ranking[-1]] > before


def test_settings_say_how_rankings_are_fused() -> None:
    plain, told = configured_fusion(Settings()), configured_fusion(Settings(fusion_k=60, fusion_weights={"codes": 0.5}))
    assert (plain.k, plain.weight("lexical"), plain.weight("vector"), plain.weight("codes")) == (RRF_K, 1.0, 1.0, 1.0)
    assert (told.k, told.weight("lexical"), told.weight("codes")) == (60.0, 1.0, 0.5)


def test_codes_count_as_much_as_the_fusion_says() -> None:
    rankings, held = {"lexical": ["alike", "asked"], "vector": ["alike", "asked"]}, {"asked": 1}
    assert fused_order(rankings, held)[0][0] == "asked"
    assert fused_order(rankings, held, fusion=Fusion(weights={"codes": 0.0}))[0][0] == "alike"


def test_a_smaller_constant_makes_first_places_count_more() -> None:
    rankings = {"a": ["first", "both"], "b": ["x", "both"], "c": ["first", "y"]}
    for k, best in ((0.1, "first"), (1000.0, "first")):
        assert fused_order(rankings, {}, fusion=Fusion(k))[0][0] == best
    shares = [dict(reciprocal_rank_fusion(rankings, k=k)) for k in (1.0, 1000.0)]
    assert shares[0]["first"] / shares[0]["both"] > shares[1]["first"] / shares[1]["both"]
