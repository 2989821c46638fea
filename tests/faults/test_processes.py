"""Processes that are killed, interrupted, started at once or left without a disk: real servers, real commands."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from settings import Settings
from state.errors import StoreUnavailable
from state.principal import Principal
from store import postmaster
from store.cluster import Layout
from store.database import Database, open_database, prepare_embedded
from store.embedded import ServerAddress, ensure_server, release_server
from tests.faults.programs import LINGER, Outcome, footnote, outcome, start, wait_until
from tests.ingest.reader import HashingEmbedder, many_notes, rows_of
from tools.search import Searcher

LOCAL = Principal("local", "local", can_write=True)
NOTES = 20
AS_ROOT = os.geteuid() == 0
ON_LINUX = sys.platform == "linux"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that the server's own user can enter, which pytest's temporary folders are not for root."""
    memory = Path("/dev/shm")  # where there is room in it: a home has a thousand files
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2 * 1024**3
    folder = Path(tempfile.mkdtemp(prefix="fn-", dir=memory if roomy else None)).resolve()
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def fast_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postmaster, "LINGER_SECONDS", LINGER)


@pytest.fixture(scope="module")
def notes(folder: Path) -> Path:
    (folder / "notes").mkdir()
    many_notes(folder / "notes", NOTES)
    return folder / "notes"


@pytest.fixture(scope="module")
def filled(folder: Path, notes: Path) -> Path:
    """A home with the notes read in by two commands at once, which also start its first server at once."""
    home = folder / "home"
    commands = [start(home, "ingest", str(notes), "--json") for _ in range(2)]
    reports = [json.loads(succeeded(outcome(command)).out) for command in commands]
    assert sum(report["indexed"] for report in reports) == NOTES, reports
    assert sum(report["unchanged"] for report in reports) == NOTES, reports
    return home


@pytest.fixture
def home(filled: Path) -> Iterator[Path]:
    yield filled
    release_server(filled)


def succeeded(result: Outcome) -> Outcome:
    assert result.status == 0, result.err
    assert result.err == ""
    return result


def found(home: Path, word: str = "word1") -> list[str]:
    """Return the titles that a new process finds."""
    result = succeeded(footnote(home, "search", word, "--mode", "lexical", "--json"))
    return [hit["title"] for hit in json.loads(result.out)]


def server_pid(home: Path) -> int:
    trace = postmaster.read_trace(Layout(home))
    assert trace is not None
    return trace.pid


def keepers(home: Path) -> list[int]:
    lock = str(Layout(home).keeper_lock)
    return [p.pid for p in psutil.process_iter(["cmdline"]) if lock in (p.info["cmdline"] or [])]


def left_behind(home: Path) -> list[psutil.Process]:
    """Return the living processes that know of a home, Postgres' own included."""
    every = [p for p in psutil.process_iter(["cmdline", "status"]) if p.info["status"] != psutil.STATUS_ZOMBIE]
    known = [p for p in every if any(str(home) in part for part in p.info["cmdline"] or [])]
    return [*known, *postmaster.processes(Layout(home))]


def settings_of(home: Path, timeout: float = 5.0) -> Settings:
    return Settings(home=home, connect_timeout=timeout)


async def answer(database: Database, mode: str = "hybrid") -> int:
    """Return how many documents a search finds; all of them hold the word."""
    hits = await Searcher(database, HashingEmbedder()).search(LOCAL, "next", mode, k=200)  # type: ignore[arg-type]
    return len({hit.passage.document_id for hit in hits})


async def recovered(database: Database, expected: int) -> float:
    """Ask until the answer comes, at most one failure at a time; return the seconds that it took."""
    begun = time.monotonic()
    while True:
        asked = time.monotonic()
        try:
            assert await answer(database) == expected  # whole, or an error
        except StoreUnavailable:
            assert time.monotonic() - asked < 6
            assert time.monotonic() - begun < 30
        else:
            return time.monotonic() - begun


def test_two_commands_at_once_on_a_machine_without_a_server_read_each_document_once(home: Path) -> None:
    assert found(home)[0] == "Note 1"
    listed = json.loads(succeeded(footnote(home, "docs", "list", "--json")).out)
    assert sorted({row["version"] for row in listed}) == [1]
    assert len(listed) == NOTES
    assert len(keepers(home)) <= 1


@pytest.mark.parametrize("victim", ["postmaster", "backend", "keeper", "keeper asked to end", "postmaster and keeper"])
async def test_searching_recovers_by_itself_from_a_kill(home: Path, victim: str) -> None:
    async with open_database(settings_of(home)) as database:
        expected = await answer(database)
        assert expected > 5
        asking = [asyncio.create_task(recovered(database, expected)) for _ in range(4)]
        await asyncio.sleep(0)
        async with database.session(LOCAL) as connection:
            backend = connection.info.backend_pid
        if victim == "backend":
            os.kill(backend, signal.SIGKILL)
        if "keeper" in victim:
            (keeper,) = keepers(home)
            os.kill(keeper, signal.SIGTERM if "asked" in victim else signal.SIGKILL)
        if "postmaster" in victim:
            os.kill(server_pid(home), signal.SIGKILL)
        await asyncio.gather(*asking)
        assert await recovered(database, expected) < 5
    assert found(home)
    assert len(keepers(home)) == 1


@pytest.mark.skipif(not ON_LINUX, reason="elsewhere the next client gives the server a new keeper")
def test_a_server_whose_keeper_is_killed_does_not_stay_for_ever(home: Path) -> None:
    ensure_server(home, timeout=20)
    pid = server_pid(home)
    (keeper,) = keepers(home)
    os.kill(keeper, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(pid), 10)
    assert postmaster.processes(Layout(home)) == []


async def test_a_server_that_stays_away_is_an_error_in_time_and_found_again_at_once(home: Path) -> None:
    """A server of somebody else's: nobody here starts it again."""
    conninfo = prepare_embedded(home, "footnote", "local", timeout=10)
    async with Database(conninfo, pool_size=4, timeout=0.5) as database:
        expected = await answer(database)
        release_server(home)
        assert left_behind(home) == []
        for _ in range(6):  # longer than the pool's patience, so that its attempts become rare
            begun = time.monotonic()
            with pytest.raises(StoreUnavailable, match=r"lost|cannot be used"):
                await answer(database)
            assert time.monotonic() - begun < 2
        ensure_server(home, timeout=20)
        assert await recovered(database, expected) < 5


async def test_ingestion_that_loses_its_server_keeps_what_was_committed(home: Path, notes: Path, folder: Path) -> None:
    command = start(home, "ingest", str(notes), "--collection", "second", "--json", delay=0.3)
    async with open_database(settings_of(home)) as database:
        query = "select count(*) from documents d join collections c on c.id = d.collection_id where c.name = 'second'"
        while not (await rows_of(database, LOCAL, query))[0][0]:
            assert command.poll() is None
            await asyncio.sleep(0.01)
        os.kill(server_pid(home), signal.SIGKILL)
        result = outcome(command)
        if result.status:
            assert "connection to the database was lost" in result.said_in_one_line()
            with suppress(StoreUnavailable):
                await answer(database)
            [(kept,)] = await rows_of(database, LOCAL, query)
            assert 0 < kept < NOTES
            again = json.loads(succeeded(footnote(home, "ingest", str(notes), "--collection", "second", "--json")).out)
            assert (again["indexed"], again["unchanged"]) == (NOTES - kept, kept)
        assert (await rows_of(database, LOCAL, query))[0][0] == NOTES


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("moment", ["postgres.new*/*", "postgres"])
def test_ctrl_c_during_the_first_start_leaves_nothing_half_made(folder: Path, moment: str, times: int) -> None:
    home = folder / f"home-{times}-{len(moment)}"
    command = start(home, "search", "x", "--mode", "lexical")
    wait_until(lambda: list(home.glob(moment)))
    for _ in range(times):
        os.killpg(command.pid, signal.SIGINT)
    result = outcome(command)
    assert result.status in (130, -signal.SIGINT)
    assert "interrupted" in result.said_in_one_line()
    wait_until(lambda: not left_behind(home), 15)
    assert list(home.glob("postgres.new*")) == []
    if (times, moment) == (2, "postgres.new*/*"):
        assert found(home) == []
        release_server(home)


def test_ctrl_c_twice_during_ingestion_is_one_line_and_leaves_no_process(home: Path, notes: Path) -> None:
    command = start(home, "ingest", str(notes), "--collection", "interrupted", delay=0.3)
    wait_until(lambda: '"interrupted"' in footnote(home, "docs", "list", "--json").out)
    for _ in range(2):
        os.killpg(command.pid, signal.SIGINT)
    result = outcome(command)
    assert result.status in (130, -signal.SIGINT)
    assert "what was done so far is kept" in result.said_in_one_line()
    assert result.out == ""
    wait_until(lambda: not left_behind(home), 15)


def test_what_a_killed_first_start_left_is_no_obstacle(folder: Path) -> None:
    home = folder / "home killed"
    command = start(home, "search", "x", "--mode", "lexical")
    wait_until(lambda: list(home.glob("postgres.new*/*")))
    command.kill()  # its initdb goes on writing
    outcome(command)
    assert found(home) == []
    release_server(home)
    assert list(home.glob("postgres.new*")) == []


@pytest.mark.skipif(not ON_LINUX, reason="reads Linux's list of shared memory")
def test_a_killed_server_leaves_no_shared_memory_behind_for_good(home: Path) -> None:
    def segments() -> int:
        return len(Path("/proc/sysvipc/shm").read_text().splitlines())

    ensure_server(home, timeout=20)
    before = segments()
    for _ in range(2):
        os.kill(server_pid(home), signal.SIGKILL)
        ensure_server(home, timeout=20)
    assert segments() <= before


def test_locks_and_a_socket_of_the_dead_are_no_obstacle(home: Path) -> None:
    ensure_server(home, timeout=20)
    remains = {path: path.read_bytes() for path in (home / "postgres").glob("postmaster.*")}
    release_server(home)
    layout = Layout(home)
    owner = layout.data.stat()
    for path, content in remains.items():
        path.write_bytes(content)
        os.chown(path, owner.st_uid, owner.st_gid)
    for path in (layout.start_lock, layout.users_lock, layout.keeper_lock):
        path.write_text("4711")
    for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
        (layout.data / name).write_text("4711\n")
    assert found(home)


def test_a_home_that_is_deleted_meanwhile_is_said_once_and_made_anew_by_the_next(folder: Path) -> None:
    home = folder / "home deleted"

    async def use() -> None:
        async with open_database(settings_of(home, timeout=1.0)) as database:
            pid = server_pid(home)
            home.rename(folder / "elsewhere")  # in one step: the server still writes
            os.kill(pid, signal.SIGKILL)
            with suppress(StoreUnavailable):
                await answer(database)  # may still meet the end of its connection
            with pytest.raises(StoreUnavailable, match=r"home deleted/postgres is gone"):
                await answer(database)

    asyncio.run(use())
    assert found(home) == []
    release_server(home)


def test_two_homes_with_awkward_paths_serve_at_once(folder: Path) -> None:
    homes = [folder / "home of Zoë, «ünïcode»" / ("long" * 30), folder / "home's 100% \\odd"]
    try:
        results = [start(home, "search", "x", "--mode", "lexical") for home in homes]
        for result in results:
            succeeded(outcome(result))
        assert all((home / "postgres").is_dir() for home in homes)  # each with a server of its own, gone by now
    finally:
        traces = [postmaster.read_trace(Layout(home)) for home in homes]
        for home in homes:
            release_server(home)
        for trace in traces:
            if trace and trace.sockets and not trace.sockets.is_relative_to(folder):
                trace.sockets.rmdir()  # the short folder that a long path needs


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of 12 MB, which is too little for a database."""
    disk = folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        disk.rmdir()
        pytest.skip("mounting a small disk needs root")
    disk.chmod(0o711)
    yield disk
    release_server(disk / "home")
    subprocess.run(["umount", "-l", str(disk)], check=True)
    disk.rmdir()


def resize(disk: Path, size: str, *options: str) -> None:
    subprocess.run(["mount", "-o", ",".join(["remount", f"size={size}", *options]), str(disk)], check=True)


@pytest.mark.skipif(not ON_LINUX, reason="makes a small disk as Linux does")
def test_a_full_disk_is_one_line_and_nothing_is_half_written(small_disk: Path, notes: Path, folder: Path) -> None:
    home = small_disk / "home"
    first = footnote(home, "search", "x", "--mode", "lexical")
    assert first.status == 1
    assert "the disk is full, free some space" in first.said_in_one_line()
    assert list(home.glob("postgres*/*")) == []
    resize(small_disk, "200m")
    succeeded(footnote(home, "ingest", str(notes), "--json"))
    bulk = folder / "bulk"
    bulk.mkdir()
    for number in range(4):
        words = " ".join(f"word{number}x{other}" for other in range(6_000))
        (bulk / f"{number}.md").write_text(f"# Bulk {number}\n\nbulky {words}\n")
    ensure_server(home, timeout=20)  # runs on, so that no start needs room of its own
    free = os.statvfs(small_disk)
    with (small_disk / "ballast").open("wb") as ballast:
        os.posix_fallocate(ballast.fileno(), 0, free.f_bavail * free.f_frsize - 1_000_000)
    full = footnote(home, "ingest", str(bulk), "--json")
    assert full.status == 1
    assert "disk of the database is full: free some space" in full.said_in_one_line()
    assert found(home)[0] == "Note 1"  # what is there can be searched on the full disk
    (small_disk / "ballast").unlink()
    listed = json.loads(succeeded(footnote(home, "docs", "list", "--json")).out)
    whole = {row["title"] for row in listed if row["title"].startswith("Bulk")}
    assert set(found(home, "bulky")) == whole
    again = json.loads(succeeded(footnote(home, "ingest", str(bulk), "--json")).out)
    assert (again["indexed"], again["unchanged"]) == (4 - len(whole), len(whole))
    assert set(found(home, "bulky")) == {f"Bulk {number}" for number in range(4)}


@pytest.mark.skipif(not ON_LINUX, reason="makes a small disk as Linux does")
def test_a_home_that_cannot_be_written_is_one_line(small_disk: Path) -> None:
    resize(small_disk, "12m", "ro")
    result = footnote(small_disk / "home", "search", "x")
    assert result.status == 1
    assert "set FOOTNOTE_HOME to a folder you can write" in result.said_in_one_line()
    resize(small_disk, "12m", "rw")


@pytest.fixture
def standby(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServerAddress]:
    """The home's server as a standby, which replays somebody's changes and takes none."""
    monkeypatch.setitem(postmaster.SETTINGS, "wal_level", "replica")
    ensure_server(home, timeout=20)  # writes into the data that they may serve a standby
    release_server(home)
    signal_file = home / "postgres" / "standby.signal"
    signal_file.touch()
    yield ensure_server(home, timeout=20)
    release_server(home)
    signal_file.unlink()


def test_a_standby_can_be_searched_and_refuses_changes_in_one_line(
    home: Path, standby: ServerAddress, notes: Path
) -> None:
    addresses = {
        "DATABASE_URL": f"postgresql://footnote_app@/footnote?host={standby.host}",
        "MIGRATION_DATABASE_URL": f"postgresql://footnote_owner@/footnote?host={standby.host}",
    }
    succeeded(footnote(home, "search", "word1", "--mode", "lexical", environment=addresses))
    refused = footnote(home, "ingest", str(notes), "--json", environment=addresses)
    assert refused.status == 1
    assert "connect to its primary server" in refused.said_in_one_line()
