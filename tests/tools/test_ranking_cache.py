from __future__ import annotations

from dataclasses import replace

import pytest

from state.filters import Filters
from state.principal import Principal
from store import lexical
from tests.support import Library
from tools.ranking_cache import RankingCache
from tools.search import Searcher

ANN = Principal("local", "ann")
BOB = Principal("local", "bob")


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many passages were asked for, each time chunks were scored."""
    asked: list[int] = []
    best = lexical.LexicalMatches.best

    def counted(self: lexical.LexicalMatches, n: int) -> list[tuple[int, float]]:
        asked.append(n)
        return best(self, n)

    monkeypatch.setattr(lexical.LexicalMatches, "best", counted)
    return asked


async def test_a_ranking_is_made_once_for_each_set_of_rights_and_state_of_the_collections(
    library: Library, searcher: Searcher, scored: list[int]
) -> None:
    library.write(tank="The tank is emptied in June.", lid="The lid of the tank is red.")
    await library.read_in()
    first = await searcher.rank(ANN, "tank", "lexical", k=5)
    assert await searcher.rank(ANN, "tank", "lexical", k=5) == first
    assert len(first) == 2
    assert len(scored) == 1
    await searcher.rank(BOB, "tank", "lexical", k=5)
    await searcher.rank(ANN, "tank", "lexical", k=5, filters=Filters(types=("md",)))
    await searcher.rank(ANN, "tank", "lexical", k=6)
    assert len(scored) == 4
    assert set(await searcher.rank(ANN, "tank", "vector", k=5)) == set(first)
    assert len(scored) == 4


async def test_it_is_made_again_after_a_change_and_shows_nothing_that_was_revoked(
    library: Library, searcher: Searcher
) -> None:
    library.write(tank="The tank is emptied in June.")
    await library.read_in()
    found = await searcher.rank(ANN, "tank", "lexical", k=5)
    assert len(found) == 1
    library.write(other="The other tank is never emptied.")
    await library.read_in()
    assert len(await searcher.rank(ANN, "tank", "lexical", k=5)) == 2
    await library.read_in(access=("user:bob", "user:local"))
    assert await searcher.rank(ANN, "tank", "lexical", k=5) == []
    assert await searcher.read(ANN, found) == {}


async def test_phrases_hold_in_what_is_ranked(library: Library, searcher: Searcher) -> None:
    library.write(tank="The red tank is empty.", lid="The tank has a red lid.")
    await library.read_in()
    found = await searcher.rank(ANN, '"red tank"', "lexical", k=5)
    assert [passage.title for passage in (await searcher.read(ANN, found)).values()] == ["tank"]


@pytest.mark.parametrize(("most", "made"), [(1, 3), (0, 3), (2, 2)])
async def test_old_rankings_make_room_for_new_ones(
    library: Library, searcher: Searcher, scored: list[int], most: int, made: int
) -> None:
    library.write(tank="The tank is emptied in June.")
    await library.read_in()
    small = replace(searcher, rankings=RankingCache(most=most))
    for question in ("tank", "June", "tank"):
        await small.rank(ANN, question, "lexical", k=5)
    assert len(scored) == made
