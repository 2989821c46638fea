from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.fusion import reciprocal_rank_fusion

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
