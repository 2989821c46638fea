"""The LangGraph server's memory of threads: the conversations of `store.threads`, each of whoever asks.

What comes with the server keeps whole states, with the words of documents, in files beside the program. Here a turn is
its question and the spans of its answer, read again under row-level security each time: what was revoked is gone from a
thread too. The same conversations are those of `footnote threads`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
from starlette.authentication import BaseUser

from state.errors import NotFound
from state.identity import NotAuthenticated, principal_of, signed_in
from state.principal import Principal
from store.checkpoints import ThreadSaver, thread_id
from store.threads import ensure_thread


async def served_threads() -> ServedThreads:
    """Return the memory of this process's application, for langgraph.json."""
    from graph.app import served_application

    return ServedThreads((await served_application()).database)


class ServedThreads(ThreadSaver):
    """A `ThreadSaver` for the users that the LangGraph server has authenticated.

    The server knows threads before they have an answer; here they begin with their first one.
    """

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a thread as it was after its last answer; None if it has none."""
        with signed_in(_asking(config)):
            try:
                found = await super().aget_tuple(config)
            except NotFound:
                return None
        return found and _as_the_server_counts(found)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Yield a thread as it was after each of its answers, the latest first."""
        with signed_in(_asking(config)):  # not around a yield: in between, the context is the reader's
            listed = [one async for one in super().alist(config, filter=filter, before=before, limit=limit)]
        for found in listed:
            yield _as_the_server_counts(found)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Keep the turn that a run has answered."""
        principal = _asking(config)
        if checkpoint["channel_values"].get("answer"):
            async with self._database.session(principal, write=True) as connection:
                await ensure_thread(connection, thread_id(config))
        with signed_in(principal):
            return await super().aput(config, _as_we_count(checkpoint), metadata, new_versions)

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete a thread of whoever asks."""
        with signed_in(_asking(None)):
            await super().adelete_thread(thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete nothing: a run that was taken back was not answered, and so left no trace."""

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Delete threads, or nothing: what is kept of an earlier turn is the turn."""
        if strategy != "keep_latest":
            for thread in thread_ids:
                await self.adelete_thread(str(thread))


def _asking(config: RunnableConfig | None) -> Principal:
    """Return who asks: the user of the request, or of the run, for which the server puts one into its configuration.

    A client can send a configuration of its own, but no user: what it sends is plain JSON. Raises `NotAuthenticated`.
    """
    from langgraph_api.utils import get_auth_ctx

    user: Any = ((config or {}).get("configurable") or {}).get("langgraph_auth_user")
    if not isinstance(user, BaseUser):
        request = get_auth_ctx()
        user = request.user if request is not None else None
    if user is None or not user.is_authenticated:
        raise NotAuthenticated("This server keeps threads of signed-in users only: send an API key.")
    return principal_of(user)


def _as_the_server_counts(found: CheckpointTuple) -> CheckpointTuple:
    """Return a thread with versions as the server has them, texts that sort like numbers."""
    checkpoint = found.checkpoint.copy()
    checkpoint["channel_versions"] = _texts(checkpoint["channel_versions"])
    checkpoint["versions_seen"] = {node: _texts(seen) for node, seen in checkpoint["versions_seen"].items()}
    return found._replace(checkpoint=checkpoint)


def _as_we_count(checkpoint: Checkpoint) -> Checkpoint:
    """Return a checkpoint with numbers as versions, as the threads of the other faces have them."""
    counted = checkpoint.copy()
    counted["channel_versions"] = _numbers(checkpoint["channel_versions"])
    counted["versions_seen"] = {node: _numbers(seen) for node, seen in checkpoint["versions_seen"].items()}
    return counted


def _texts(versions: ChannelVersions) -> ChannelVersions:
    return {channel: f"{int(version):032}.{0:.16f}" for channel, version in versions.items()}


def _numbers(versions: ChannelVersions) -> ChannelVersions:
    return {channel: int(str(version).partition(".")[0]) for channel, version in versions.items()}
