from __future__ import annotations

import hashlib
from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from state.principal import Principal
from store.database import Database
from store.documents import delete_documents, list_documents
from store.embedded import ServerAddress
from store.originals import has_original, keep_original, original_of, stored_page
from tests.support import Library
from tools.document_access import set_document_access

ANN = Principal("local", "ann", can_write=True)
TEXT = "The tank is emptied in June."
HASH = hashlib.sha256(TEXT.encode()).digest()


@pytest.fixture
async def tank(library: Library, database: Database, local: Principal) -> UUID:
    """A document for everyone, with its original."""
    library.write(tank=TEXT)
    await library.read_in()
    async with database.session(local, write=True) as connection:
        [document] = await list_documents(connection)
        assert await keep_original(connection, document.id, HASH, TEXT.encode())
    return document.id


async def read(database: Database, principal: Principal, document: UUID, version: int = 1) -> bytes | None:
    async with database.session(principal) as connection:
        return await original_of(connection, document, version)


async def test_an_original_is_readable_exactly_where_its_document_is(
    database: Database, local: Principal, tank: UUID
) -> None:
    assert await read(database, ANN, tank) == TEXT.encode()
    assert await read(database, Principal("other", "ann"), tank) is None
    await set_document_access(database, local, tank, ["group:crew"])
    assert await read(database, ANN, tank) is None
    assert await read(database, Principal("local", "ann", ("crew",)), tank) == TEXT.encode()
    async with database.session(ANN, write=True) as connection:
        assert not await has_original(connection, tank, HASH)
        assert (await connection.execute("delete from originals")).rowcount == 0


async def test_an_original_goes_with_its_document_in_the_same_transaction(
    database: Database, local: Principal, tank: UUID, server: ServerAddress, conninfo: str
) -> None:
    async with database.session(local, write=True) as connection:
        await delete_documents(connection, [tank])
        assert await original_of(connection, tank, 1) is None
        raise psycopg.Rollback
    assert await read(database, local, tank) is not None
    async with database.session(local, write=True) as connection:
        await delete_documents(connection, [tank])
    with psycopg.connect(server.conninfo(str(conninfo_to_dict(conninfo)["dbname"]), "postgres")) as owner:
        assert owner.execute("select count(*) from originals").fetchone() == (0,)


async def test_only_the_bytes_that_a_version_was_read_from_are_its_original(
    library: Library, database: Database, local: Principal, tank: UUID
) -> None:
    library.write(tank="The tank is emptied in July.")
    await library.read_in()
    async with database.session(local, write=True) as connection:
        assert not await keep_original(connection, tank, HASH, TEXT.encode())
        assert not await has_original(connection, tank, HASH)
        assert await original_of(connection, tank, 1) == TEXT.encode()  # as long as the text of that version
        assert await original_of(connection, tank, 2) is None


async def test_who_may_not_write_keeps_no_original(database: Database, tank: UUID) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with database.session(Principal("local", "ann"), write=True) as connection:
            await connection.execute("insert into originals values (%s, 1, 'x')", (tank,))


async def test_a_document_without_pages_has_none(database: Database, local: Principal, tank: UUID) -> None:
    async with database.session(local) as connection:
        assert await stored_page(connection, tank, 1, 0) is None
