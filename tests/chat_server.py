"""A loopback server that speaks the OpenAI chat protocol over real sockets, and breaks in every way that is asked for.

Run as a program it serves until it is killed: ``python -m tests.chat_server PORT TEXT``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from anyio.from_thread import start_blocking_portal

_PIECE = re.compile(r"\S+\s*|\s+")


@dataclass(frozen=True)
class Reply:
    """What the server does with a request.

    ``text`` is the model's answer. ``status`` other than 200 gives an error, whose body holds ``text``. ``raw`` is sent
    as the body in place of anything sensible. ``stall`` is how many seconds pass before the first byte, ``pause``
    before each piece of a stream. A stream is cut after ``cut`` pieces: ``end`` without its ending, ``reset`` with the
    connection. ``counted`` is whether tokens are reported; ``finish`` the reason given for the end.
    """

    text: str = ""
    status: int = 200
    raw: str | None = None
    stall: float = 0.0
    pause: float = 0.0
    cut: int | None = None
    counted: bool = True
    finish: str = "stop"
    headers: dict[str, str] = field(default_factory=dict)


Decide = Callable[[dict[str, Any]], Reply]


@dataclass
class ChatServer:
    """What it will answer, and what it saw. ``queue`` comes first, then ``decide`` or ``reply``, for ever.

    ``requests`` are the bodies received, ``keys`` the Authorization headers with them. ``left`` are the moments
    (`time.monotonic`) at which a client went away before its answer was complete.
    """

    reply: Reply = field(default_factory=lambda: Reply("NO ANSWER"))
    decide: Decide | None = None
    queue: deque[Reply] = field(default_factory=deque)
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    left: list[float] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """Return the base URL for clients."""
        return f"http://127.0.0.1:{self.port}/v1"

    def prompts(self) -> list[str]:
        """Return the text of every request's messages."""
        return ["\n".join(str(message["content"]) for message in body["messages"]) for body in self.requests]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request on a connection, then close it."""
        answering = asyncio.current_task()
        assert answering is not None
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = re.search(r"content-length: (\d+)", head, re.I)
            body = json.loads(await reader.readexactly(int(length[1]))) if length else {}
            key = re.search(r"authorization: (.+)\r\n", head, re.I)
            self.requests.append(body)
            self.keys.append(key[1] if key else "")
            reply = self.queue.popleft() if self.queue else self.decide(body) if self.decide else self.reply
            watching = asyncio.ensure_future(self._watch(reader, answering))
            try:
                await self._answer(writer, body, reply)
            finally:
                watching.cancel()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _watch(self, reader: asyncio.StreamReader, answering: asyncio.Task[Any]) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read()
        self.left.append(time.monotonic())
        answering.cancel()

    async def _answer(self, writer: asyncio.StreamWriter, body: dict[str, Any], reply: Reply) -> None:
        await asyncio.sleep(reply.stall)
        if reply.status != 200:
            error = {"error": {"message": reply.text, "type": "made", "code": None}}
            _send(writer, reply.status, json.dumps(error), reply.headers)
        elif reply.raw is not None and not body.get("stream"):
            _send(writer, 200, reply.raw, reply.headers)
        elif body.get("stream"):
            await self._stream(writer, body, reply)
        else:
            message = {"role": "assistant", "content": reply.text}
            choice = {"index": 0, "message": message, "finish_reason": reply.finish}
            counts = {"usage": _counts(body, reply)} if reply.counted else {}
            _send(writer, 200, json.dumps({**_envelope(body), "choices": [choice], **counts}), reply.headers)
        await writer.drain()

    async def _stream(self, writer: asyncio.StreamWriter, body: dict[str, Any], reply: Reply) -> None:
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        if reply.raw is not None:
            writer.write(f"data: {reply.raw}\n\n".encode())
            return
        for number, piece in enumerate(_PIECE.findall(reply.text)):
            await asyncio.sleep(reply.pause)
            if number == reply.cut:
                return
            _event(writer, body, {"content": piece}, None)
            await writer.drain()
        _event(writer, body, {}, reply.finish)
        if reply.counted and body.get("stream_options", {}).get("include_usage"):
            final = {**_envelope(body, "chat.completion.chunk"), "choices": [], "usage": _counts(body, reply)}
            writer.write(f"data: {json.dumps(final)}\n\n".encode())
        writer.write(b"data: [DONE]\n\n")


def _event(writer: asyncio.StreamWriter, body: dict[str, Any], delta: dict[str, Any], finish: str | None) -> None:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {**_envelope(body, "chat.completion.chunk"), "choices": [choice]}
    writer.write(f"data: {json.dumps(chunk)}\n\n".encode())


def _envelope(body: dict[str, Any], kind: str = "chat.completion") -> dict[str, Any]:
    return {"id": "made-1", "object": kind, "created": 1, "model": body.get("model", "made")}


def _counts(body: dict[str, Any], reply: Reply) -> dict[str, int]:
    asked = sum(len(str(message["content"]).split()) for message in body["messages"])
    said = len(reply.text.split())
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def _send(writer: asyncio.StreamWriter, status: int, body: str, headers: dict[str, str]) -> None:
    content = body.encode()
    given = {"Content-Type": "application/json", "Content-Length": str(len(content)), "Connection": "close", **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    writer.write(f"HTTP/1.1 {status} Made\r\n{lines}\r\n".encode() + content)


@contextlib.asynccontextmanager
async def chat_server(reply: Reply | None = None, port: int = 0) -> AsyncIterator[ChatServer]:
    """Serve on a free port of the loopback interface."""
    server = ChatServer() if reply is None else ChatServer(reply)
    listening = await asyncio.start_server(server.handle, "127.0.0.1", port)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


@contextlib.contextmanager
def chat_server_beside(reply: Reply) -> Iterator[ChatServer]:
    """Serve from a thread of its own, for tests that have no event loop."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(chat_server(reply)) as server:
        yield server


async def _serve(port: int, text: str) -> None:
    async with chat_server(Reply(text), port):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), sys.argv[2]))
