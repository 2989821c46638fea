"""Asking many questions at once: by a fixed number of users, or at a fixed rate whatever the server does."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from random import Random

import httpx

_TIMEOUT = 60.0  # seconds that an answer may take before its client gives up
_AGAIN = 0.25  # seconds after which a user who was refused asks again


@dataclass(frozen=True, slots=True)
class Outcome:
    """One request: its status (0: a time-out or a broken connection), how long it took, how it was refused."""

    question: str
    status: int
    seconds: float
    retry_after: str | None = None
    answered: bool = False
    degraded: bool = False

    @property
    def fine(self) -> bool:
        """Whether it was answered."""
        return self.status == 200


@dataclass(frozen=True)
class Asker:
    """Asks one server, as the user of an API key, new questions of a supply."""

    client: httpx.AsyncClient
    questions: Iterator[str]

    async def ask(self) -> Outcome:
        """Ask the next question."""
        question, began = next(self.questions), time.monotonic()
        try:
            response = await self.client.post("/v1/ask", json={"question": question})
        except httpx.HTTPError:
            return Outcome(question, 0, time.monotonic() - began)
        spent = time.monotonic() - began
        answer = response.json() if response.status_code == 200 else {}
        return Outcome(
            question,
            response.status_code,
            spent,
            response.headers.get("Retry-After"),
            bool(answer.get("claims")),
            bool(answer.get("degraded")),
        )

    async def in_turn(self, users: int, seconds: float) -> list[Outcome]:
        """Let users ask for some seconds, each the next question once the last is answered."""
        outcomes: list[Outcome] = []
        until = time.monotonic() + seconds

        async def user() -> None:
            while time.monotonic() < until:
                outcome = await self.ask()
                outcomes.append(outcome)
                if not outcome.fine:
                    await asyncio.sleep(_AGAIN)

        await asyncio.gather(*(user() for _ in range(users)))
        return outcomes

    async def at_rate(self, per_second: float, seconds: float) -> list[Outcome]:
        """Ask at a rate, at moments of chance (a Poisson process), however long the answers take; wait for the last."""
        chance, asked, moment = Random(1), [], 0.0
        began = time.monotonic()
        while (moment := moment + chance.expovariate(per_second)) < seconds:
            await asyncio.sleep(max(0.0, began + moment - time.monotonic()))
            asked.append(asyncio.create_task(self.ask()))
        return list(await asyncio.gather(*asked))


@contextlib.asynccontextmanager
async def asker(url: str, key: str, questions: Iterator[str]) -> AsyncIterator[Asker]:
    """Open a client that holds as many connections as there are questions on their way."""
    headers = {"Authorization": f"Bearer {key}"}
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=2.0)
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=_TIMEOUT, limits=limits) as client:
        yield Asker(client, questions)


class IdleConnections:
    """Connections that send nothing, and how many of them the server has left open."""

    def __init__(self, streams: Sequence[tuple[asyncio.StreamReader, asyncio.StreamWriter]]) -> None:
        self._streams = streams

    def still_open(self) -> int:
        """Return how many are open."""
        return sum(not reader.at_eof() and not writer.is_closing() for reader, writer in self._streams)


@contextlib.asynccontextmanager
async def idle_connections(host: str, port: int, count: int) -> AsyncIterator[IdleConnections]:
    """Open connections and leave them alone."""
    streams = [await asyncio.open_connection(host, port) for _ in range(count)]
    try:
        yield IdleConnections(streams)
    finally:
        for _, writer in streams:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in streams), return_exceptions=True)
