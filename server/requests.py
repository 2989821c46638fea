"""What surrounds each request: its id, its line in the log, its metrics and trace, and an answer whatever fails."""

from __future__ import annotations

import logging
import re
import time
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from observe.logs import logged_with
from observe.metrics import http_in_progress, http_request
from observe.tracing import end_request, request_span
from server.asking import ClientLeft
from server.headers import is_api
from server.problems import RefusedRequest, respond

log = logging.getLogger("footnote.server")

HEADER = "X-Request-Id"
MAX_HEADER_BYTES = 16_384
_USABLE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LEFT = 499  # what nginx writes down when a client left before the answer


class Requests:
    """Outermost of our middleware. A client's own request id is taken over if it is a plain word."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, whatever happens on the way, and note how it ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get(HEADER, "")
        identity = given if _USABLE.fullmatch(given) else uuid4().hex
        scope.setdefault("state", {})["request_id"] = identity
        began = time.perf_counter()
        with (
            logged_with(request_id=identity),
            http_in_progress(),
            request_span(headers, scope["method"]) as span,
        ):
            status = _LEFT
            try:
                status = await self._answered(scope, receive, send) or _LEFT
            finally:
                route, seconds = _route(scope), time.perf_counter() - began
                end_request(span, route, status)
                http_request(scope["method"], route, status, seconds)
                told = {"method": scope["method"], "route": route, "status": status, "seconds": round(seconds, 4)}
                log.info("request", extra=told)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer a request; return the status sent, 0 if the client left before."""
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = scope["state"]["request_id"]
            await send(message)

        try:
            if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
                raise _large_headers()
            await self._app(scope, receive, answer)
        except ClientLeft:
            return 0
        except Exception as error:  # whatever it is, the client gets an answer, and the log the place
            response = respond(scope, error)
            if status:
                raise  # half an answer is sent: uvicorn cuts the connection, so that nobody takes it for a whole one
            await response(scope, receive, answer)
        return status


def _large_headers() -> RefusedRequest:
    detail = f"The headers have more than {MAX_HEADER_BYTES:,} bytes."
    return RefusedRequest(431, "headers-too-large", detail, {"Connection": "close"})


def _route(scope: Scope) -> str | None:
    """Return the template of the route that took a request: paths hold ids, and those of nowhere hold anything."""
    if not is_api(scope["path"]) and scope.get("endpoint"):
        return "page"
    return getattr(scope.get("route"), "path", None)
