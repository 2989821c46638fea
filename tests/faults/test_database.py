"""Databases that are wrong, refuse, or fail during a session: through the real command line, or the real pool."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from cli.main import main
from settings import Settings, settings
from state.errors import StoreMisconfigured, StoreUnavailable
from state.principal import Principal
from store.connecting import check_address
from store.database import _SOUND_SECONDS, Database, prepare
from store.embedded import ServerAddress, drop_database
from store.migrate import migrate
from tests.faults.programs import Outcome, footnote
from tests.support import copy_database

PASSWORD = "s3cret-Pass"
RIGHT_PASSWORD = "r1ght-Pass"
LOCKED = "footnote_test_locked"
BYPASSING = "footnote_test_bypassing"
STRANGER = "footnote_test_stranger"
Run = Callable[..., Outcome]


def administer(server: ServerAddress, *statements: str, database: str = "postgres") -> None:
    with psycopg.connect(server.conninfo(database, "postgres"), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@pytest.fixture(scope="module")
def roles(home: Path, server: ServerAddress) -> Iterator[None]:
    """A role that needs its password, one that row-level security does not bind, one that nobody knows."""
    rules = home / "postgres" / "pg_hba.conf"
    sound = rules.read_text()
    rules.write_text(f"local all {LOCKED} scram-sha-256\n{sound}")
    administer(
        server,
        f"create role {LOCKED} login password '{RIGHT_PASSWORD}'",
        f"create role {BYPASSING} login bypassrls",
        f"create role {STRANGER} login",
        "select pg_reload_conf()",
    )
    yield
    rules.write_text(sound)
    administer(server, f"drop role {LOCKED}, {BYPASSING}, {STRANGER}", "select pg_reload_conf()")


@pytest.fixture
def shelf(server: ServerAddress, template: str, roles: None) -> Iterator[str]:
    """A migrated database that the strange roles may connect to."""
    name = f"test_{uuid4().hex[:12]}"
    copy_database(server, template, name)
    administer(
        server,
        f"grant connect on database {name} to footnote_app, {LOCKED}, {BYPASSING}",
        f"revoke all on database {name} from public",
    )
    yield name
    drop_database(server, name)


@pytest.fixture
def bare(server: ServerAddress, template: str) -> Iterator[str]:
    """A database of the owner with nothing in it, pgvector neither; the template stands for the roles."""
    name = f"test_{uuid4().hex[:12]}"
    administer(server, f"create database {name} owner footnote_owner")
    yield name
    drop_database(server, name)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """The command on a database address, and with an owner's where one is given."""

    def command(address: str, *arguments: str, owner: str | None = None) -> Outcome:
        monkeypatch.setenv("DATABASE_URL", address)
        monkeypatch.setenv("FOOTNOTE_CONNECT_TIMEOUT", "1")
        monkeypatch.setenv("FOOTNOTE_ALLOW_DOWNLOAD", "0")
        if owner:
            monkeypatch.setenv("MIGRATION_DATABASE_URL", owner)
        settings.cache_clear()
        monkeypatch.setattr(sys, "argv", ["footnote", *(arguments or ("search", "x", "--mode", "lexical"))])
        capfd.readouterr()
        status = 0
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
        captured = capfd.readouterr()
        assert PASSWORD not in captured.out + captured.err
        return Outcome(status, captured.out, captured.err)

    yield command
    settings.cache_clear()


def url(server: ServerAddress, role: str, database: str, password: str = "", options: str = "") -> str:
    return f"postgresql://{role}{f':{password}' if password else ''}@/{database}?host={server.host}{options}"


UNREADABLE = [
    "", "   ", f"not an address {PASSWORD}", f"mysql://a:{PASSWORD}@host/db", f"postgresql+psycopg://a:{PASSWORD}@host/db",
    f"postgresql://a:{PASSWORD}@host:port/db", f"postgresql://a:{PASSWORD}@[::1/db", f"postgresql://a:{PASSWORD}%zz@host/db",
    f"postgresql://a:x@{PASSWORD}@host/db", f"postgresql://a:{PASSWORD}/x@host/db",
    f"postgresql://a:{PASSWORD}@host/db?pgbouncer=true",
]  # fmt: skip


@pytest.mark.parametrize("address", UNREADABLE[2:])
@pytest.mark.parametrize("variable", ["DATABASE_URL", "MIGRATION_DATABASE_URL"])
def test_an_address_that_cannot_be_read_is_named_by_its_variable(run: Run, variable: str, address: str) -> None:
    sound = "postgresql://app@/db"
    outcome = run(address) if variable == "DATABASE_URL" else run(sound, owner=address)
    assert outcome.status == 1
    assert f"{variable} cannot be read" in outcome.said_in_one_line()


@pytest.mark.parametrize("address", UNREADABLE)
def test_no_traceback_of_an_unreadable_address_holds_the_password(address: str) -> None:
    with pytest.raises(StoreMisconfigured) as caught:
        check_address("DATABASE_URL", address)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value, chain=True))
    assert caught.value.__context__ is None


def test_the_settings_do_not_print_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("DATABASE_URL", "MIGRATION_DATABASE_URL"):
        monkeypatch.setenv(variable, f"postgresql://a:{PASSWORD}@host/db")
    assert PASSWORD not in repr(Settings())


def test_an_unknown_host_is_named(run: Run) -> None:
    outcome = run(f"postgresql://app:{PASSWORD}@nowhere.invalid/db")
    assert outcome.status == 1
    assert "nowhere.invalid" in outcome.said_in_one_line()
    assert "correct the name of the host" in outcome.err


def test_a_refused_port_is_named(run: Run) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))  # taken, and nobody listens
        port = unheard.getsockname()[1]
        outcome = run(f"postgresql://app:{PASSWORD}@127.0.0.1:{port}/db")
    assert outcome.status == 1
    assert f"127.0.0.1:{port}" in outcome.said_in_one_line()
    assert "start the server" in outcome.err


def test_a_server_that_never_answers_is_given_up_in_time(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = time.monotonic()
        outcome = run(f"postgresql://app:{PASSWORD}@127.0.0.1:{silent.getsockname()[1]}/db")
    assert time.monotonic() - begun < 4
    assert outcome.status == 1
    assert "check the host, the port and the network" in outcome.said_in_one_line()


def test_an_unroutable_address_is_given_up_in_time(run: Run) -> None:
    begun = time.monotonic()
    outcome = run("postgresql://app@192.0.2.1/db")  # TEST-NET-1 of RFC 5737: nobody has it
    assert time.monotonic() - begun < 4
    assert outcome.status == 1
    assert "192.0.2.1" in outcome.said_in_one_line()


@pytest.mark.parametrize(
    ("role", "password", "said"),
    [
        (LOCKED, PASSWORD, "password authentication failed"),
        (LOCKED, "", "no password"),
        (LOCKED, RIGHT_PASSWORD, "no rights"),
        ("footnote_test_nobody", "", "does not exist"),
        (STRANGER, "", "let the role connect"),
        ("postgres", "", "row-level security does not bind"),
        ("footnote_owner", "", "row-level security does not bind"),
        (BYPASSING, "", "row-level security does not bind"),
    ],
)
def test_a_role_that_cannot_be_used_is_named(
    run: Run, server: ServerAddress, shelf: str, role: str, password: str, said: str
) -> None:
    outcome = run(url(server, role, shelf, password))
    assert outcome.status == 1
    assert said in outcome.said_in_one_line()
    assert role in outcome.err
    assert RIGHT_PASSWORD not in outcome.err


def test_a_missing_database_is_named(run: Run, server: ServerAddress) -> None:
    outcome = run(url(server, "footnote_app", "nowhere"))
    assert outcome.status == 1
    assert 'database "nowhere" does not exist' in outcome.said_in_one_line()


def test_a_database_without_connections_left_is_named(run: Run, server: ServerAddress, shelf: str) -> None:
    administer(server, f"alter database {shelf} connection limit 0")
    outcome = run(url(server, "footnote_app", shelf))
    assert outcome.status == 1
    assert "too many connections" in outcome.said_in_one_line()


@pytest.mark.parametrize("with_owner", [False, True])
def test_a_server_without_pgvector_is_named(run: Run, server: ServerAddress, bare: str, with_owner: bool) -> None:
    administer(server, f"alter database {bare} set extension_control_path = '/nowhere'")
    owner = url(server, "footnote_owner", bare) if with_owner else None
    outcome = run(url(server, "footnote_app", bare), owner=owner)
    assert outcome.status == 1
    assert "install pgvector 0.8 or newer" in outcome.said_in_one_line()


def test_an_old_pgvector_is_refused_before_anything_is_made(server: ServerAddress, bare: str) -> None:
    administer(
        server,
        "create extension vector",
        "update pg_extension set extversion = '0.7.4' where extname = 'vector'",
        database=bare,
    )
    with pytest.raises(StoreMisconfigured, match=r"has pgvector 0\.7\.4 .*alter extension vector update"):
        migrate(server.conninfo(bare, "footnote_owner"), "footnote_app")


def test_a_database_without_tables_says_who_makes_them(run: Run, server: ServerAddress, bare: str) -> None:
    outcome = run(url(server, "footnote_app", bare))
    assert outcome.status == 1
    assert "no tables of Footnote yet: run once with MIGRATION_DATABASE_URL" in outcome.said_in_one_line()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "insert into schema_migrations (number, name, checksum) values (9999, 'future', '')",
            "install a newer Footnote",
        ),
        ("delete from schema_migrations where number > 1", "older schema than this program: run once with MIGRATION"),
    ],
)
def test_another_schema_is_refused_without_the_owner_too(
    run: Run, server: ServerAddress, shelf: str, change: str, said: str
) -> None:
    administer(server, change, database=shelf)
    outcome = run(url(server, "footnote_app", shelf))
    assert outcome.status == 1
    assert said in outcome.said_in_one_line()


def test_an_owners_address_that_is_not_the_owners_says_so(run: Run, server: ServerAddress, bare: str) -> None:
    administer(server, "create extension vector", database=bare)
    application = url(server, "footnote_app", bare)
    outcome = run(application, owner=application)
    assert outcome.status == 1
    assert "set MIGRATION_DATABASE_URL to its owner" in outcome.said_in_one_line()


def test_a_role_that_is_not_there_cannot_be_migrated_for(run: Run, server: ServerAddress, bare: str) -> None:
    administer(server, "create extension vector", database=bare)
    outcome = run(url(server, "footnote_test_nobody", bare), owner=url(server, "footnote_owner", bare))
    assert outcome.status == 1
    assert 'role "footnote_test_nobody" does not exist' in outcome.said_in_one_line()
    sound = run(url(server, "footnote_app", bare), owner=url(server, "footnote_owner", bare))
    assert sound.status == 0, sound.err  # nothing half-made is in the way


@pytest.mark.parametrize("command", [("search", "x"), ("ask", "what opened?"), ("ingest", "FOLDER"), ("doctor",)])
def test_every_command_says_the_same_in_one_line(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "note.md").write_text("# A note\n\nThe bridge opened in 1932.\n")
    arguments = [str(tmp_path) if word == "FOLDER" else word for word in command]
    outcome = run(f"postgresql://app:{PASSWORD}@127.0.0.1:1/db", *arguments)
    assert outcome.status == 1
    said = outcome.out if command == ("doctor",) else outcome.said_in_one_line()
    assert "The database db at 127.0.0.1:1 as role app cannot be used" in said
    assert "Traceback" not in outcome.out + outcome.err


def test_a_process_of_its_own_says_it_too(home: Path) -> None:
    outcome = footnote(home, "search", "x", environment={"DATABASE_URL": f"postgresql://app:{PASSWORD}@127.0.0.1:1/db"})
    assert outcome.status == 1
    assert "127.0.0.1:1" in outcome.said_in_one_line()
    assert PASSWORD not in outcome.err


async def test_a_wrong_password_is_in_no_log(
    server: ServerAddress, shelf: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "psycopg")
    caplog.set_level(logging.DEBUG, "psycopg.pool")
    administer(server, f"grant select on documents, schema_migrations to {LOCKED}", database=shelf)
    conninfo = make_conninfo(server.conninfo(shelf, LOCKED), password=RIGHT_PASSWORD)
    async with Database(conninfo, timeout=1) as database:
        administer(server, f"alter role {LOCKED} password 'another'")
        try:
            administer(server, f"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{LOCKED}'")
            with pytest.raises(StoreUnavailable, match="password authentication failed") as caught:
                async with database.session(Principal("local", "local")):
                    raise AssertionError("connected")
        finally:
            administer(server, f"alter role {LOCKED} password '{RIGHT_PASSWORD}'")
    assert "error connecting" in caplog.text
    assert RIGHT_PASSWORD not in caplog.text + "".join(traceback.format_exception(caught.value))


async def busy(database: Database, principal: Principal, arrived: asyncio.Barrier) -> int:
    """Hold a connection until all have one; return the number of its server process."""
    async with database.session(principal) as connection:
        await arrived.wait()
        return connection.info.backend_pid


async def test_a_pool_whose_connections_all_died_answers_the_next_call(
    database: Database, server: ServerAddress, conninfo: str, local: Principal
) -> None:
    together = asyncio.Barrier(4)
    backends = await asyncio.gather(*(busy(database, local, together) for _ in range(4)))
    assert len(set(backends)) == 4
    name = conninfo_to_dict(conninfo)["dbname"]
    administer(server, f"select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '{name}'")
    await asyncio.sleep(_SOUND_SECONDS)  # until then a call may meet the loss, as one during a session does
    begun = time.monotonic()
    renewed = await asyncio.gather(*(busy(database, local, asyncio.Barrier(1)) for _ in range(8)))
    assert time.monotonic() - begun < 2
    assert not set(renewed) & set(backends)


async def test_a_connection_lost_during_a_session_is_one_named_error(
    database: Database, server: ServerAddress, local: Principal
) -> None:
    async def ask() -> None:
        async with database.session(local) as connection:
            administer(server, f"select pg_terminate_backend({connection.info.backend_pid}, 5000)")
            await connection.execute("select count(*) from documents")

    with pytest.raises(StoreUnavailable, match="connection to the database was lost"):
        await ask()
    async with database.session(local) as connection:
        assert await (await connection.execute("select count(*) from documents")).fetchone() == (0,)


async def test_a_cancelled_query_is_told_as_such(database: Database, server: ServerAddress, local: Principal) -> None:
    async def ask() -> None:
        async with database.session(local) as connection:
            await connection.execute("set local statement_timeout = 20")
            await connection.execute("select pg_sleep(30)")

    with pytest.raises(StoreUnavailable, match=r"gave up a query .*statement timeout"):
        await ask()
    async with database.session(local) as connection:
        assert await (await connection.execute("show statement_timeout")).fetchone() == ("0",)


async def test_a_deadlock_is_told_as_such(database: Database, server: ServerAddress, local: Principal) -> None:
    together = asyncio.Barrier(2)

    async def lock(*keys: int) -> None:
        async with database.session(local, write=True) as connection:
            await connection.execute("select pg_advisory_xact_lock(%s)", (keys[0],))
            await together.wait()
            await connection.execute("select pg_advisory_xact_lock(%s)", (keys[1],))

    results = await asyncio.gather(lock(1, 2), lock(2, 1), return_exceptions=True)
    (failure,) = [result for result in results if result is not None]
    assert isinstance(failure, StoreUnavailable)
    assert "deadlock" in str(failure)


async def test_a_process_with_all_its_connections_in_use_says_so(conninfo: str, local: Principal) -> None:
    async with Database(conninfo, pool_size=1, timeout=0.2) as database, database.session(local):
        with pytest.raises(StoreUnavailable, match="FOOTNOTE_POOL_SIZE"):
            async with database.session(local):
                raise AssertionError("there was a second connection")


def test_opening_a_database_that_exists_writes_nothing(server: ServerAddress, conninfo: str, home: Path) -> None:
    """So that what is there can be read when the disk is full."""
    name = str(conninfo_to_dict(conninfo)["dbname"])
    configuration = Settings(home=home, database_name=name)
    prepare(configuration)
    administer(server, f"alter database {name} set default_transaction_read_only = on")
    prepare(configuration)


async def test_a_lost_connection_costs_one_session_and_not_those_after_it(
    database: Database, local: Principal, server: ServerAddress, conninfo: str
) -> None:
    both = asyncio.Barrier(2)

    async def at_once() -> None:
        async with database.session(local):
            await both.wait()

    await asyncio.gather(at_once(), at_once())  # two connections, used just now
    name = str(conninfo_to_dict(conninfo)["dbname"])
    administer(
        server,
        f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}' and usename = 'footnote_app'",
    )
    outcomes = []
    for _ in range(4):
        try:
            async with database.session(local) as connection:
                await connection.execute("select 1")
            outcomes.append("answered")
        except StoreUnavailable:
            outcomes.append("lost")
    assert outcomes.count("lost") <= 1 and outcomes[1:] == ["answered"] * 3
