"""Sessions of the page: a signed cookie that says whose API key someone signed in with, and until when."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import time
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from pydantic import BaseModel, ValidationError
from starlette.requests import HTTPConnection
from starlette.responses import Response

from state.principal import Principal

_SECRET_FILE = "session.secret"


def session_secret(home: Path) -> bytes:
    """Return the secret that cookies of this data folder are signed with, its owner's to read only; made if missing."""
    home.mkdir(parents=True, exist_ok=True)
    path = home / _SECRET_FILE
    if not path.exists():
        # Written whole before it has its name, so that nobody reads half of it; the first of several stays.
        draft = home / f"{_SECRET_FILE}.{os.getpid()}.{secrets.token_hex(4)}"
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes()


class Session(NamedTuple):
    """Who signed in, and by which key."""

    principal: Principal
    key: UUID


class _Content(BaseModel):
    key: UUID
    tenant: str
    user: str
    groups: tuple[str, ...]
    can_write: bool
    until: float


class Cookies:
    """Writes and reads the cookie. Nothing in it is secret but its signature."""

    def __init__(self, secret: bytes, hours: float) -> None:
        self._secret, self._seconds = secret, int(hours * 3600)

    def write(self, request: HTTPConnection, response: Response, session: Session) -> None:
        """Add the cookie of a session that begins now to a response."""
        who = session.principal
        content = _Content(
            key=session.key,
            tenant=who.tenant,
            user=who.user,
            groups=who.groups,
            can_write=who.can_write,
            until=time.time() + self._seconds,
        )
        body = base64.urlsafe_b64encode(content.model_dump_json().encode()).decode().rstrip("=")
        secure = request.url.scheme == "https"
        response.set_cookie(
            _name(request), f"{body}.{self._sign(body)}", self._seconds, secure=secure, httponly=True, samesite="strict"
        )

    def read(self, request: HTTPConnection) -> Session | None:
        """Return the session of a request, None if there is none that is whole and not over."""
        body, _, signature = request.cookies.get(_name(request), "").rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(body).encode()):
            return None
        try:
            content = _Content.model_validate_json(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        except (ValueError, ValidationError):
            return None
        if content.until < time.time():
            return None
        who = Principal(content.tenant, content.user, content.groups, can_write=content.can_write)
        return Session(who, content.key)

    def end(self, request: HTTPConnection, response: Response) -> None:
        """Take the cookie away."""
        secure = request.url.scheme == "https"
        response.delete_cookie(_name(request), secure=secure, httponly=True, samesite="strict")

    def _sign(self, body: str) -> str:
        digest = hmac.digest(self._secret, b"footnote session\0" + body.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _name(request: HTTPConnection) -> str:
    """Return the cookie's name: under TLS with the prefix that keeps other hosts and plain HTTP from setting it."""
    return "__Host-footnote" if request.url.scheme == "https" else "footnote"
