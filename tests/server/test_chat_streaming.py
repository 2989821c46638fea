"""A stream of chat completion chunks that fails on the way says so in its last event."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from starlette.requests import Request

from server.asking import Event
from server.chat_completions.reply import Reply
from server.chat_completions.streaming import chunks
from state.answer import Said
from state.errors import StoreUnavailable
from tests.server.made import citation, claim


async def _failing(error: Exception) -> AsyncIterator[Event | None]:
    yield Said(text="Said. [1]", claim=claim("Said.", citation(1, "Said.")))
    yield None
    raise error


@pytest.mark.parametrize(
    ("error", "code"),
    [(StoreUnavailable("10.0.0.7 does not answer"), "service_unavailable"), (KeyError("secret"), None)],
)
async def test_a_failure_is_the_last_event_and_gives_nothing_away(error: Exception, code: str | None) -> None:
    scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": [], "state": {}}
    reply = Reply("footnote", "http://here", len)
    pieces = [piece.decode() async for piece in chunks(Request(scope), _failing(error), reply, "?", usage=False)]
    assert "Said.[^1]" in pieces[1]
    assert pieces[2].startswith(":")
    last = json.loads(pieces[-1].removeprefix("data: "))
    assert set(last) == {"error"}
    assert last["error"]["type"] == "server_error"
    assert last["error"]["code"] == code
    assert "10.0.0.7" not in pieces[-1]
    assert "secret" not in pieces[-1]
