from __future__ import annotations

import asyncio
from uuid import uuid4

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from state.errors import InvalidFilter, NotAuthenticated, NotFound, NotPermitted
from state.principal import Principal
from store.database import Database
from store.embedded import ServerAddress
from store.keys import Keys, _parts

ANN = Principal("local", "ann", can_write=True)


def database_of(conninfo: str) -> str:
    return str(conninfo_to_dict(conninfo)["dbname"])


async def test_a_key_acts_as_its_user_in_its_groups_within_its_scopes(database: Database, local: Principal) -> None:
    keys = Keys(database)
    info, key = await keys.create(local, "Ann's laptop", user="ann", groups=["staff", "crew"], scopes=["ask"])
    assert key.startswith("fn_")
    principal, scopes, key_id = await keys.check(key)
    assert principal == Principal("local", "ann", ("crew", "staff"), can_write=False)
    assert (sorted(scopes), key_id) == (["ask"], info.id)
    _, writing = await keys.create(local, "writer", scopes=["write"])
    assert (await keys.check(writing))[0].can_write


async def test_without_a_user_a_key_acts_as_one_of_its_own_name(database: Database, local: Principal) -> None:
    keys = Keys(database)
    info, key = await keys.create(local, "Open WebUI")
    assert (info.name, info.user, info.groups, info.scopes) == ("Open WebUI", "Open-WebUI", [], ["ask", "write"])
    assert (await keys.check(key))[0] == Principal("local", "Open-WebUI", can_write=True)


async def test_two_tenants_keys_lead_to_their_own_tenants(database: Database, local: Principal) -> None:
    keys = Keys(database)
    _, here = await keys.create(local, "ann")
    _, there = await keys.create(Principal("other", "local", can_write=True), "ann")
    assert [(await keys.check(key))[0].tenant for key in (here, there)] == ["local", "other"]
    assert len(await keys.all(local)) == 1


async def test_a_revoked_key_stops_at_once_and_for_good(database: Database, local: Principal) -> None:
    keys = Keys(database)
    info, key = await keys.create(local, "ann")
    await keys.check(key)
    await keys.revoke(local, info.id)
    with pytest.raises(NotAuthenticated):
        await keys.check(key)
    [listed] = await keys.all(local)
    await keys.revoke(local, info.id)
    [again] = await keys.all(local)
    assert listed.revoked_at is not None
    assert again == listed
    async with database.session(local, write=True) as connection:
        with pytest.raises(psycopg.errors.RaiseException, match="not changed"):
            await connection.execute("update api_keys set revoked_at = null")


async def test_keys_that_are_not_good_are_all_refused_alike(database: Database, local: Principal) -> None:
    keys = Keys(database)
    _, key = await keys.create(local, "ann")
    _, other = await keys.create(local, "bob")
    swapped = key[: 3 + 22] + other[3 + 22 :]  # ann's id, bob's secret
    wrong = ["", "fn_", key[:-1], key + "A", key[:-1] + "é", " " + key, key.upper(), key.replace("fn_", "sk_"), swapped]
    messages = set()
    for one in wrong:
        with pytest.raises(NotAuthenticated) as refused:
            await keys.check(one)
        messages.add(str(refused.value))
        assert one == "" or one == "fn_" or one not in str(refused.value)
    assert len(messages) == 1


@given(st.text(max_size=80) | st.text("fn_ABCabc019-_=\n", min_size=60, max_size=70).map(lambda text: "fn_" + text))
def test_no_text_is_taken_for_a_key_that_it_is_not(text: str) -> None:
    try:
        _, secret = _parts(text)
    except NotAuthenticated:
        return
    assert len(text) == 67
    assert len(secret) == 32


async def test_the_database_holds_no_key_and_not_the_secret(
    database: Database, local: Principal, server: ServerAddress, conninfo: str
) -> None:
    _, key = await Keys(database).create(local, "ann")
    with psycopg.connect(server.conninfo(database_of(conninfo), "postgres")) as owner:
        row = owner.execute("select api_keys::text, encode(hash, 'base64') from api_keys").fetchone()
    assert row is not None
    assert key[30:] not in "".join(row)


async def test_use_is_noted_once_a_minute_and_not_in_what_cannot_be_written(
    database: Database, local: Principal, server: ServerAddress, conninfo: str
) -> None:
    keys = Keys(database)
    info, key = await keys.create(local, "ann")
    assert info.last_used_at is None
    await asyncio.gather(*(keys.check(key) for _ in range(8)))
    [used] = await keys.all(local)
    await keys.check(key)
    assert used.last_used_at is not None
    assert await keys.all(local) == [used]
    name = database_of(conninfo)
    with psycopg.connect(server.conninfo(name, "postgres"), autocommit=True) as owner:
        owner.execute("update api_keys set last_used_at = now() - interval '61 seconds'")
        owner.execute("revoke update on api_keys from footnote_app")
    assert (await keys.check(key))[2] == info.id
    with psycopg.connect(server.conninfo(name, "postgres"), autocommit=True) as owner:
        owner.execute("grant update on api_keys to footnote_app")
    await keys.check(key)
    [later] = await keys.all(local)
    assert later.last_used_at is not None
    assert later.last_used_at > used.last_used_at


async def test_keys_are_seen_and_revoked_by_who_made_them_and_whom_they_act_as(
    database: Database, local: Principal
) -> None:
    keys = Keys(database)
    info, key = await keys.create(local, "laptop", user="ann")
    assert await keys.all(ANN) == [info]
    for stranger in (Principal("local", "bob", can_write=True), Principal("other", "ann", can_write=True)):
        assert await keys.all(stranger) == []
        with pytest.raises(NotFound):
            await keys.revoke(stranger, info.id)
        async with database.session(stranger, write=True) as connection:
            assert (await connection.execute("delete from api_keys")).rowcount == 0
    await keys.check(key)
    await keys.revoke(ANN, info.id)
    with pytest.raises(NotFound):
        await keys.revoke(local, uuid4())


async def test_nobody_makes_a_key_in_anothers_name_or_without_the_right_to_write(
    database: Database, local: Principal
) -> None:
    with pytest.raises(NotPermitted):
        await Keys(database).create(Principal("local", "ann"), "mine")
    for maker, by in ((Principal("local", "ann"), "ann"), (ANN, "local")):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with database.session(maker, write=True) as connection:
                await connection.execute(
                    """insert into api_keys (id, tenant_id, hash, name, user_name, groups, scopes, created_by)
                       values (%s, current_tenant(), '', 'x', 'ann', '{}', '{ask}', %s)""",
                    (uuid4(), by),
                )


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""}, {"name": "a\nb"}, {"name": "x" * 201}, {"name": "a\0"}, {"user": ""}, {"user": "a b"},
        {"user": "a\x1fgroup:staff"}, {"groups": ["a b"]}, {"scopes": []}, {"scopes": ["admin"]},
    ],
)  # fmt: skip
async def test_unusable_names_and_scopes_are_refused(
    database: Database, local: Principal, wrong: dict[str, str]
) -> None:
    options: dict[str, object] = {"name": "ann", **wrong}
    with pytest.raises(InvalidFilter):
        await Keys(database).create(local, **options)  # type: ignore[arg-type]
