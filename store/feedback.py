"""What readers think of answers: by receipt a thumb, a reason and the right answer; the latest counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from psycopg.rows import class_row
from pydantic import BaseModel, ConfigDict

from state.errors import InvalidFilter, NotFound
from state.labels import is_storable
from state.principal import Principal
from store.database import Database

Thumb = Literal["up", "down"]
MAX_REASON = 2000  # characters, and of a correction


class Opinion(BaseModel):
    """What a user thinks of the answer with that receipt, why, and what the right one would have been."""

    model_config = ConfigDict(frozen=True)

    receipt: UUID
    thumb: Thumb
    reason: str
    correction: str
    given_at: datetime


@dataclass(frozen=True)
class Feedback:
    """The opinions in a database. Each user sees their own only, of their own answers only."""

    database: Database

    async def give(
        self, principal: Principal, receipt: UUID, thumb: Thumb, reason: str = "", correction: str = ""
    ) -> None:
        """Keep an opinion in place of an earlier one on the same answer.

        Raises:
            NotFound: the principal has no such receipt.
            InvalidFilter: the reason or the correction is too long, or no text.
        """
        for what, text in (("reason", reason), ("correction", correction)):
            if len(text) > MAX_REASON or not is_storable(text):
                raise InvalidFilter(f"Unusable {what}: write at most {MAX_REASON} characters of text.")
        async with self.database.session(principal, write=True) as connection:
            cursor = await connection.execute(
                """insert into feedback (tenant_id, user_name, receipt_id, thumb, reason, correction)
                   select current_tenant(), current_user_name(), id, %(thumb)s, %(reason)s, %(correction)s
                   from receipts where id = %(receipt)s
                   on conflict (receipt_id, tenant_id, user_name) do update
                   set thumb = excluded.thumb, reason = excluded.reason, correction = excluded.correction,
                       given_at = now()""",
                {"receipt": receipt, "thumb": thumb, "reason": reason.strip(), "correction": correction.strip()},
            )
            if not cursor.rowcount:
                raise NotFound(f"There is no receipt {receipt} of yours.")

    async def all(self, principal: Principal) -> list[Opinion]:
        """Return the principal's opinions, the latest first."""
        async with self.database.session(principal) as connection:
            cursor = connection.cursor(row_factory=class_row(Opinion))
            await cursor.execute(
                """select receipt_id as receipt, thumb, reason, correction, given_at from feedback
                   order by given_at desc, receipt_id"""
            )
            return await cursor.fetchall()
