"""The server as a process: ready or not, stopped in good order, in one process or several."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from store.embedded import ServerAddress
from tests.chat_server import Reply
from tests.server.conftest import PROSE, QUESTION, Api, eventually, writing
from tests.server.running import running_server

ASKED = {"question": QUESTION, "preset": "minimal"}
ROOT = Path(__file__).parents[2]


@contextmanager
def process(api: Api, log: Path, *arguments: str, **variables: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run `footnote serve` on the database of the shared server; yield the process and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = api.settings
    environment = {
        **os.environ,
        "FOOTNOTE_HOME": str(settings.home),
        "FOOTNOTE_DATABASE_NAME": settings.database_name,
        "FOOTNOTE_ALLOW_DOWNLOAD": "false",
        "FOOTNOTE_CACHE": "false",
        "FOOTNOTE_CHAT_MODEL": "openai:writer",
        "FOOTNOTE_CHAT_BASE_URL": api.model.url,
        "FOOTNOTE_CHAT_API_KEY": "none",
        "FOOTNOTE_LOG_FORMAT": "json",
        **variables,
    }
    command = [str(Path(sys.executable).parent / "footnote"), "serve", "--no-page", "--port", str(port), *arguments]
    address = f"http://127.0.0.1:{port}"
    with log.open("wb") as output:
        running = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        eventually(lambda: _up(address, running), seconds=60)
        yield running, address
    finally:
        running.kill()
        running.wait(20)


def _up(address: str, running: subprocess.Popen[bytes]) -> bool:
    assert running.poll() is None, "it ended before it was up"
    try:
        return httpx.get(f"{address}/healthz", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def _ask(api: Api, address: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {api.keys['ada']}"}
    return httpx.post(f"{address}/v1/ask", headers=headers, json=ASKED, timeout=30)


def test_what_runs_is_finished_before_the_server_stops(api: Api, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with process(api, log) as (running, address), writing(api, Reply(PROSE, stall=2)), ThreadPoolExecutor() as pool:
        asked = pool.submit(_ask, api, address)
        eventually(lambda: api.model.requests)
        running.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{address}/healthz", timeout=2)
        assert asked.result().json()["answer"].startswith("The bridge opened in 1932. [1]")
        assert running.wait(10) == 0
    told = log.read_text()
    assert '"route": "/v1/ask"' in told and "request_id" in told
    assert api.keys["ada"] not in told and "bridge" not in told


def test_a_question_that_does_not_end_is_cut_off_after_the_limit(api: Api) -> None:
    brief = api.settings.model_copy(update={"shutdown_seconds": 1})
    with writing(api, Reply(PROSE, stall=60)), ThreadPoolExecutor() as pool:
        with running_server(brief) as address:
            asked = pool.submit(_ask, api, address)
            eventually(lambda: api.model.requests)
            began = time.monotonic()
        assert time.monotonic() - began < 8
        assert asked.exception() or asked.result().status_code >= 500


def test_several_workers_serve_the_api_and_count_together(api: Api, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with process(api, log, "--workers", "2") as (running, address):
        for _ in range(20):
            assert httpx.get(f"{address}/healthz").status_code == 200
        eventually(lambda: log.read_text().count("Application startup complete") == 2, seconds=60)
        assert _ask(api, address).status_code == 200
        metrics = httpx.get(f"{address}/metrics").text
        [line] = [line for line in metrics.splitlines() if 'route="/healthz",status="200"' in line and "_total" in line]
        assert float(line.rpartition(" ")[2]) >= 21
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0


def _dependencies(api: Api) -> Any:
    return httpx.get(f"{api.url}/readyz").json()["dependencies"]


def test_each_dependency_is_told_with_its_time(api: Api) -> None:
    found = _dependencies(api)
    assert {name: one["needed"] for name, one in found.items()} == {
        "database": True, "embedding_model": False, "chat_model": False,
    }  # fmt: skip
    assert all(one["status"] == "ok" and one["milliseconds"] > 0 for one in found.values())


def test_a_server_without_its_database_is_not_ready_until_it_is_back(
    api: Api, server: ServerAddress, ada: httpx.Client
) -> None:
    name = sql.Identifier(api.settings.database_name)
    with psycopg.connect(server.conninfo("postgres", "postgres"), autocommit=True) as postgres:
        try:
            postgres.execute(sql.SQL("alter database {} allow_connections false").format(name))
            postgres.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s",
                (api.settings.database_name,),
            )
            refused = httpx.get(f"{api.url}/readyz", timeout=10)
            assert (refused.status_code, refused.json()["status"]) == (503, "not ready")
            assert refused.json()["dependencies"]["database"]["status"] == "failed"
            assert httpx.get(f"{api.url}/healthz").status_code == 200
            unanswered = ada.post("/v1/ask", json=ASKED)
            assert (unanswered.status_code, unanswered.json()["type"]) == (
                503,
                "urn:footnote:problem:store-unavailable",
            )
            assert unanswered.headers["retry-after"] == "5"
            assert "footnote_app" not in unanswered.text and api.settings.database_name not in unanswered.text
        finally:
            postgres.execute(sql.SQL("alter database {} allow_connections true").format(name))
    eventually(lambda: httpx.get(f"{api.url}/readyz", timeout=10).status_code == 200)
    assert ada.post("/v1/ask", json=ASKED).status_code == 200


def test_metrics_are_for_this_machine_and_for_keys(api: Api) -> None:
    metrics = httpx.get(f"{api.url}/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert "footnote_http_requests_total" in metrics.text


def test_what_fails_unexpectedly_says_nothing_of_it_to_the_client(
    api: Api, ada: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise ValueError("the diary says Momo")

    monkeypatch.setattr("store.threads.Threads.all", broken)
    failed = ada.get("/v1/conversations")
    assert (failed.status_code, failed.json()["type"]) == (500, "urn:footnote:problem:unexpected")
    assert "Momo" not in failed.text and "ValueError" not in failed.text
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    told = record.getMessage()
    assert "ValueError" in told and "test_serving" in told and "Momo" not in told
