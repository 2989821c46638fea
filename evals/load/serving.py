"""`footnote serve` as a process of its own, as who runs it would start it, and the memory that it holds."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import numpy as np
import psutil

from state.errors import FootnoteError

_START_SECONDS = 90.0
_STOP_SECONDS = 40.0
_NOT_OURS = ("DATABASE_URL", "FOOTNOTE_DATABASE_URL", "FOOTNOTE_CHAT_MODEL", "FOOTNOTE_CHAT_FALLBACK_MODEL")


class ServerFailed(FootnoteError):
    """The server under test did not start."""


class Served:
    """A server under test: its address, and its memory second by second."""

    def __init__(self, process: Process, port: int) -> None:
        self.host, self.port = "127.0.0.1", port
        self._process = psutil.Process(process.pid)
        self._samples: list[tuple[float, float]] = []

    @property
    def url(self) -> str:
        """Address of the server."""
        return f"http://{self.host}:{self.port}"

    async def watch(self) -> None:
        """Note the resident megabytes of the server's processes each second, until cancelled."""
        while True:
            self._samples.append((time.monotonic(), await asyncio.to_thread(self._megabytes)))
            await asyncio.sleep(1.0)

    def memory(self, since: float) -> dict[str, float]:
        """Return the megabytes at a moment, now and at most between, and what they grow by a minute (a fitted line)."""
        samples = np.array([sample for sample in self._samples if sample[0] >= since])
        slope = np.polyfit(samples[:, 0], samples[:, 1], 1)[0] if len(samples) > 2 else 0.0
        held = samples[:, 1]
        found = {"start_mb": held[0], "end_mb": held[-1], "most_mb": held.max(), "mb_a_minute": slope * 60}
        return {name: round(float(value), 1) for name, value in found.items()}

    def _megabytes(self) -> float:
        total = 0
        for process in [self._process, *self._process.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):  # it has ended meanwhile
                if not process.name().startswith("postgres"):
                    total += process.memory_info().rss
        return total / 1e6


@contextlib.asynccontextmanager
async def served(variables: Mapping[str, str], log: Path) -> AsyncIterator[Served]:
    """Start the server with environment variables of its own on a free port; stop it at the end.

    Raises `ServerFailed` when it is not ready in time.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    given = [f"--unset={name}" for name in _NOT_OURS] + [f"{name}={value}" for name, value in variables.items()]
    command = [sys.executable, "-c", "from cli.main import main; main()", "serve", "--port", str(port)]
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec("env", *given, *command, stdout=output, stderr=output)
    watching: asyncio.Task[None] | None = None
    try:
        server = Served(process, port)
        await _ready(server, process, log)
        watching = asyncio.create_task(server.watch())
        yield server
    finally:
        if watching:
            watching.cancel()
        await _stopped(process)


async def _ready(server: Served, process: Process, log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    async with httpx.AsyncClient(base_url=server.url, timeout=5.0) as client:
        while process.returncode is None and time.monotonic() < until:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get("/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.2)
    said = await asyncio.to_thread(log.read_text, encoding="utf-8", errors="replace")
    raise ServerFailed(f"`footnote serve` did not start: {' '.join(said.splitlines()[-5:])}")


async def _stopped(process: Process) -> None:
    """Ask the server to stop, and end it if it does not."""
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
