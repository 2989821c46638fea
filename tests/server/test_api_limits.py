"""Sizes, rates, time and places: what is too much is refused at once, with when to come again."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

from server.limits import Admission, Buckets
from server.problems import RefusedRequest
from tests.chat_server import Reply
from tests.server.conftest import PROSE, QUESTION, Api, events_of, eventually, writing

ASKED = {"question": QUESTION, "preset": "minimal"}
SLOW = Reply(PROSE, pause=0.2)
STUCK = Reply(PROSE, stall=60)


def test_sentences_arrive_one_by_one_and_the_answer_last(api: Api, ada: httpx.Client) -> None:
    assert _asked(api) == 200  # what is loaded at the first sentence is there then
    with writing(api, SLOW), ada.stream("POST", "/v1/ask/stream", json=ASKED) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        told = [(kind, data, time.monotonic()) for kind, data in events_of(stream.iter_lines())]
    sentences = [(data, moment) for kind, data, moment in told if kind == "sentence"]
    assert [data["claim"]["verdict"] for data, _ in sentences] == ["supported", "supported"]
    assert sentences[1][1] - sentences[0][1] > 0.3  # the model was still writing the second one
    assert "step" in [kind for kind, _, _ in told]
    kind, answer, _ = told[-1]
    assert (kind, answer["answer"]) == ("answer", " ".join(data["text"] for data, _ in sentences))


@pytest.mark.parametrize("path", ["/v1/ask", "/v1/ask/stream"])
def test_a_client_that_leaves_stops_the_run_and_frees_its_place(api: Api, ada: httpx.Client, path: str) -> None:
    with writing(api, STUCK):
        for _ in range(3):  # one more than there are places
            _leave(api, path)
    assert ada.post("/v1/ask", json=ASKED).status_code == 200


def _leave(api: Api, path: str) -> None:
    """Ask, go away before there is an answer, and wait until the chat model notices."""
    seen = len(api.model.left)
    with api.as_user("ada") as client, pytest.raises(httpx.ReadTimeout):
        _read(client, path)
    eventually(lambda: len(api.model.left) > seen)


def _read(client: httpx.Client, path: str) -> None:
    with client.stream("POST", path, json=ASKED, timeout=1.5) as stream:
        list(stream.iter_lines())


def test_more_questions_than_places_are_refused_at_once(api: Api, ada: httpx.Client) -> None:
    with writing(api, Reply(PROSE, stall=1.5)), ThreadPoolExecutor() as pool:
        running = [pool.submit(_asked, api) for _ in range(2)]
        eventually(lambda: len(api.model.requests) == 2)
        began = time.monotonic()
        for path in ("/v1/ask", "/v1/ask/stream", "/v1/search"):
            body = ASKED if "ask" in path else {"question": QUESTION}
            refused = ada.post(path, json=body)
            assert (refused.status_code, refused.json()["type"]) == (429, "urn:footnote:problem:too-many-requests")
            assert int(refused.headers["retry-after"]) >= 1
        assert time.monotonic() - began < 1
        assert ada.get("/v1/documents").status_code == 200  # what takes no place goes on
        assert [one.result() for one in running] == [200, 200]
    assert _asked(api) == 200


def _asked(api: Api) -> int:
    with api.as_user("ben") as client:
        return client.post("/v1/ask", json=ASKED).status_code


def _pieces(most: int) -> Iterator[bytes]:
    yield b'{"question": "'
    for _ in range(most // 1000):
        yield b"a" * 1000


@pytest.mark.parametrize("told", [True, False])
def test_a_body_over_the_limit_is_refused(ada: httpx.Client, told: bool) -> None:
    content = b"".join(_pieces(30_000)) if told else _pieces(30_000)
    refused = ada.post("/v1/ask", content=content, headers={"Content-Type": "application/json"})
    assert (refused.status_code, refused.json()["type"]) == (413, "urn:footnote:problem:content-too-large")
    assert ada.get("/v1/documents").status_code == 200


def test_uploads_have_a_limit_of_their_own(ada: httpx.Client) -> None:
    fits = ada.post("/v1/documents", files={"files": ("fits.txt", b"A long text. " * 8000)})
    assert fits.status_code == 202
    large = ada.post("/v1/documents", files={"files": ("large.txt", b"A long text. " * 20_000)})
    assert large.status_code == 413


def test_a_body_of_who_has_no_key_is_not_read(api: Api) -> None:
    where = urlsplit(api.url)
    with socket.create_connection((where.hostname, where.port or 0), timeout=10) as connection:
        head = "POST /v1/documents HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        connection.sendall(f"{head}Content-Length: 150000\r\n\r\n".encode())  # and not a byte of it
        assert connection.recv(100).startswith(b"HTTP/1.1 401 ")


def test_oversized_headers_are_refused(api: Api) -> None:
    large = httpx.get(f"{api.url}/v1/documents", headers={"X-Large": "x" * 20_000})
    assert (large.status_code, large.json()["type"]) == (431, "urn:footnote:problem:headers-too-large")
    many = {f"X-{number}": "x" * 100 for number in range(200)}
    assert httpx.get(f"{api.url}/healthz", headers=many).status_code == 431
    with contextlib.suppress(httpx.ReadError):  # so large that the connection may be cut while it is still sending
        assert httpx.get(f"{api.url}/healthz", headers={"X-Large": "x" * 200_000}).status_code == 400
    assert httpx.get(f"{api.url}/healthz").status_code == 200


def test_buckets_let_a_burst_through_and_then_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    buckets = Buckets(per_minute=60, burst=3)
    assert [buckets.wait("ada") for _ in range(4)] == [0, 0, 0, 1]
    assert buckets.wait("ben") == 0
    now += 0.5
    assert buckets.wait("ada") == 0.5
    now += 0.5
    assert [buckets.wait("ada"), buckets.wait("ada")] == [0, 1]
    now += 1000
    assert [buckets.wait("ada") for _ in range(4)] == [0, 0, 0, 1]


def test_the_time_to_come_again_is_what_the_work_takes_of_late(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    admission = Admission(1)
    for _ in range(40):
        with admission.place():
            now += 8
    with admission.place(), pytest.raises(RefusedRequest) as refused, admission.place():
        pass
    assert refused.value.headers == {"Retry-After": "8"}
    assert admission.running == 0
