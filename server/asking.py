"""A question of one request: bounded in time, given up when its client leaves, told as it is answered."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import AsyncExitStack
from typing import Any, Self, TypeVar

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from server.limits import Admission
from server.problems import RefusedRequest
from state.answer import Answer, Said, Step

Result = TypeVar("Result")
Event = Step | Said | Answer

_PING_SECONDS = 15.0  # of silence after which proxies may take a connection for dead
_GRACE = 1.0  # seconds beyond the limit that the one who keeps it may take to say so


def _too_long(seconds: float) -> RefusedRequest:
    return RefusedRequest(504, "took-too-long", f"The answer took longer than the {seconds:g} seconds allowed here.")


class ClientLeft(Exception):
    """Nobody is there to answer any more."""


async def while_connected(request: Request, work: Coroutine[Any, Any, Result], seconds: float) -> Result:
    """Return what the work gives. It is cancelled when the client leaves or the time is over.

    Raises `RefusedRequest` when it takes longer than ``seconds``, and `ClientLeft`.
    """
    running = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request.receive))
    try:
        await asyncio.wait({running, leaving}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            return running.result()
        raise ClientLeft if leaving.done() else _too_long(seconds)
    finally:
        await _ended(running, leaving)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _ended(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait until they have cleaned up."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Told:
    """The events of one answer, made by a task of its own until `aclose`; it holds one of the process's places.

    `begin` waits for the first event, so that what cannot be asked is refused with a status of its own.
    """

    def __init__(self, events: AsyncIterator[Event], admission: Admission, seconds: float) -> None:
        self._events, self._admission, self._seconds = events, admission, seconds
        self._queue: asyncio.Queue[Event | Exception | None] = asyncio.Queue()
        self._stack = AsyncExitStack()

    async def begin(self, request: Request) -> Self:
        """Begin, and wait for the first event. Raises what asking raises, `RefusedRequest` and `ClientLeft`."""
        try:
            self._stack.enter_context(self._admission.place())
            self._stack.push_async_callback(_ended, asyncio.create_task(self._make()))
            first = await while_connected(request, self._queue.get(), self._seconds + _GRACE)
            if isinstance(first, Exception):
                raise first
            self._first = first
        except BaseException:
            await self.aclose()
            raise
        return self

    async def _make(self) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                async for event in self._events:
                    self._queue.put_nowait(event)
            self._queue.put_nowait(None)
        except TimeoutError:
            self._queue.put_nowait(_too_long(self._seconds))
        except Exception as error:  # whatever it is: it is raised where the events are read
            self._queue.put_nowait(error)

    async def events(self) -> AsyncGenerator[Event | None]:
        """Yield the events, and None after each while of silence. Raises what asking raises and `RefusedRequest`."""
        event: Event | Exception | None = self._first
        while event is not None:
            if isinstance(event, Exception):
                raise event
            yield event
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_PING_SECONDS):
                        event = await self._queue.get()
                        break
                yield None

    async def aclose(self) -> None:
        """Stop the answer if it is still being made, and free its place."""
        await self._stack.aclose()


class Stream(StreamingResponse):
    """A response made from `Told`, which ends with the response however that ends."""

    media_type = "text/event-stream"

    def __init__(self, content: AsyncGenerator[bytes], told: Told) -> None:
        # The second one tells nginx not to hold the sentences back.
        super().__init__(content, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._told = told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events while the client is there."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._told.aclose()
