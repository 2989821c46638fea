"""Running the server: uvicorn, which lets what runs end before it stops."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.supervisors import Multiprocess

from observe.logs import set_up_logging
from observe.tracing import set_up_tracing
from observe.workers import metrics_shared_by_workers
from settings import Settings, tell_workers

if TYPE_CHECKING:
    from fastapi import FastAPI

_MAX_HEADERS = 65_536  # bytes of headers that are read at all; `server.requests` refuses fewer with a problem


def serve_one(settings: Settings, *, page: bool) -> None:
    """Serve the API, and the page if asked to, in this process until it is told to stop."""
    from server.app import create_app

    set_up_logging(settings)
    set_up_tracing(settings)
    if page:  # where files lie between being dropped on the page and being read in: for nobody else to look at
        folder = settings.home / "page"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        tell_workers("GRADIO_TEMP_DIR", str(folder))
    Server(create_app(settings, page=page), settings).run()


def serve_several(settings: Settings) -> None:
    """Serve the API in worker processes until told to stop; one that dies is replaced."""
    set_up_logging(settings)
    for name in ("server_host", "server_port", "server_workers"):  # they may come from the command line
        tell_workers(f"FOOTNOTE_{name.upper()}", str(getattr(settings, name)))
    # Each has its share of the threads, or they would stand in each other's way.
    tell_workers("FOOTNOTE_THREADS", str(max(1, settings.threads // settings.server_workers)))
    with metrics_shared_by_workers():
        config = uvicorn.Config("server.app:api", factory=True, **_options(settings))
        Multiprocess(config, sockets=[config.bind_socket()]).run()


class Server(uvicorn.Server):
    """uvicorn's server; it tells the application when it begins to stop, so that what never ends by itself ends.

    Told to stop by a signal, it ends with status 0: it has done as it was told.
    """

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        super().__init__(uvicorn.Config(app, **_options(settings)))
        self._stopping = app.state.stopping

    async def shutdown(self, sockets: Any = None) -> None:
        """Stop accepting, let what runs end within the limit, then close."""
        self._stopping.set()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Take signals as requests to stop while serving. A second Ctrl-C does not wait for what runs."""
        if current_thread() is not main_thread():  # others cannot
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _options(settings: Settings) -> dict[str, Any]:
    return {
        "host": settings.server_host,
        "port": settings.server_port,
        "workers": settings.server_workers,
        "http": "h11",  # the one that bounds the size of headers
        "h11_max_incomplete_event_size": _MAX_HEADERS,
        "ws": "none",
        "access_log": False,  # `server.requests` writes one without addresses and queries
        "log_config": None,
        "server_header": False,
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": settings.trusted_proxies,
        "timeout_graceful_shutdown": int(settings.shutdown_seconds),
    }
