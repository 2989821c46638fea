from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from models.tokenizer import ModelTokenCounter
from state.principal import Principal
from store.database import Database
from store.documents import delete_documents
from store.duplicates import NEAR, signature
from tests.ingest.reader import HashingEmbedder
from tests.support import Library

WORDS = [f"word{number}" for number in range(2_000)]


def _text(seed: int, count: int = 600) -> list[str]:
    return random.Random(seed).choices(WORDS, k=count)


@pytest.fixture
def shelf(database: Database, counter: ModelTokenCounter, local: Principal, tmp_path: Path) -> Library:
    return Library(database, HashingEmbedder(), counter, local, tmp_path / "shelf")


async def _marks(database: Database, principal: Principal) -> dict[str, tuple[str | None, float | None]]:
    """Return each document's original and similarity, by the names of the files."""
    async with database.session(principal) as connection:
        rows = await (
            await connection.execute(
                """select d.source, o.source, d.duplicate_similarity from documents d
                   left join documents o on o.id = d.duplicate_of"""
            )
        ).fetchall()
    return {Path(row[0]).stem: (Path(row[1]).stem if row[1] else None, row[2]) for row in rows}


def test_signatures_estimate_the_share_of_common_shingles() -> None:
    text = _text(1, 2_000)
    changed = text[:1_000] + _text(2, 1_000)  # half of it shared: Jaccard 1/3
    same = np.frombuffer(signature(text), "<u4") == np.frombuffer(signature(changed), "<u4")
    assert len(same) == 64
    assert abs(float(same.mean()) - 1 / 3) < 0.2
    assert signature(text) == signature(list(text))
    assert signature([]) == b""


async def test_copies_are_marked_with_their_original(shelf: Library, database: Database, local: Principal) -> None:
    words = _text(3)
    near = ["changed" if place in (100, 300, 400, 500) else word for place, word in enumerate(words)]
    shelf.write(original=" ".join(words))
    await shelf.read_in()
    shelf.write(copy=" ".join(words), near=" ".join(near), other=" ".join(_text(4)))
    await shelf.read_in()
    marks = await _marks(database, local)
    assert marks["original"] == marks["other"] == (None, None)
    assert marks["copy"] == ("original", 1.0)
    original, similarity = marks["near"]
    assert original == "original"
    assert similarity is not None and NEAR <= similarity < 1


async def test_copies_read_in_together_have_one_original(shelf: Library, database: Database, local: Principal) -> None:
    shelf.write(a=" ".join(_text(5)), b=" ".join(_text(5)), c=" ".join(_text(5)))
    await shelf.read_in()
    assert await _marks(database, local) == {"a": (None, None), "b": ("a", 1.0), "c": ("a", 1.0)}


async def test_documents_without_words_are_no_copies_of_each_other(
    shelf: Library, database: Database, local: Principal
) -> None:
    shelf.write(stars="* * *", dashes="– – –", one="Yes.", two="No.")
    await shelf.read_in()
    assert {mark for mark, _ in (await _marks(database, local)).values()} == {None}


async def test_when_the_original_goes_the_oldest_copy_takes_its_place(
    shelf: Library, database: Database, local: Principal
) -> None:
    for name in ("first", "second", "third"):
        shelf.write(**{name: " ".join(_text(6))})
        await shelf.read_in()
    async with database.session(local, write=True) as connection:
        rows = await (await connection.execute("select id from documents where source like '%first.md'")).fetchall()
        assert await delete_documents(connection, [rows[0][0]]) == 1
    assert await _marks(database, local) == {"second": (None, None), "third": ("second", 1.0)}
    (shelf.folder / "first.md").unlink()
    shelf.write(fourth=" ".join(_text(6)))
    await shelf.read_in()
    assert (await _marks(database, local))["fourth"] == ("second", 1.0)


async def test_when_the_original_changes_its_copies_are_no_longer_its_copies(
    shelf: Library, database: Database, local: Principal
) -> None:
    for name in ("first", "second", "third"):
        shelf.write(**{name: " ".join(_text(7))})
        await shelf.read_in()
    shelf.write(first=" ".join(_text(8)))
    await shelf.read_in()
    assert await _marks(database, local) == {"first": (None, None), "second": (None, None), "third": ("second", 1.0)}


async def test_a_copy_that_changes_is_an_original(shelf: Library, database: Database, local: Principal) -> None:
    shelf.write(a=" ".join(_text(9)), b=" ".join(_text(9)))
    await shelf.read_in()
    shelf.write(b=" ".join(_text(10)), c=" ".join(_text(10)))
    await shelf.read_in()
    assert await _marks(database, local) == {"a": (None, None), "b": (None, None), "c": ("b", 1.0)}
