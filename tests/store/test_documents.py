from __future__ import annotations

from uuid import uuid4

import pytest

from state.errors import NotFound, StoreMisconfigured
from state.principal import Principal
from store.database import Database
from store.documents import delete_documents, document_text, get_document, list_documents, stored_sources
from store.targets import document_id, ensure_space
from tests.support import Library


async def test_documents_are_listed_with_what_there_is_to_know(
    library: Library, database: Database, local: Principal
) -> None:
    text = "# Pump\n\nÜber pumps 🙂."
    library.write(pump=text)
    await library.read_in("manuals", access=("user:ann", "group:staff"))
    async with database.session(local) as connection:
        [found] = await list_documents(connection)
        assert await get_document(connection, found.id) == found
        assert await list_documents(connection, ["manuals"]) == [found]
        assert await list_documents(connection, ["other"]) == []
        stored = await document_text(connection, found.id)
    assert found.id == document_id("local", "manuals", str(library.folder / "pump.md"))
    assert (found.collection, found.title, found.type, found.version) == ("manuals", "Pump", "md", 1)
    assert (found.size, found.characters, found.chunks) == (len(text.encode()), len(stored), 1)
    assert found.access == ["group:staff", "user:ann", "user:local"]
    assert found.duplicate_of is None


async def test_what_is_not_there_or_not_visible_is_not_found(
    library: Library, database: Database, local: Principal
) -> None:
    library.write(pump="The pump.")
    await library.read_in(access=("user:ann",))
    async with database.session(local) as connection:
        [found] = await list_documents(connection)
        with pytest.raises(NotFound, match="version 2"):
            await document_text(connection, found.id, 2)
        with pytest.raises(NotFound):
            await get_document(connection, uuid4())
    async with database.session(Principal("local", "bob", can_write=True), write=True) as connection:
        with pytest.raises(NotFound):
            await document_text(connection, found.id)
        with pytest.raises(NotFound):
            await get_document(connection, found.id)
        assert await delete_documents(connection, [found.id]) == 0
    async with database.session(local) as connection:
        assert await document_text(connection, found.id, 1) == "The pump."


async def test_deleting_documents_removes_them_and_tells_the_caches(
    library: Library, database: Database, local: Principal
) -> None:
    library.write(one="The first text.", two="Another text.")
    await library.read_in()
    async with database.session(local, write=True) as connection:
        before = await (await connection.execute("select epoch from collections")).fetchone()
        found = await list_documents(connection)
        assert await delete_documents(connection, [found[0].id, uuid4()]) == 1
        after = await (await connection.execute("select epoch from collections")).fetchone()
        assert [row.id for row in await list_documents(connection)] == [found[1].id]
        cursor = await connection.execute("select id from collections")
        row = await cursor.fetchone()
        assert row is not None
        assert set(await stored_sources(connection, row[0])) == {found[1].source}
    assert before is not None and after is not None and after[0] > before[0]


async def test_an_embedding_space_of_other_dimensions_is_refused(database: Database, local: Principal) -> None:
    async with database.session(local, write=True) as connection:
        number = await ensure_space(connection, "model", 8)
        assert await ensure_space(connection, "model", 8) == number
    for dimension in (9, 5000):
        with pytest.raises(StoreMisconfigured, match="dimensions"):
            async with database.session(local, write=True) as connection:
                await ensure_space(connection, "model", dimension)
