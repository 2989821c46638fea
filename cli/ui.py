"""`footnote ui`: the chat page on this machine, for the local user."""

from __future__ import annotations

import socket
import threading
import webbrowser
from typing import Annotated

import typer

_LOOPBACK = "127.0.0.1"
_READY_SECONDS = 120.0  # a first start makes the database and loads the models


def ui(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port; the usual one, or a free one where that is taken.")
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open it in the browser when it is ready.")] = False,
) -> None:
    """Serve the chat page on this machine until stopped; on an empty shelf it reads the sample documents in first."""
    from server.serving import serve_one
    from settings import settings

    configuration = settings()
    chosen = port or _free_port(configuration.server_port)
    address = f"http://{_LOOPBACK}:{chosen}"
    typer.echo(f"The page is at {address} in a moment; Ctrl-C ends it.")
    if open_browser:
        threading.Thread(target=_open_when_ready, args=(chosen, address), daemon=True).start()
    serve_one(configuration.model_copy(update={"server_host": _LOOPBACK, "server_port": chosen}), page=True)


def _free_port(usual: int) -> int:
    """Return the usual port if nothing listens there, else a free one."""
    for port in (usual, 0):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((_LOOPBACK, port))
            except OSError:
                continue
            return int(trial.getsockname()[1])
    return usual


def _open_when_ready(port: int, address: str) -> None:
    """Open the browser once the server accepts connections: it does so when everything is loaded."""
    waiting = threading.Event()
    for _ in range(int(_READY_SECONDS * 4)):
        with socket.socket() as trial:
            if trial.connect_ex((_LOOPBACK, port)) == 0:
                webbrowser.open(address)
                return
        waiting.wait(0.25)
