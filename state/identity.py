"""Finding out who asks: the LangGraph server's authenticated user, or the principal that a face has signed in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from langgraph.runtime import Runtime

from state.errors import NotAuthenticated
from state.principal import Principal

_signed_in: ContextVar[Principal | None] = ContextVar("footnote_principal", default=None)


@contextmanager
def signed_in(principal: Principal) -> Iterator[None]:
    """Run what is inside as ``principal``: the faces of this program wrap each request in it."""
    token = _signed_in.set(principal)
    try:
        yield
    finally:
        _signed_in.reset(token)


def identify(runtime: Runtime[Any]) -> Principal:
    """Return who asks. Nothing that a client sends as input, context or state can change it.

    Raises:
        NotAuthenticated: nobody is signed in.
    """
    if runtime.server_info is not None:
        user = runtime.server_info.user
        if user is None or not user.is_authenticated:
            raise NotAuthenticated("This server answers signed-in users only: send an API key.")
        return principal_of(user)
    return current_principal()


def principal_of(user: Any) -> Principal:
    """Return the principal that a user of the LangGraph server is, as `server.auth` has authenticated them."""
    groups, can_write = tuple(user["groups"]), bool(user["can_write"])
    return Principal(tenant=user["tenant"], user=user.identity, groups=groups, can_write=can_write)


def current_principal() -> Principal:
    """Return who is signed in by a face of this program. Raises `NotAuthenticated`."""
    principal = _signed_in.get()
    if principal is None:
        raise NotAuthenticated("Nobody is signed in for this run: wrap it in state.identity.signed_in(principal).")
    return principal


__all__ = ["NotAuthenticated", "current_principal", "identify", "principal_of", "signed_in"]
