"""Conversations: a user's questions with their answers, kept as spans and read again under row-level security.

An answer's row holds no word of a document: a claim that is one quote is its span, other words lie beside it and can be
read while all the documents that they were made from can.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from state.answer import Answer
from state.errors import NotFound
from state.labels import check_label
from state.memory import ThreadInfo, Turn
from state.principal import Principal
from store.database import Connection, Database
from store.spans import read_spans
from store.turns import answer_again, cited_spans, stored_form

_TITLE_CHARS = 80


@dataclass(frozen=True)
class Threads:
    """The conversations of a database. Threads that nobody has written to for ``days`` end; None keeps them."""

    database: Database
    days: float | None = None

    async def begin(self, principal: Principal, title: str = "") -> UUID:
        """Begin a conversation, named by its first question unless it has a title; return its id."""
        thread = uuid4()
        async with self.database.session(principal, write=True) as connection:
            if self.days is not None:
                await connection.execute("select forget_threads(%s)", (self.days,))
            await connection.execute(
                """insert into threads (tenant_id, user_name, id, title)
                   values (current_tenant(), current_user_name(), %s, %s)""",
                (thread, title and check_label("title", title)),
            )
        return thread

    async def all(self, principal: Principal) -> list[ThreadInfo]:
        """Return the principal's conversations, the latest first."""
        async with self.database.session(principal) as connection:
            cursor = connection.cursor(row_factory=class_row(ThreadInfo))
            await cursor.execute(f"{_SELECT} order by updated_at desc, id")
            return await cursor.fetchall()

    async def get(self, principal: Principal, thread: UUID) -> ThreadInfo:
        """Return one conversation of the principal. Raises `NotFound`."""
        async with self.database.session(principal) as connection:
            cursor = connection.cursor(row_factory=class_row(ThreadInfo))
            await cursor.execute(f"{_SELECT} where id = %s", (thread,))
            found = await cursor.fetchone()
        if found is None:
            raise not_there(thread)
        return found

    async def history(self, principal: Principal, thread: UUID) -> list[Turn]:
        """Return the turns of a conversation, with the words that the principal may read now. Raises `NotFound`."""
        await self.get(principal, thread)
        async with self.database.session(principal) as connection:
            return [row.turn for row in await read_turns(connection, thread)]

    async def rename(self, principal: Principal, thread: UUID, title: str) -> None:
        """Give a conversation another title. Raises `NotFound` and `InvalidFilter`."""
        async with self.database.session(principal, write=True) as connection:
            cursor = await connection.execute(
                "update threads set title = %s where id = %s", (check_label("title", title), thread)
            )
            if not cursor.rowcount:
                raise not_there(thread)

    async def delete(self, principal: Principal, thread: UUID) -> None:
        """Delete a conversation with all its turns. Raises `NotFound`."""
        async with self.database.session(principal, write=True) as connection:
            if not (await connection.execute("delete from threads where id = %s", (thread,))).rowcount:
                raise not_there(thread)

    async def export(self, principal: Principal, thread: UUID) -> dict[str, Any]:
        """Return a conversation as plain JSON values, with the words that may be read now. Raises `NotFound`."""
        info = await self.get(principal, thread)
        turns = await self.history(principal, thread)
        return {**info.model_dump(mode="json"), "turns": [turn.model_dump(mode="json") for turn in turns]}


# The user's own threads are all that the policy shows.
_SELECT = """
    select id, title, created_at, updated_at,
           (select count(*) from turns t where t.tenant_id = threads.tenant_id and t.user_name = threads.user_name
            and t.thread_id = threads.id) as turns
    from threads"""


async def ensure_thread(connection: Connection, thread: UUID) -> None:
    """Begin a conversation of who asks under an id that was given to it elsewhere, unless it has begun."""
    await connection.execute(
        """insert into threads (tenant_id, user_name, id) values (current_tenant(), current_user_name(), %s)
           on conflict do nothing""",
        (thread,),
    )


async def require_thread(connection: Connection, thread: UUID) -> None:
    """Raise `NotFound` unless the thread is there, and the own one of who asks."""
    cursor = await connection.execute("select from threads where id = %s", (thread,))
    if await cursor.fetchone() is None:
        raise not_there(thread)


@dataclass(frozen=True, slots=True)
class TurnRow:
    """A stored turn with its words, and the checkpoint of the graph after it."""

    number: int
    checkpoint_id: str
    checkpoint: dict[str, Any]
    documents: tuple[UUID, ...]
    turn: Turn


async def read_turns(
    connection: Connection, thread: UUID, *, latest: int | None = None, up_to: str | None = None
) -> list[TurnRow]:
    """Return the turns of a thread in order, the ``latest`` only, up to a checkpoint."""
    cursor = await connection.execute(
        """select number, checkpoint_id, checkpoint, question, answer, asked_at,
                  (select body from derived_texts where turn_id = turns.id)
           from turns where tenant_id = (select current_tenant()) and user_name = (select current_user_name())
           and thread_id = %(thread)s and (%(up_to)s::text is null or checkpoint_id <= %(up_to)s)
           order by number desc limit %(latest)s""",
        {"thread": thread, "up_to": up_to, "latest": latest},
    )
    rows = (await cursor.fetchall())[::-1]
    stored = await read_spans(connection, [key for row in rows for key in cited_spans(row[4])])
    turns = []
    for number, checkpoint_id, checkpoint, question, body, asked_at, words in rows:
        answer, withheld = answer_again(body, stored, words)
        documents = tuple(UUID(one) for one in body["documents"])
        turn = Turn(asked_at=asked_at, question=question, answer=answer, withheld=withheld)
        turns.append(TurnRow(number, checkpoint_id, checkpoint, documents, turn))
    return turns


async def add_turn(
    connection: Connection,
    thread: UUID,
    question: str,
    answer: Answer,
    documents: Collection[UUID],
    checkpoint: tuple[str, dict[str, Any]],
) -> None:
    """Add a turn to a thread in the caller's transaction. Raises `NotFound`."""
    cursor = await connection.execute("select from threads where id = %s for update", (thread,))
    if await cursor.fetchone() is None:
        raise not_there(thread)
    body, words = stored_form(answer, documents)
    await connection.execute(
        _ADD,
        {
            "id": uuid4(),
            "thread": thread,
            "title": _title(question),
            "checkpoint_id": checkpoint[0],
            "checkpoint": Jsonb(checkpoint[1]),
            "question": question,
            "answer": Jsonb(body),
            "documents": list(documents),
            "words": Jsonb(words) if words else None,
        },
    )


# With the thread's row locked before, so that the number is the next one.
_ADD = """
    with named as (
        update threads set updated_at = now(), title = case when title = '' then %(title)s else title end
        where id = %(thread)s),
    added as (
        insert into turns (id, tenant_id, user_name, thread_id, number, checkpoint_id, checkpoint, question, answer)
        select %(id)s, current_tenant(), current_user_name(), %(thread)s, coalesce(max(number), 0) + 1,
               %(checkpoint_id)s, %(checkpoint)s, %(question)s, %(answer)s
        from turns where thread_id = %(thread)s
        and tenant_id = (select current_tenant()) and user_name = (select current_user_name()))
    insert into derived_texts (tenant_id, user_name, turn_id, documents, body)
    select current_tenant(), current_user_name(), %(id)s, %(documents)s::uuid[], %(words)s::jsonb
    where %(words)s::jsonb is not null"""


def _title(question: str) -> str:
    return question if len(question) <= _TITLE_CHARS else question[: _TITLE_CHARS - 1].rstrip() + "…"


def not_there(thread: UUID) -> NotFound:
    """Return what to raise for a conversation that is not there, or another's."""
    return NotFound(f"There is no conversation {thread} of yours; `footnote threads list` shows them.")
