"""Who is at the page: the local user on this machine, or whoever signed in with an API key.

Taken for the local user is only who asks from this machine, at an address of this machine, a server that listens on
this machine alone. A web page elsewhere can make a browser send requests here, also under a name of its own that leads
to 127.0.0.1: the first are told by where the browser says they come from, the second by the name they ask for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from uuid import UUID

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from graph.application import Application
from server.addresses import is_loopback
from server.headers import is_api
from server.limits import Admission, Buckets, too_many
from server.problems import RefusedRequest, respond
from server.sessions import Cookies, Session
from settings import Settings
from state.identity import NotAuthenticated
from state.principal import Principal, local_principal

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
SIGN_IN = "/login"


class PageUsers:
    """Finds out who is at the page."""

    def __init__(self, settings: Settings, cookies: Cookies, application: Callable[[], Application]) -> None:
        self._settings = settings
        self._application = application
        self.cookies = cookies

    def principal_of(self, request: HTTPConnection) -> Principal:
        """Return who sends a request to the page, once `user` has let it pass. Raises `NotAuthenticated`."""
        if self._is_local(request):
            return local_principal(self._settings)
        session = self.cookies.read(request)
        if session is None:
            raise NotAuthenticated("Your session is over: sign in again.")
        return session.principal

    def key_of(self, request: HTTPConnection) -> UUID | None:
        """Return the key that who sends a request signed in with, None for the local user."""
        session = None if self._is_local(request) else self.cookies.read(request)
        return session.key if session else None

    async def user(self, request: Request) -> str | None:
        """Return the name of who sends a request, None if they must sign in: also when their key was revoked."""
        if self._is_local(request):
            return self._settings.user
        session = self.cookies.read(request)
        return session.principal.user if session and await self._key_is_good(session) else None

    async def _key_is_good(self, session: Session) -> bool:
        keys = await self._application().keys.all(session.principal)
        return any(info.id == session.key and info.revoked_at is None for info in keys)

    def _is_local(self, request: HTTPConnection) -> bool:
        if self._settings.trusted_proxies or not is_loopback(self._settings.server_host):
            return False
        name = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
        return is_loopback(request.client.host if request.client else "") and is_loopback(name)


class PageWork:
    """Takes questions of the page on as the API does its own: at the rate of a key, each with a place of its own."""

    def __init__(self, users: PageUsers, requests: Buckets, admission: Admission, seconds: float) -> None:
        self._users, self._requests, self._admission, self._seconds = users, requests, admission, seconds

    @contextmanager
    def place(self, request: HTTPConnection) -> Iterator[float]:
        """Hold a place while working; give the seconds that it may take. Raises `RefusedRequest`.

        The local user has the whole machine, and so no rate of their own.
        """
        key = self._users.key_of(request)
        if key and (seconds := self._requests.wait(key)):
            raise too_many(f"You have asked as often as you may for now: try again in {math.ceil(seconds)} s.", seconds)
        with self._admission.place():
            yield self._seconds


class PageGate:
    """Keeps other origins away from the page, and sends who has not signed in to do so."""

    def __init__(self, app: ASGIApp, users: PageUsers) -> None:
        self._app, self._users = app, users

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the page on, or refuse it."""
        if scope["type"] != "http" or is_api(scope["path"]):
            await self._app(scope, receive, send)
            return
        if _from_elsewhere(scope):
            await respond(scope, _refused())(scope, receive, send)
            return
        if scope["path"] == "/" and await self._users.user(Request(scope)) is None:
            await RedirectResponse(SIGN_IN, 303)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _refused() -> RefusedRequest:
    return RefusedRequest(403, "other-origin", "The page answers only to requests that it makes itself.")


def _from_elsewhere(scope: Scope) -> bool:
    """Whether a browser says that another site makes this request; following a link to the page is no such thing."""
    headers = Headers(scope=scope)
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
    following = scope["method"] in _SAFE and headers.get("sec-fetch-mode") == "navigate"
    if site not in ("none", "same-origin") and not following:
        return True
    return origin is not None and urlsplit(origin).netloc != headers.get("host", "")
