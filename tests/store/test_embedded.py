from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from state.errors import StoreMisconfigured, StoreUnavailable
from store import cluster, postmaster
from store.cluster import Layout
from store.embedded import ServerAddress, bootstrap, drop_database, ensure_server, release_server
from store.locks import is_free

LINGER = 0.2
ROOT = Path(__file__).parents[2]
AS_ROOT = os.geteuid() == 0

CLIENT = f"""
import sys
from pathlib import Path
from store import embedded, postmaster
postmaster.LINGER_SECONDS = {LINGER}
postmaster.SETTINGS["fsync"] = "off"
home = Path(sys.argv[1])
address = embedded.ensure_server(home, timeout=20)
if len(sys.argv) > 2:
    embedded.bootstrap(address, sys.argv[2])
print(postmaster.read_trace(embedded.Layout(home)).pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that the server's own user can enter, which pytest's temporary folders are not for root."""
    folder = Path(tempfile.mkdtemp(prefix="fn-")).resolve()
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def fast_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postmaster, "LINGER_SECONDS", LINGER)


@pytest.fixture
def home(folder: Path) -> Iterator[Path]:
    """One home for all tests, so that the data are made once; its server is stopped after each."""
    yield folder / "home"
    release_server(folder / "home")


@pytest.fixture
def client() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start processes that use the server until their input ends."""
    started: list[subprocess.Popen[str]] = []

    def start(home: Path, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", CLIENT, str(home), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def server_pid(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def postmaster_pid(home: Path) -> int:
    trace = postmaster.read_trace(Layout(home))
    assert trace is not None
    return trace.pid


def keeper_pid(home: Path) -> int:
    keepers = [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if str(Layout(home).keeper_lock) in (process.info["cmdline"] or [])
    ]
    assert len(keepers) == 1
    return keepers[0]


def wait_until(condition: Callable[[], bool], seconds: float = 8.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def ask(address: ServerAddress, query: str, database: str = "postgres", user: str = "postgres") -> list[object]:
    with psycopg.connect(address.conninfo(database, user), autocommit=True) as connection:
        return [row[0] for row in connection.execute(query.encode())]


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_server_answers_to_its_own_machine_user_only(home: Path) -> None:
    address = ensure_server(home, timeout=20)
    assert mode(home / "postgres") == 0o700
    assert address.host == str(home / "postgres")
    assert mode(home / "postgres" / ".s.PGSQL.5432") == 0o700
    assert ask(address, "show listen_addresses") == [""]
    families = {connection.family.name for connection in psutil.Process(postmaster_pid(home)).net_connections("all")}
    assert families <= {"AF_UNIX"}
    assert psutil.Process(postmaster_pid(home)).uids().real != 0


def test_text_is_sorted_alike_on_every_machine(home: Path) -> None:
    address = ensure_server(home, timeout=20)
    assert ask(address, "select distinct datlocprovider::text || datlocale from pg_database") == ["bC.UTF-8"]
    assert ask(address, "show server_encoding") == ["UTF8"]


def test_a_second_call_finds_the_running_server(home: Path) -> None:
    first = ensure_server(home, timeout=20)
    pid = postmaster_pid(home)
    assert ensure_server(home, timeout=20) == first
    assert postmaster_pid(home) == pid


def test_two_processes_at_once_start_one_server(home: Path, client: Callable[..., subprocess.Popen[str]]) -> None:
    pids = {server_pid(process) for process in [client(home), client(home)]}
    assert len(pids) == 1
    assert {process.ppid() for process in postmaster.processes(Layout(home))} == {keeper_pid(home), *pids}


def test_a_killed_server_is_started_again_with_its_data(home: Path) -> None:
    address = ensure_server(home, timeout=20)
    with psycopg.connect(address.conninfo("postgres", "postgres"), autocommit=True) as connection:
        connection.execute("create table kept as select 7 as n")
    killed = postmaster_pid(home)
    os.kill(killed, signal.SIGKILL)
    address = ensure_server(home, timeout=20)
    assert postmaster_pid(home) != killed
    assert ask(address, "select n from kept") == [7]


def test_a_killed_server_with_a_busy_backend_is_started_again(home: Path) -> None:
    address = ensure_server(home, timeout=20)
    with psycopg.connect(address.conninfo("postgres", "postgres"), autocommit=True) as connection:
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        os.kill(postmaster_pid(home), signal.SIGKILL)
        assert ask(ensure_server(home, timeout=20), "select 1") == [1]
        assert not psutil.pid_exists(backend) or psutil.Process(backend).status() == psutil.STATUS_ZOMBIE


def test_a_trace_that_names_another_living_process_does_not_block(home: Path) -> None:
    ensure_server(home, timeout=20)
    trace = home / "postgres" / "postmaster.pid"
    remains = trace.read_text()
    release_server(home)
    owner = (home / "postgres").stat()
    trace.write_text(remains.replace(remains.splitlines()[0], str(os.getppid()), 1))
    os.chown(trace, owner.st_uid, owner.st_gid)
    assert ask(ensure_server(home, timeout=20), "select 1") == [1]


def test_the_server_ends_after_its_last_user(home: Path, client: Callable[..., subprocess.Popen[str]]) -> None:
    process = client(home)
    pid = server_pid(process)
    process.communicate()
    assert wait_until(lambda: not psutil.pid_exists(pid))
    assert wait_until(lambda: is_free(Layout(home).keeper_lock))
    assert postmaster.read_trace(Layout(home)) is None


def test_a_killed_user_neither_stops_nor_keeps_the_server(
    home: Path, client: Callable[..., subprocess.Popen[str]]
) -> None:
    killed, other = client(home), client(home)
    pid = server_pid(killed)
    server_pid(other)
    killed.kill()
    killed.wait()
    assert not wait_until(lambda: not psutil.pid_exists(pid), seconds=4 * LINGER)
    other.kill()
    assert wait_until(lambda: not psutil.pid_exists(pid))


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_the_next_client_of_a_killed_keeper_gets_a_server_with_a_keeper(
    home: Path, client: Callable[..., subprocess.Popen[str]], sent: signal.Signals
) -> None:
    first = client(home)
    server_pid(first)
    killed = keeper_pid(home)
    os.kill(killed, sent)
    second = client(home)
    pid = server_pid(second)
    assert wait_until(lambda: not psutil.pid_exists(killed))
    assert ask(ensure_server(home, timeout=20), "select 1") == [1]
    assert keeper_pid(home) != killed
    for process in (first, second):
        process.communicate()
    release_server(home)
    assert wait_until(lambda: not psutil.pid_exists(pid))


def test_releasing_stops_the_server_unless_another_process_uses_it(
    home: Path, client: Callable[..., subprocess.Popen[str]]
) -> None:
    process = client(home)
    pid = server_pid(process)
    ensure_server(home, timeout=20)
    release_server(home)
    assert psutil.pid_exists(pid)
    process.kill()
    process.wait()
    release_server(home)
    assert postmaster.processes(Layout(home)) == []


def test_a_server_that_does_not_answer_is_reported_in_time(home: Path) -> None:
    ensure_server(home, timeout=20)
    frozen = postmaster_pid(home)
    os.kill(frozen, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        with pytest.raises(StoreUnavailable, match="does not answer"):
            ensure_server(home, timeout=2)
        assert time.monotonic() - begun < 4
    finally:
        os.kill(frozen, signal.SIGCONT)


def test_a_failed_start_names_the_log_and_the_reason(home: Path) -> None:
    ensure_server(home, timeout=20)
    release_server(home)
    configuration = home / "postgres" / "postgresql.conf"
    sound = configuration.read_text()
    configuration.write_text(sound + "\nnonsense = 1\n")
    try:
        with pytest.raises(StoreUnavailable, match=r"postgres\.log\): .*errors"):
            ensure_server(home, timeout=20)
    finally:
        configuration.write_text(sound)


def test_data_of_another_version_are_refused(home: Path) -> None:
    ensure_server(home, timeout=20)
    release_server(home)
    version = home / "postgres" / "PG_VERSION"
    version.write_text("16\n")
    try:
        with pytest.raises(StoreMisconfigured, match=r"PostgreSQL 16 .* FOOTNOTE_HOME"):
            ensure_server(home, timeout=20)
    finally:
        version.write_text(f"{cluster.MAJOR_VERSION}\n")


def test_a_long_path_gets_a_short_private_socket_folder(home: Path, folder: Path) -> None:
    ensure_server(home, timeout=20)
    release_server(home)
    deep = folder / ("long" * 20) / "with, a comma"
    deep.mkdir(parents=True, mode=0o711)
    shutil.move(home / "postgres", deep / "postgres")
    try:
        address = ensure_server(deep, timeout=20)
        assert ask(address, "select 1") == [1]
        assert len(address.host) < 60
        assert mode(Path(address.host)) == 0o700
        release_server(deep)
        Path(address.host).rmdir()
        Path(address.host).mkdir(mode=0o755)
        with pytest.raises(StoreMisconfigured, match="not private"):
            ensure_server(deep, timeout=20)
        Path(address.host).rmdir()
    finally:
        release_server(deep)
        shutil.move(deep / "postgres", home / "postgres")


def test_a_home_that_cannot_be_made_names_the_setting(folder: Path) -> None:
    (folder / "file").touch()
    with pytest.raises(StoreMisconfigured, match="FOOTNOTE_HOME"):
        ensure_server(folder / "file" / "home", timeout=5)


@pytest.mark.skipif(not AS_ROOT, reason="only root's server runs as another user")
def test_a_home_out_of_the_servers_reach_is_refused_and_not_opened_up(folder: Path) -> None:
    (folder / "private").mkdir(mode=0o700)
    with pytest.raises(StoreMisconfigured, match=r"cannot enter .* FOOTNOTE_HOME"):
        ensure_server(folder / "private" / "home", timeout=5)
    assert mode(folder / "private") == 0o700


@pytest.mark.skipif(not AS_ROOT, reason="only root's server runs as another user")
def test_programs_out_of_the_servers_reach_are_copied(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_can_run", lambda account, installation: False)
    address = ensure_server(home, timeout=20)
    assert ask(address, "select 1") == [1]
    assert Path(psutil.Process(postmaster_pid(home)).exe()).is_relative_to(home)


def test_the_explanation_of_a_full_disk_says_so() -> None:
    output = "LOG: x\nFATAL:  could not write to file: No space left on device\n"
    assert cluster.explain("It failed", output) == "It failed: the disk is full, free some space and try again."


def test_the_explanation_quotes_the_last_reason() -> None:
    output = "LOG:  starting\n2026 UTC [1] FATAL:  lock file is empty\nHINT:  remove it\n"
    assert cluster.explain("It failed", output) == "It failed: lock file is empty."
    assert cluster.explain("It failed", "") == "It failed: it said nothing."


def test_two_processes_at_once_make_one_database_and_two_modest_roles(
    home: Path, client: Callable[..., subprocess.Popen[str]]
) -> None:
    for process in [client(home, "shelf"), client(home, "shelf")]:
        server_pid(process)
    address = ensure_server(home, timeout=20)
    bootstrap(address, "shelf")
    rights = "rolsuper or rolcreatedb or rolcreaterole or rolbypassrls or rolreplication"
    assert ask(address, f"select ({rights})::text from pg_roles where rolname like 'footnote%'") == ["false"] * 2
    assert ask(address, "select rolinherit from pg_roles where rolname = 'footnote_app'") == [False]
    assert ask(address, "select '[1,2]'::vector::text", "shelf", "footnote_app") == ["[1,2]"]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(address, "create table mine (n int)", "shelf", "footnote_app")
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        ask(address, "select 1", "postgres", "footnote_app")


def test_the_owner_role_may_make_tables_and_another_role_may_not_connect(home: Path) -> None:
    address = ensure_server(home, timeout=20)
    bootstrap(address, "shelf")
    with psycopg.connect(address.conninfo("shelf", "footnote_owner"), autocommit=True) as connection:
        connection.execute("create table if not exists books (n int)")
    with psycopg.connect(address.conninfo("postgres", "postgres"), autocommit=True) as connection:
        connection.execute("drop role if exists stranger")
        connection.execute("create role stranger login")
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        ask(address, "select 1", "shelf", "stranger")


def test_a_database_is_dropped_with_its_connections(home: Path) -> None:
    address = ensure_server(home, timeout=20)
    bootstrap(address, "gone")
    with psycopg.connect(address.conninfo("gone", "footnote_app"), autocommit=True) as connection:
        drop_database(address, "gone")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")
    drop_database(address, "gone")
    assert ask(address, "select 1 from pg_database where datname = 'gone'") == []


def test_a_dead_server_is_one_named_error() -> None:
    with pytest.raises(StoreUnavailable, match="went away"):
        bootstrap(ServerAddress("/nowhere", 5432), "shelf")


def test_a_removed_home_is_made_anew_beside_its_old_server(home: Path) -> None:
    ensure_server(home, timeout=20)
    old = postmaster_pid(home)
    shutil.rmtree(home)
    assert ask(ensure_server(home, timeout=20), "select 1") == [1]
    assert [process.pid for process in postmaster.processes(Layout(home)) if process.pid == old] == []
