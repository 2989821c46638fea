"""A loopback server that takes what traces send, answers as their services do, and keeps it for the test to read."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Request:
    """A request that arrived, its body unpacked; header names in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    def parts(self) -> dict[str, Any]:
        """Return the parts of a body in several, by their names, each read as JSON."""
        whole = b"Content-Type: " + self.headers["content-type"].encode() + b"\r\n\r\n" + self.body
        found = {}
        for part in message_from_bytes(whole).walk():
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            if name and isinstance(content, bytes):
                found[str(name)] = json.loads(content)
        return found


@dataclass
class Collector:
    """What has arrived so far."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)


@contextmanager
def collecting() -> Iterator[Collector]:
    """Take requests on a free port of the loopback interface."""
    collector = Collector()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(collector))
    collector.url = f"http://127.0.0.1:{server.server_port}"
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    serving.start()
    try:
        yield collector
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def _handler(collector: Collector) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Say as LangSmith does what it takes: several runs in one body, not packed."""
            limits = {
                "use_multipart_endpoint": True, "size_limit": 100, "size_limit_bytes": 20_000_000,
                "scale_up_qsize_trigger": 1000, "scale_up_nthreads_limit": 4, "scale_down_nempty_trigger": 4,
            }  # fmt: skip
            flags = {"zstd_compression_enabled": False}
            self._answer(json.dumps({"version": "0", "batch_ingest_config": limits, "instance_flags": flags}).encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            headers = {name.lower(): value for name, value in self.headers.items()}
            collector.requests.append(Request(self.path, headers, body))
            self._answer(b"{}")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
