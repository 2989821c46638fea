"""A loopback server that keeps datasets, examples, experiments, runs and feedback as LangSmith does, or breaks."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import zstandard

from tests.observe.collector import Request

TENANT = "00000000-0000-4000-8000-000000000001"
_INFO = {
    "version": "0.13.0",
    "batch_ingest_config": {
        "use_multipart_endpoint": True, "size_limit": 100, "size_limit_bytes": 20_000_000,
        "scale_up_qsize_trigger": 1000, "scale_up_nthreads_limit": 4, "scale_down_nempty_trigger": 4,
    },
    "instance_flags": {"zstd_compression_enabled": True, "dataset_examples_multipart_enabled": True},
}  # fmt: skip


@dataclass
class LangSmithServer:
    """What is kept, all that was sent, and how to break.

    ``old`` makes it a server of the time before packed runs and examples in several parts. ``broken`` is the status
    with which requests are refused whose method and path match ``breaks``; ``stall`` is how many seconds any request
    waits first.
    """

    url: str = ""
    datasets: dict[str, dict[str, Any]] = field(default_factory=dict)
    examples: dict[str, dict[str, Any]] = field(default_factory=dict)
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    feedback: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, Request]] = field(default_factory=list)
    broken: int = 0
    breaks: str = ""
    stall: float = 0.0
    old: bool = False

    def made(self, method: str, path: str) -> int:
        """Return how many requests there were of a method, and a path that matches."""
        return sum(done == method and bool(re.search(path, one.path)) for done, one in self.requests)

    def arrived(self) -> str:
        """Return all that was sent but for the ids, dates and times in it: any digits turn up in those."""
        sent = b"\n".join(one.path.encode() + one.body for _, one in self.requests).decode()
        return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{8}T\d+Z|[\d-]+T[\d:.]+|\d+\.\d+", "", sent)

    def answer(self, method: str, path: str, query: dict[str, list[str]], request: Request) -> tuple[int, Any]:
        """Do what a request asks for; return the status and the JSON of its answer."""
        if path == "/info":
            return 200, {**_INFO, "version": "0.8.0", "instance_flags": {}} if self.old else _INFO
        if path == "/datasets":
            return self._datasets(method, query, request)
        if path == "/examples":
            return self._list(query)
        if path == "/examples/bulk":
            return self._bulk(method, request)
        if path == "/feedback":
            self.feedback.append(json.loads(request.body))
            return 200, {}
        if path.startswith("/v1/platform/datasets/"):
            return self._upsert(method, path.split("/")[4], request)
        if path.startswith("/sessions"):
            return self._session(method, path, request)
        if path == "/runs/multipart":
            return self._ingest(request)
        return 404, {"detail": f"nothing at {path}"}

    def _datasets(self, method: str, query: dict[str, list[str]], request: Request) -> tuple[int, Any]:
        if method == "GET":
            return 200, [one for one in self.datasets.values() if one["name"] == query["name"][0]]
        asked = json.loads(request.body)
        if any(one["name"] == asked["name"] for one in self.datasets.values()):
            return 409, {"detail": "there is one of that name"}
        kept = {**asked, "id": str(uuid4()), "tenant_id": TENANT, "created_at": _now(), "modified_at": _now()}
        self.datasets[kept["id"]] = kept
        return 200, kept

    def _list(self, query: dict[str, list[str]]) -> tuple[int, Any]:
        inside = [one for one in self.examples.values() if one["dataset_id"] == query["dataset"][0]]
        start, most = int(query["offset"][0]), int(query["limit"][0])
        return 200, inside[start : start + most]

    def _upsert(self, method: str, dataset: str, request: Request) -> tuple[int, Any]:
        touched = []
        for name, value in request.parts().items():
            identity, _, part = name.partition(".")
            if not part:
                touched.append(identity)
                if (identity in self.examples) is (method == "POST"):
                    return 409, {"detail": f"{identity} is there, or is not"}
                old = self.examples.get(identity, {"id": identity, "dataset_id": dataset, "created_at": _now()})
                metadata = {**value.get("metadata", {}), "dataset_split": ["base"]}
                self.examples[identity] = {**old, "metadata": metadata, "modified_at": _now()}
            else:
                self.examples[identity][part] = value
        return 200, {"count": len(touched), "example_ids": touched, "as_of": _now()}

    def _bulk(self, method: str, request: Request) -> tuple[int, Any]:
        rows = json.loads(request.body)
        for row in rows:
            if (row["id"] in self.examples) is (method == "POST"):
                return 409, {"detail": f"{row['id']} is there, or is not"}
            old = self.examples.get(row["id"], {"created_at": _now()})
            self.examples[row["id"]] = {**old, **row, "modified_at": _now()}
        return 200, rows if method == "POST" else {"message": f"{len(rows)} examples updated"}

    def _session(self, method: str, path: str, request: Request) -> tuple[int, Any]:
        if method == "GET":
            return 200, list(self.sessions.values())[:1]
        asked = {name: value for name, value in json.loads(request.body).items() if value is not None}
        key = path.removeprefix("/sessions/") if method == "PATCH" else asked["id"]
        self.sessions[key] = {"tenant_id": TENANT, **self.sessions.get(key, {}), **asked}
        return 200, self.sessions[key]

    def _ingest(self, request: Request) -> tuple[int, Any]:
        for name, value in request.parts().items():
            kind, identity, *part = name.split(".")
            if kind == "feedback":
                self.feedback.append(value)
                continue
            run = self.runs.setdefault(str(UUID(identity)), {})
            run.update({part[0]: value} if part else {key: one for key, one in value.items() if one is not None})
        return 202, {}


def _now() -> str:
    return datetime.now(UTC).isoformat()


@contextmanager
def langsmith_server() -> Iterator[LangSmithServer]:
    """Serve on a free port of the loopback interface."""
    kept = LangSmithServer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(kept))
    server.daemon_threads = True
    kept.url = f"http://127.0.0.1:{server.server_port}"
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    serving.start()
    try:
        yield kept
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def _handler(kept: LangSmithServer) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Content-Encoding") == "zstd":
                body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
            headers = {name.lower(): value for name, value in self.headers.items()}
            request, url = Request(self.path, headers, body), urlsplit(self.path)
            time.sleep(kept.stall)
            with lock:
                kept.requests.append((self.command, request))
                status, answer = kept.broken, {"detail": "broken"}
                if not (kept.broken and re.search(kept.breaks, f"{self.command} {url.path}")):
                    status, answer = kept.answer(self.command, url.path, parse_qs(url.query), request)
            with suppress(ConnectionError):  # who did not wait for an answer
                self._send(status, json.dumps(answer).encode())

        do_GET = do_POST = do_PATCH = _do

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
