"""What the LangGraph server has besides its own routes: search, receipts and MCP, for the same users.

langgraph.json wraps these routes in `server.auth`. The server's own MCP endpoint is turned off for this one: it runs
graphs as nobody in particular, and gives the printed form of Python values.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, get_args
from uuid import UUID

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from graph.application import Application
from server.langgraph_files import keep_no_answers
from server.mcp import mcp_server
from state.errors import FootnoteError, InvalidFilter, NotFound, NotPermitted, StoreUnavailable
from state.evidence import Mode
from state.filters import parse_filters
from state.identity import principal_of
from state.principal import Principal
from tools.langchain_tools import hit_as_dict

_CLOSED = ("/internal", "/deploy")  # what the development server would answer whoever asks
_STATUS = {NotFound: 404, NotPermitted: 403, StoreUnavailable: 503}
_MOST_PASSAGES = 50


async def _opened() -> Application:
    from graph.app import served_application

    return await served_application()


def _asking(request: Request | None) -> Principal:
    """Return who asks. Raises `NotPermitted` for a key that may not."""
    if request is None or "ask" not in request.auth.scopes:
        raise NotPermitted("This key may not ask: give it the scope 'ask'.")
    return principal_of(request.user)


Endpoint = Callable[[Request], Awaitable[Any]]


def _answering(endpoint: Endpoint) -> Endpoint:
    """Answer with what an endpoint returns, or with the failure that it tells."""

    async def answered(request: Request) -> Response:
        try:
            return JSONResponse(await endpoint(request))
        except FootnoteError as error:
            status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 422)
            return JSONResponse({"detail": str(error)}, status_code=status)

    return answered


async def _search(request: Request) -> Any:
    given = request.query_params
    k = given.get("k", "8")
    mode: Mode | None = next((one for one in get_args(Mode) if one == given.get("mode", "hybrid")), None)
    if mode is None:
        raise InvalidFilter(f"Unusable mode {given['mode']!r}: choose of {', '.join(get_args(Mode))}.")
    if not k.isdecimal() or not 1 <= int(k) <= _MOST_PASSAGES:
        raise InvalidFilter(f"Unusable k {k!r}: write a number of 1 to {_MOST_PASSAGES}.")
    filters = parse_filters(given.getlist("filter"))
    application = await _opened()
    found = await application.searcher.search(
        _asking(request), given.get("question", ""), mode, k=int(k), filters=filters
    )
    return {"passages": [hit_as_dict(hit) for hit in found]}


async def _receipt(request: Request) -> Any:
    application = await _opened()
    return (await application.receipts.get(_asking(request), _identity(request))).model_dump(mode="json")


async def _verify(request: Request) -> Any:
    application = await _opened()
    return (await application.verify(_asking(request), _identity(request))).as_json()


def _identity(request: Request) -> UUID:
    given = request.path_params["receipt"]
    try:
        return UUID(given)
    except ValueError as error:
        raise NotFound(f"{given[:40]!r} is not a receipt's id.") from error


class _Closed:
    """Closes routes that the development server has for its own tests and tools, and guards with nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything else on."""
        path = scope.get("path", "")
        if scope["type"] == "http" and any(path == closed or path.startswith(f"{closed}/") for closed in _CLOSED):
            await JSONResponse({"detail": "Not Found"}, status_code=404)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _served() -> Starlette:
    server = mcp_server(_opened, _asking)
    # Whatever its name: that no page of a stranger's can ask here is what the key is for.
    mcp = server.streamable_http_app(json_response=True, stateless_http=True, host="")

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        keep_no_answers()
        async with server.session_manager.run():
            yield

    return Starlette(
        routes=[
            Route("/v1/search", _answering(_search), methods=["GET"]),
            Route("/v1/receipts/{receipt}", _answering(_receipt), methods=["GET"]),
            Route("/v1/receipts/{receipt}/verify", _answering(_verify), methods=["POST"]),
            *mcp.routes,
        ],
        middleware=[Middleware(_Closed)],
        lifespan=lifespan,
    )


app = _served()
