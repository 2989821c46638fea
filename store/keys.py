"""Keys of the API: each acts as one user, is shown once, and is kept as the hash of its secret."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, get_args
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import class_row
from pydantic import BaseModel, ConfigDict

from state.access import parse_access
from state.errors import FootnoteError, InvalidFilter, NotAuthenticated, NotFound, NotPermitted
from state.labels import check_label
from state.principal import Principal
from store.database import Database

Scope = Literal["ask", "write"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

_PREFIX = "fn_"
_ID_BYTES, _SECRET_BYTES = 16, 32
_LENGTH = len(_PREFIX) + (_ID_BYTES + _SECRET_BYTES) * 4 // 3
_NOBODY = Principal(tenant="", user="")  # who has not said yet who they are: sees no row of any table


class KeyInfo(BaseModel):
    """A key without its secret: whom it acts as, and what it may be used for."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    name: str
    user: str
    groups: list[str]
    scopes: list[Scope]
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


class _Known(NamedTuple):
    """What is kept of a key that may be used; ``due`` if its use has not been noted for a minute."""

    hash: bytes
    tenant: str
    user: str
    groups: list[str]
    scopes: list[Scope]
    due: bool


@dataclass(frozen=True)
class Keys:
    """The keys of a database."""

    database: Database

    async def create(
        self,
        principal: Principal,
        name: str,
        *,
        user: str | None = None,
        groups: Sequence[str] = (),
        scopes: Sequence[Scope] = SCOPES,
    ) -> tuple[KeyInfo, str]:
        """Make a key of the principal's tenant; return what is known of it, and the key, which nobody can show again.

        It acts as ``user``, or as a user of the key's own name (blanks as hyphens). This is for the operator: whoever
        may call it can become any user of the tenant, so no face offers it over the network.

        Raises:
            NotPermitted: the principal may not write.
            InvalidFilter: the name, the user, a group or a scope is none.
        """
        if not principal.can_write:
            raise NotPermitted(f"{principal.user} may not make API keys; ask someone who may.")
        check_label("name", name)
        user = "-".join(name.split()) if user is None else user
        parse_access([f"user:{user}", *(f"group:{group}" for group in groups)])
        if not scopes or not set(scopes) <= set(SCOPES):
            raise InvalidFilter(f"Unusable scopes {', '.join(scopes) or 'none'}: choose of {', '.join(SCOPES)}.")
        key_id, secret = uuid4(), secrets.token_bytes(_SECRET_BYTES)
        async with self.database.session(principal, write=True) as connection:
            cursor = connection.cursor(row_factory=class_row(KeyInfo))
            await cursor.execute(
                f"""insert into api_keys (id, tenant_id, hash, name, user_name, groups, scopes, created_by)
                    values (%s, current_tenant(), %s, %s, %s, %s, %s, current_user_name()) returning {_COLUMNS}""",
                (key_id, hashlib.sha256(secret).digest(), name, user, sorted(set(groups)), sorted(set(scopes))),
            )
            [info] = await cursor.fetchall()
        return info, _PREFIX + base64.urlsafe_b64encode(key_id.bytes + secret).decode()

    async def check(self, key: str) -> tuple[Principal, frozenset[Scope], UUID]:
        """Return whom a key acts as, what it may be used for, and its id. Raises `NotAuthenticated`.

        It is looked up each time, so that a revoked key stops at once.
        """
        key_id, secret = _parts(key)
        async with self.database.session(_NOBODY) as connection:
            row = await (await connection.execute("select * from api_key(%s)", (key_id,))).fetchone()
        known = _Known(*row) if row else None
        if known is None or not hmac.compare_digest(hashlib.sha256(secret).digest(), known.hash):
            raise _refused()
        principal = Principal(known.tenant, known.user, tuple(known.groups), can_write="write" in known.scopes)
        if known.due:
            await self._note_use(principal, key_id)
        return principal, frozenset(known.scopes), key_id

    async def all(self, principal: Principal) -> list[KeyInfo]:
        """Return the keys that the principal made or that act as them, the revoked ones too, by when they were made."""
        async with self.database.session(principal) as connection:
            cursor = connection.cursor(row_factory=class_row(KeyInfo))
            await cursor.execute(f"select {_COLUMNS} from api_keys order by created_at, id")
            return await cursor.fetchall()

    async def revoke(self, principal: Principal, key_id: UUID) -> None:
        """End a key for good; one that is ended already stays so. Raises `NotFound`."""
        async with self.database.session(principal, write=True) as connection:
            cursor = await connection.execute(
                "update api_keys set revoked_at = coalesce(revoked_at, now()) where id = %s", (key_id,)
            )
            if not cursor.rowcount:
                raise NotFound(f"There is no API key {key_id} of yours; `footnote keys list` shows them.")

    async def _note_use(self, principal: Principal, key_id: UUID) -> None:
        """Note that a key is in use, at most once a minute whatever the number of requests and processes."""
        # A database that takes no changes just now is no reason to refuse who has a good key.
        with contextlib.suppress(FootnoteError, psycopg.Error):
            async with self.database.session(principal, write=True) as connection:
                await connection.execute(
                    """update api_keys set last_used_at = now()
                       where id = %s and (last_used_at is null or last_used_at < now() - interval '1 minute')""",
                    (key_id,),
                )


_COLUMNS = "id, name, user_name as user, groups, scopes, created_at, last_used_at, revoked_at"


def _parts(key: str) -> tuple[UUID, bytes]:
    """Return a key's id and its secret. Raises `NotAuthenticated`."""
    encoded = key.removeprefix(_PREFIX)
    if len(key) != _LENGTH or encoded == key or not key.isascii():
        raise _refused()
    try:
        decoded = base64.b64decode(encoded, altchars=b"-_", validate=True)
    except ValueError as error:
        raise _refused() from error
    return UUID(bytes=decoded[:_ID_BYTES]), decoded[_ID_BYTES:]


def _refused() -> NotAuthenticated:
    """Return the same for every key that is not good: nobody learns whether there is one of that id."""
    return NotAuthenticated(
        "This API key is not known here, or was revoked: `footnote keys create NAME` makes another one."
    )
