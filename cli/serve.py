"""`footnote serve`: the API, and the chat page, under uvicorn."""

from __future__ import annotations

from typing import Annotated

import typer


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen at (FOOTNOTE_SERVER_HOST).")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port; 0 takes a free one (FOOTNOTE_SERVER_PORT).")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes; more than one serve the API alone.")
    ] = None,
    page: Annotated[bool, typer.Option(help="Serve the chat page at / beside the API.")] = True,
) -> None:
    """Serve the API, and at / the chat page, until stopped; what runs then is finished first."""
    from server.serving import serve_one, serve_several
    from settings import settings

    given = {"server_host": host, "server_port": port, "server_workers": workers}
    configuration = settings().model_copy(update={name: value for name, value in given.items() if value is not None})
    if configuration.server_workers > 1:
        if page:
            typer.echo("The page keeps its sessions in one process: several workers serve the API alone.", err=True)
        serve_several(configuration)
    else:
        serve_one(configuration, page=page)
