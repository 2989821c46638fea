"""`footnote mcp`: the tools of Footnote for one's own agents, over stdio."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.running import run

if TYPE_CHECKING:
    from graph.application import Application


def mcp() -> None:
    """Serve the documents to an agent as MCP tools over stdio: ask, search, open_document, verify_receipt."""
    run(_serve())


async def _serve() -> None:
    from graph.app import open_application
    from server.mcp import mcp_server
    from settings import settings
    from state.principal import local_principal

    configuration = settings()
    async with open_application(configuration) as application:

        async def opened() -> Application:
            return application

        server = mcp_server(opened, lambda request: local_principal(configuration))
        await server.run_stdio_async()
