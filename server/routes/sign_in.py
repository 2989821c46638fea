"""`/login` and `/logout`: sessions of the page."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from server.identity import check_key, opened
from server.limits import Buckets
from server.page import SIGN_IN, PageUsers
from server.sessions import Session
from state.errors import StoreUnavailable
from state.identity import NotAuthenticated

_PAGE = (Path(__file__).parents[1] / "login.html").read_text(encoding="utf-8")
_TRIES_PER_MINUTE = 20.0
# Tighter than the page's: this one has a form and a style, and no script.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


def sign_in(users: PageUsers) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(include_in_schema=False)
    tries = Buckets(_TRIES_PER_MINUTE, int(_TRIES_PER_MINUTE))

    @routes.get(SIGN_IN)
    async def form(request: Request) -> Response:
        return RedirectResponse("/", 303) if await users.user(request) else _shown()

    @routes.post(SIGN_IN)
    async def begin(request: Request, key: Annotated[str, Form(max_length=200)] = "") -> Response:
        address = request.client.host if request.client else ""
        if tries.wait(address):
            return _shown("Too many tries: wait a minute.", 429)
        try:
            caller = await check_key(opened(request.scope), key.strip())
        except NotAuthenticated:
            return _shown("This key is unknown, or was revoked.", 401)
        except StoreUnavailable:
            return _shown("The database cannot be reached at the moment: try again shortly.", 503)
        if "ask" not in caller.scopes:
            return _shown("This key may not ask: sign in with one that has the scope 'ask'.", 403)
        response = RedirectResponse("/", 303)
        users.cookies.write(request, response, Session(caller.principal, caller.key))
        return response

    @routes.post("/logout")
    async def end(request: Request) -> Response:
        response = RedirectResponse(SIGN_IN, 303)
        users.cookies.end(request, response)
        return response

    return routes


def _shown(failure: str = "", status: int = 200) -> Response:
    told = f'<p role="alert">{escape(failure)}</p>' if failure else ""
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(_PAGE.replace("<!-- failure -->", told), status, headers)
