"""Who may use the LangGraph server: whoever holds the token in the data folder, as the local user.

Everything is refused that is not allowed here by name. Clients may run the graph on threads of their own; they may
not jump inside it or write its state, for that could pass by the checks.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import secrets
from pathlib import Path
from typing import Any

from langgraph_sdk import Auth

from settings import settings

auth = Auth()
TOKEN_FILE = "langgraph.token"


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
async def authenticate(authorization: str | None) -> Auth.types.MinimalUserDict:
    """Take ``Authorization: Bearer TOKEN`` for the local user."""
    configuration = await asyncio.to_thread(settings)
    token = await asyncio.to_thread(local_token, configuration.home)
    scheme, _, given = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
        raise Auth.exceptions.HTTPException(
            status_code=401, detail=f"Send 'Authorization: Bearer …' with the token in {TOKEN_FILE} of FOOTNOTE_HOME."
        )
    user: Any = {
        "identity": configuration.user,
        "is_authenticated": True,
        "tenant": configuration.tenant,
        "groups": [],
    }
    return user  # type: ignore[no-any-return]


@auth.on
async def refuse(ctx: Auth.types.AuthContext, value: Any) -> bool:
    """Refuse what no handler below allows."""
    return False


@auth.on(resources="assistants", actions=["read", "search"])
async def read_assistants(ctx: Auth.types.AuthContext, value: Any) -> bool:
    """Let clients see which graphs there are."""
    return True


@auth.on.threads.create
async def create_thread(ctx: Auth.types.AuthContext, value: Any) -> dict[str, str]:
    """Mark a thread with its owner."""
    owner = {"owner": ctx.user.identity}
    value.setdefault("metadata", {}).update(owner)
    return owner


@auth.on(resources="threads", actions=["read", "search", "delete"])
async def own_threads(ctx: Auth.types.AuthContext, value: Any) -> dict[str, str]:
    """Let users see and delete their own threads."""
    return {"owner": ctx.user.identity}


@auth.on.threads.create_run
async def create_run(ctx: Auth.types.AuthContext, value: Any) -> dict[str, str]:
    """Let users run the graph from its start: no command, no checkpoint of their choosing, no interrupts."""
    asked = {**value, **(value.get("kwargs") or {})}
    for forbidden in ("command", "interrupt_before", "interrupt_after", "checkpoint", "checkpoint_id"):
        if asked.get(forbidden):
            raise Auth.exceptions.HTTPException(status_code=403, detail=f"A run may not set '{forbidden}'.")
    owner = {"owner": ctx.user.identity}
    value.setdefault("metadata", {}).update(owner)
    return owner
