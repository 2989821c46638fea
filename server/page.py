"""Who is at the page: the local user on this machine, or whoever signed in with an API key.

Taken for the local user is only who asks from this machine, at an address of this machine, a server that listens on
this machine alone. A web page elsewhere can make a browser send requests here, also under a name of its own that leads
to 127.0.0.1: the first are told by where the browser says they come from, the second by the name they ask for.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from graph.application import Application
from server.addresses import is_loopback
from server.headers import is_api
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
