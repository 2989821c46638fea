"""A chat completion as server-sent events: a chunk for each checked sentence, then its footnotes."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from fastapi.sse import format_sse_event
from starlette.requests import Request

from server.asking import Event
from server.chat_completions.errors import error_body
from server.chat_completions.reply import Reply
from server.problems import problem_body
from state.answer import Answer, Said

_PING = format_sse_event(comment="still working")
_DONE = format_sse_event(data_str="[DONE]")


async def chunks(
    request: Request, events: AsyncIterator[Event | None], reply: Reply, prompt: str, *, usage: bool
) -> AsyncGenerator[bytes]:
    """Yield the stream, made from the events of an answer; a failure on the way is its last event.

    With ``usage`` the tokens come in a chunk of their own before the end, and null in the others.
    """
    more = {"usage": None} if usage else {}
    yield _data(reply.chunk({"role": "assistant", "content": "", "refusal": None}) | more)
    try:
        async for event in events:
            if event is None:
                yield _PING
            elif isinstance(event, Said):
                if added := reply.take(event):
                    yield _data(reply.chunk({"content": added}) | more)
            elif isinstance(event, Answer):
                async for piece in _ending(reply, event, prompt, more):
                    yield piece
    except Exception as error:  # the status is sent already: whatever it is, it is told as the last event
        problem = problem_body(request.scope, error)
        yield _data(error_body(problem.status, problem.detail).model_dump())


async def _ending(reply: Reply, answer: Answer, prompt: str, more: dict[str, Any]) -> AsyncIterator[bytes]:
    completion = (await reply.completion(answer, prompt)).model_dump(mode="json")
    [choice] = completion["choices"]
    if notes := reply.notes():
        yield _data(reply.chunk({"content": notes, "annotations": choice["message"]["annotations"]}) | more)
    yield _data(reply.chunk({}, choice["finish_reason"]) | more | {"footnote": completion["footnote"]})
    if more:
        yield _data(reply.envelope() | {"choices": [], "usage": completion["usage"]})
    yield _DONE


def _data(value: dict[str, Any]) -> bytes:
    return format_sse_event(data_str=json.dumps(value, ensure_ascii=False, separators=(",", ":")))
