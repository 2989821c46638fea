"""Who may use the LangGraph server, and for what.

A request is made by whoever holds an API key, or by the local user with the token in the data folder. Everything is
refused that is not allowed here by name. Clients may ask on threads of their own, read and delete them; they may not
jump inside the graph, stop in it or write its state, for that could pass by the checks (`server.runs`).
"""

from __future__ import annotations

import asyncio
import hmac
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langgraph_sdk import Auth

from server.runs import allowed_run
from settings import settings
from state.errors import StoreUnavailable
from state.identity import NotAuthenticated

if TYPE_CHECKING:
    from settings import Settings
    from state.principal import Principal

auth = Auth()
TOKEN_FILE = "langgraph.token"
_KEY = "fn_"  # how API keys begin (`store.keys`)
_OWNED = ("tenant", "owner")  # of a thread's metadata
_GRAPH = ("graph_id", "assistant_id")  # by which the server finds what runs on a thread


def local_token(home: Path) -> str:
    """Return the token of this data folder, readable by its owner only; made when there is none."""
    path = home / TOKEN_FILE
    home.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        token = secrets.token_urlsafe(32)
        file.write(token)
    return token


@auth.authenticate
async def authenticate(authorization: str | None, headers: dict[bytes, bytes]) -> Auth.types.MinimalUserDict:
    """Take ``Authorization: Bearer …`` or ``X-Api-Key: …`` with an API key or the local token."""
    scheme, _, given = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        given = headers.get(b"x-api-key", b"").decode("latin-1")
    try:
        user = await _key_user(given.strip()) if given.startswith(_KEY) else await _local_user(given.strip())
    except StoreUnavailable as error:
        raise Auth.exceptions.HTTPException(status_code=503, detail=str(error)) from error
    except NotAuthenticated as error:
        raise Auth.exceptions.HTTPException(status_code=401, detail=str(error)) from error
    return user  # type: ignore[no-any-return]


async def _key_user(key: str) -> Any:
    from graph.app import served_application

    application = await served_application()
    principal, scopes, _ = await application.keys.check(key)
    return _user(principal, sorted(scopes))


async def _local_user(given: str) -> Any:
    from state.principal import local_principal

    configuration: Settings = await asyncio.to_thread(settings)
    token = await asyncio.to_thread(local_token, configuration.home)
    if not hmac.compare_digest(given.encode(), token.encode()):
        raise NotAuthenticated(
            "Send 'Authorization: Bearer …' with an API key (`footnote keys create NAME`), or with the token in "
            f"{TOKEN_FILE} of FOOTNOTE_HOME."
        )
    return _user(local_principal(configuration), ["ask", "write"])


def _user(principal: Principal, scopes: list[str]) -> dict[str, Any]:
    """Return a user as the LangGraph server takes it; `state.identity.identify` makes a principal of it again."""
    return {
        "identity": principal.user,
        "is_authenticated": True,
        "permissions": scopes,
        "tenant": principal.tenant,
        "groups": list(principal.groups),
        "can_write": principal.can_write,
    }


def _own(ctx: Auth.types.AuthContext) -> dict[str, str]:
    """Return the metadata that a user's threads have, and nobody else's."""
    return dict(zip(_OWNED, (ctx.user["tenant"], ctx.user.identity), strict=True))


def _refused(detail: str, status: int = 403) -> Exception:
    return Auth.exceptions.HTTPException(status_code=status, detail=detail)


@auth.on
async def refuse(ctx: Auth.types.AuthContext, value: Any) -> bool:
    """Refuse what no handler below allows."""
    return False


@auth.on(resources="assistants", actions=["read", "search"])
async def read_assistants(ctx: Auth.types.AuthContext, value: Any) -> dict[str, str]:
    """Let clients see the graph that there is; nobody makes another, with settings of their own in it."""
    return {"created_by": "system"}


@auth.on.threads.create
async def create_thread(ctx: Auth.types.AuthContext, value: Any) -> dict[str, str]:
    """Mark a thread with its owner. Copies, which come without metadata, are refused: a thread is kept once."""
    if "metadata" not in value:
        raise _refused("Threads are not copied; begin another.")
    value["metadata"].update(_own(ctx))
    return _own(ctx)


@auth.on(resources="threads", actions=["read", "search", "delete"])
async def own_threads(ctx: Auth.types.AuthContext, value: Any) -> dict[str, str]:
    """Let users see and delete their own threads."""
    return _own(ctx)


@auth.on.threads.update
async def update_thread(ctx: Auth.types.AuthContext, value: Any) -> dict[str, str]:
    """Let users cancel runs on threads of their own and name these; whatever would write their state is refused."""
    if value.get("action"):  # of a run
        return _own(ctx)
    metadata = value.get("metadata")
    if metadata is None:
        raise _refused("The state of a thread is not written: ask a question on it.")
    if any(key in metadata for key in _GRAPH):
        raise _refused(f"A thread's {' and '.join(_GRAPH)} are not changed.")
    metadata.update(_own(ctx))
    return _own(ctx)


@auth.on.threads.create_run
async def create_run(ctx: Auth.types.AuthContext, value: Any) -> dict[str, str]:
    """Let whoever may ask run the graph from its start, on a thread of their own or on none."""
    if "ask" not in ctx.permissions:
        raise _refused("This key may not ask: give it the scope 'ask'.")
    if why := allowed_run(value):
        raise _refused(*why)
    value.setdefault("metadata", {}).update(_own(ctx))
    return _own(ctx)
