"""LangGraph's memory of a thread, over our own sessions and tables.

The checkpointer that comes with LangGraph for Postgres keeps a run's whole state as opaque bytes, in tables without a
tenant: the words of a document would stay in them after it is revoked or erased, and row-level security would have
nothing to go by. This one keeps what the next turn needs, the questions and answers, as `store.threads` does: one row
for each answered question, in a transaction of who asks.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from langchain_core.messages import AnyMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
)

from state.answer import Answer
from state.errors import InvalidFilter
from state.identity import current_principal
from state.messages import answer_message
from store.database import Connection, Database
from store.threads import TurnRow, add_turn, read_turns, require_thread

_LATEST = 12  # turns that a question is read with


class ThreadSaver(BaseCheckpointSaver[int]):
    """Keeps the threads of whoever is signed in (`state.identity.signed_in`); others' do not exist for them.

    A run that was not answered leaves no trace: its thread goes on from the last answer. For graphs that run with
    ``durability="exit"``; there is nothing to resume, and sub-graphs have no memory of their own.
    """

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a thread as it was after its last answer, or after the one of a checkpoint id; None if it is new.

        Raises `NotFound` for a thread that was not begun by who asks.
        """
        asked = config["configurable"]
        if asked.get("checkpoint_ns"):
            return None
        async with self._database.session(current_principal()) as connection:
            rows = await read_turns(
                connection, thread_id(config), latest=_LATEST, up_to=asked.get("checkpoint_id") or None
            )
            if not rows:
                await require_thread(connection, thread_id(config))
        return _tuple(config, rows) if rows else None

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Yield a thread as it was after each of its answers, the latest first; ``filter`` has nothing to go by."""
        if config is None:
            return
        async with self._database.session(current_principal()) as connection:
            rows = await read_turns(connection, thread_id(config))
        end = before["configurable"].get("checkpoint_id") if before else None
        for count in range(len(rows), 0, -1):
            if limit is not None and limit <= 0:
                return
            if end is None or rows[count - 1].checkpoint_id < end:
                limit = None if limit is None else limit - 1
                yield _tuple(config, rows[max(0, count - _LATEST) : count])

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Keep the turn that a run has answered. Raises `NotFound` for a thread that is gone."""
        asked = config["configurable"]
        values = checkpoint["channel_values"]
        if values.get("answer") and not asked.get("checkpoint_ns"):
            question, documents = _latest_turn(values["messages"])
            kept = {
                "ts": checkpoint["ts"],
                "versions": checkpoint["channel_versions"],
                "seen": checkpoint["versions_seen"],
                "step": metadata.get("step", 0),
            }
            async with self._database.session(current_principal(), write=True) as connection:
                await _add(connection, config, question, Answer.model_validate(values["answer"]), documents,
                           (checkpoint["id"], kept))  # fmt: skip
        return _config(config, checkpoint["id"])

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Keep nothing of a run that has not been answered."""

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Return nothing: every checkpoint is whole. Without this, LangGraph walks through all turns for the rest."""
        return {}

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete a thread of who is signed in."""
        async with self._database.session(current_principal(), write=True) as connection:
            await connection.execute("delete from threads where id = %s", (_uuid(thread_id),))


def thread_id(config: RunnableConfig) -> UUID:
    """Return the thread that a run belongs to. Raises `InvalidFilter` if its id is none."""
    return _uuid(config["configurable"]["thread_id"])


def _uuid(value: Any) -> UUID:
    try:
        return UUID(str(value))
    except ValueError as error:
        raise InvalidFilter(f"{str(value)[:40]!r} is not the id of a conversation.") from error


async def _add(
    connection: Connection,
    config: RunnableConfig,
    question: str,
    answer: Answer,
    documents: list[UUID],
    checkpoint: tuple[str, dict[str, Any]],
) -> None:
    await add_turn(connection, thread_id(config), question, answer, documents, checkpoint)


def _latest_turn(messages: Sequence[AnyMessage]) -> tuple[str, list[UUID]]:
    """Return the last question, and the documents that the answer to it was made from."""
    question = next((str(message.text) for message in reversed(messages) if message.type == "human"), "")
    return question, [UUID(one) for one in messages[-1].additional_kwargs.get("documents", ())]


def _config(config: RunnableConfig, checkpoint_id: str) -> RunnableConfig:
    asked = config["configurable"]
    return {
        "configurable": {
            "thread_id": asked["thread_id"],
            "checkpoint_ns": asked.get("checkpoint_ns", ""),
            "checkpoint_id": checkpoint_id,
        }
    }


def _tuple(config: RunnableConfig, rows: Sequence[TurnRow]) -> CheckpointTuple:
    """Return a thread after the last of some turns: its messages, and nothing else of the state."""
    messages: list[AnyMessage] = []
    for row in rows:
        messages.append(HumanMessage(row.turn.question, id=f"{row.checkpoint_id}-question"))
        messages.append(answer_message(row.turn.answer, row.documents, f"{row.checkpoint_id}-answer"))
    last = rows[-1]
    checkpoint = Checkpoint(
        v=4,
        id=last.checkpoint_id,
        ts=last.checkpoint["ts"],
        channel_values={"messages": messages},
        channel_versions=last.checkpoint["versions"],
        versions_seen=last.checkpoint["seen"],
        updated_channels=None,
    )
    return CheckpointTuple(
        config=_config(config, last.checkpoint_id),
        checkpoint=checkpoint,
        metadata=CheckpointMetadata(source="loop", step=last.checkpoint["step"], parents={}),
        parent_config=_config(config, rows[-2].checkpoint_id) if len(rows) > 1 else None,
        pending_writes=[],
    )
