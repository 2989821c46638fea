"""What one client may ask for at a time, and what this process takes on: sizes, rates, questions in progress."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.problems import RefusedRequest, respond
from settings import Settings

_MOST_BUCKETS = 10_000  # those used last are kept
_LINGER_BYTES, _LINGER_SECONDS = 20_000_000, 5.0
_UPLOADS = ("/v1/documents", "/gradio_api/upload")


def too_many(detail: str, seconds: float) -> RefusedRequest:
    """Return what refuses a request for now, with the whole seconds after which it may come again."""
    return RefusedRequest(429, "too-many-requests", detail, {"Retry-After": str(max(1, math.ceil(seconds)))})


class Buckets:
    """A token bucket for each client of this process: ``burst`` requests at once, ``per_minute`` on average."""

    def __init__(self, per_minute: float, burst: int) -> None:
        self._rate, self._burst = per_minute / 60, burst
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def wait(self, client: Hashable) -> float:
        """Take a token if there is one; return the seconds until there will be, 0 if there was."""
        now = time.monotonic()
        level, then = self._levels.pop(client, (float(self._burst), now))
        level = min(float(self._burst), level + (now - then) * self._rate)
        enough = level >= 1
        self._levels[client] = (level - 1 if enough else level, now)
        if len(self._levels) > _MOST_BUCKETS:
            self._levels.popitem(last=False)
        return 0.0 if enough else (1 - level) / self._rate


class Admission:
    """Bounds the work in progress: what does not fit is refused at once, so that what was taken on ends in time."""

    def __init__(self, most: int) -> None:
        self._most, self._running = most, 0
        self._seconds = 1.0  # that a piece of work took of late, on average

    @property
    def running(self) -> int:
        """How many pieces of work are in progress."""
        return self._running

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place while working. Raises `RefusedRequest` when all are taken."""
        if self._running >= self._most:
            detail = f"This server is working on as many requests as it takes ({self._most}): try again shortly."
            raise too_many(detail, self._seconds)
        self._running += 1
        began = time.monotonic()
        try:
            yield
        finally:
            self._running -= 1
            self._seconds += 0.1 * (time.monotonic() - began - self._seconds)


def question_places(settings: Settings) -> int:
    """Return how many questions a process works on at once.

    Enough to use its threads while chat models are waited for, and no more than it works off in a few seconds: an
    answer takes about a quarter of a second of a thread.
    """
    return settings.max_questions or 8 * settings.threads


class BodyLimit:
    """Refuses bodies over the limit: at once where their length is told, else as soon as they have grown too long."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._body = int(settings.max_body_kb * 1000)
        self._upload = int(settings.max_upload_mb * 1_000_000)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._upload if scope["path"] in _UPLOADS else self._body
        told_length = Headers(scope=scope).get("content-length", "")
        if told_length.isdecimal() and int(told_length) > most:
            await _let_go(receive)
            await respond(scope, _too_large(most))(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                if message.get("more_body"):
                    await _let_go(receive)
                raise _too_large(most)
            return message

        await self._app(scope, counted, send)


async def _let_go(receive: Receive) -> None:
    """Take what is still being sent, for a while: cut off at once, a client would not read why."""
    left = _LINGER_BYTES
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_SECONDS):
            while left > 0 and (message := await receive()).get("more_body"):
                left -= len(message.get("body", b""))


class _TooLarge(RefusedRequest, HTTPException):
    """A body over the limit. What reads bodies lets an `HTTPException` through, and takes others for its own."""

    def __init__(self, detail: str) -> None:
        HTTPException.__init__(self, 413, detail)
        self.status, self.kind, self.headers = 413, "content-too-large", {"Connection": "close"}

    def __str__(self) -> str:
        return self.detail


def _too_large(most: int) -> RefusedRequest:
    detail = f"The body has more than {most:,} bytes, which is the most that this server takes here."
    return _TooLarge(detail)
