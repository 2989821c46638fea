"""`/v1/chat/completions` and `/v1/models`, as OpenAI defines them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import JSONResponse, Response

from server.asking import Event, Stream, Told, while_connected
from server.chat_completions.errors import ErrorBody, RefusedCompletion
from server.chat_completions.reply import Reply
from server.chat_completions.request import MODELS, ChatCompletionRequest, asked, preset_of, refusal
from server.chat_completions.schema import ChatCompletion, Model, ModelList
from server.chat_completions.streaming import chunks
from server.identity import Asking, Opened
from state.answer import Answer, Said, Step
from state.errors import InvalidQuestion, QuestionTooLong
from state.run import RunContext, in_time

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_MADE = 1767225600  # 2026-01-01: the models are ways of answering, and none is newer than another
_REASONS: dict[int | str, str] = {
    400: "The request cannot be answered as it is: `param` and `code` say what in it.",
    401: "No API key, or one that is unknown or revoked.",
    403: "The key does not have the scope for this.",
    404: "There is no such model.",
    413: "The body is larger than this server takes.",
    429: "Too many requests, or too much work in progress: `Retry-After` says when to come again.",
    "4XX": "Any other mistake in the request.",
    500: "A failure that should not be: the request id finds it in the log.",
    503: "The database or a model does not answer.",
    504: "The answer took longer than this server allows.",
}


_EVENT = {
    "type": "object",
    "properties": {"data": {"type": "string", "description": "A `chat.completion.chunk` as JSON, or `[DONE]`."}},
    "required": ["data"],
}


def _failures(*less: int) -> dict[int | str, dict[str, Any]]:
    """Return what the OpenAPI document says of failures, but for those with the statuses given."""
    return {
        status: {"description": reason, "model": ErrorBody} for status, reason in _REASONS.items() if status not in less
    }


class _OpenAIRoute(APIRoute):
    """A route that says what is wrong with a request as OpenAI does, with the parameter and a code."""

    def get_route_handler(self) -> Handler:
        """Return the handler, with its refusals answered."""
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                return refusal(error.errors()).response()
            except QuestionTooLong as error:
                return RefusedCompletion(str(error), "messages", "context_length_exceeded").response()
            except InvalidQuestion as error:
                return RefusedCompletion(str(error), "messages", "invalid_value").response()
            except RefusedCompletion as error:
                return error.response()

        return handler


routes = APIRouter(prefix="/v1", tags=["OpenAI"], route_class=_OpenAIRoute)


@routes.get("/models", responses=_failures(400, 404, 504))
async def models(principal: Asking) -> ModelList:
    """List the models: ways of answering, by how much is done to understand the question."""
    return ModelList(data=[Model(id=name, created=_MADE) for name in MODELS])


@routes.get("/models/{model}", responses=_failures(400, 504))
async def model(model: str, principal: Asking) -> Model:
    """Return a model by its name."""
    preset_of(model)
    return Model(id=model, created=_MADE)


@routes.post(
    "/chat/completions",
    response_model=ChatCompletion,
    responses=_failures()
    | {
        200: {
            "description": "The answer; with `stream`, as `chat.completion.chunk` events up to `data: [DONE]`.",
            "content": {"text/event-stream": {"itemSchema": _EVENT}},
        }
    },
)
async def complete(request: Request, body: ChatCompletionRequest, principal: Asking, application: Opened) -> Response:
    """Answer the last message from the documents that the key's user may see, each sentence with checked footnotes."""
    question = asked(body)
    settings = request.app.state.settings
    seconds: float = settings.question_seconds
    events = application.stream(
        principal,
        question.question,
        context=in_time(RunContext(preset=question.preset), seconds),
        history=question.history,
    )
    told = await Told(events, request.app.state.questions, seconds).begin(request)
    site = str(request.base_url).rstrip("/")
    reply = Reply(body.model, site, application.counter.count, body.most_tokens)
    prompt = "\n".join(message.text for message in body.messages)
    if body.stream:
        return await _streamed(request, told, reply, prompt, usage=body.counts_stream)
    async with aclosing(told):
        return JSONResponse(await while_connected(request, _whole(told, reply, prompt), seconds))


async def _whole(told: Told, reply: Reply, prompt: str) -> dict[str, Any]:
    """Return the completion, once the answer is there."""
    async for event in told.events():
        if isinstance(event, Said):
            reply.take(event)
        elif isinstance(event, Answer):
            return (await reply.completion(event, prompt)).model_dump(mode="json")
    raise RuntimeError("The answer ended without its end.")


async def _streamed(request: Request, told: Told, reply: Reply, prompt: str, *, usage: bool) -> Response:
    """Return the stream, once there is something to say: what fails before that has a status of its own."""
    try:
        seconds: float = request.app.state.settings.question_seconds
        events = await while_connected(request, _speaking(told.events()), seconds)
    except BaseException:
        await told.aclose()
        raise
    return Stream(chunks(request, events, reply, prompt, usage=usage), told)


async def _speaking(events: AsyncIterator[Event | None]) -> AsyncGenerator[Event | None]:
    """Return the events from the first one that says something, or from the first long silence on."""
    first: Event | None = None
    async for first in events:
        if not isinstance(first, Step):
            break

    async def rest() -> AsyncGenerator[Event | None]:
        yield first
        async for event in events:
            yield event

    return rest()
