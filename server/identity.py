"""Who calls the API: the API key in ``Authorization: Bearer fn_…``, before anything else of a request is read."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from graph.application import Application
from server.headers import needs_key
from server.limits import Buckets, too_many
from server.problems import RefusedRequest, respond
from state.errors import FootnoteError
from state.identity import NotAuthenticated
from state.principal import Principal
from store.keys import Scope as KeyScope

log = logging.getLogger("footnote.server")

_ASK_FOR_KEY = "Send an API key as 'Authorization: Bearer fn_…'; whoever runs this server gives you one."


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose key it is, what it may be used for, and its id."""

    principal: Principal
    scopes: frozenset[KeyScope]
    key: UUID


class ApiKeys:
    """Lets only requests to the API through that carry a good key, at the rate that a key may have.

    Bodies are not read before that: who has no key cannot make this server store an upload.
    """

    def __init__(self, app: ASGIApp, requests: Buckets) -> None:
        self._app = app
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on as its caller's, or refuse it."""
        if scope["type"] != "http" or not needs_key(scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            scope["state"]["caller"] = await self._caller(scope)
        except FootnoteError as error:
            await respond(scope, error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _caller(self, scope: Scope) -> Caller:
        # Wrong keys are not counted: none of 256 random bits is guessed, and good ones may come from the same address.
        caller = await check_key(opened(scope), bearer_of(scope))
        if seconds := self._requests.wait(caller.key):
            raise too_many("This key has made as many requests as it may for now.", seconds)
        return caller


def bearer_of(scope: Scope) -> str:
    """Return the key that a request carries. Raises `NotAuthenticated` if there is none."""
    scheme, _, key = Headers(scope=scope).get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise NotAuthenticated(_ASK_FOR_KEY)
    return key.strip()


async def check_key(application: Application, key: str) -> Caller:
    """Return whose key it is. Raises `NotAuthenticated` and `StoreUnavailable`."""
    return Caller(*await application.keys.check(key))


def opened(scope: Scope) -> Application:
    """Return the application that this process has open."""
    application: Application = scope["app"].state.application
    return application


_bearer = HTTPBearer(
    scheme_name="api_key", bearerFormat="fn_…", description="`footnote keys create NAME` makes one.", auto_error=False
)


def _allowed(scope: KeyScope) -> Callable[..., Awaitable[Principal]]:
    # The key itself was checked before; as a parameter the OpenAPI document shows that it is needed.
    async def principal(
        request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
    ) -> Principal:
        caller: Caller = request.state.caller
        if scope not in caller.scopes:
            raise RefusedRequest(403, "missing-scope", f"This key does not have the scope '{scope}', which this needs.")
        return caller.principal

    return principal


async def _application(request: Request) -> Application:
    return opened(request.scope)


Opened = Annotated[Application, Depends(_application)]
Asking = Annotated[Principal, Depends(_allowed("ask"))]
Writing = Annotated[Principal, Depends(_allowed("write"))]
