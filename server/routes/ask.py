"""`/v1/ask`: a question, answered whole or told sentence by sentence."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Request
from fastapi.sse import format_sse_event
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from server.asking import Event, Stream, Told, while_connected
from server.identity import Asking, Opened
from server.problems import documented, problem_body
from settings import Settings
from state.answer import Answer, Said, Step
from state.evidence import Mode
from state.principal import Principal
from state.run import MOST_HOPS, Enhancement, Preset, RunContext, in_time

routes = APIRouter(prefix="/v1", tags=["ask"])


class Question(BaseModel):
    """A question and how it may be answered. What is left out is chosen for the question."""

    model_config = ConfigDict(extra="forbid", strict=True)  # "yes" is no truth value, and "3" no number

    question: str = Field(description="What you want to know.")
    conversation: UUID | None = Field(
        default=None, strict=False, description="One of your conversations, which it belongs to."
    )
    filters: list[str] = Field(
        default=[],
        max_length=100,
        description="`key=value`, with collection, document, type, source, tag, language, after or before: values of "
        "one key are joined by or, keys by and.",
    )
    mode: Mode | None = Field(default=None, description="Forces a way to search.")
    preset: Preset = Field(default="balanced", description="How much is done to understand the question.")
    enhancements: list[Enhancement] = Field(default=[], max_length=5, description="What the preset `custom` does.")
    k: int | None = Field(default=None, ge=1, le=50, description="Passages to read for the answer.")
    sentences: int = Field(default=3, ge=1, le=10, description="Sentences that the answer has at most.")
    rerank: bool = Field(default=True, description="Whether a reranker orders the passages.")
    prose: bool = Field(default=True, description="Whether the chat model writes, where one is set up.")
    hops: int | None = Field(default=None, ge=0, le=MOST_HOPS, description="Further searches that findings lead to.")
    deadline: float | None = Field(
        default=None, ge=0.1, le=600, description="Seconds after which what can be left out is; the answer says so."
    )
    cache: bool = Field(default=True, description="Whether an answer given before may be given again.")

    def context(self) -> RunContext:
        """Return how the question is to be answered."""
        return RunContext(
            k=self.k,
            sentences=self.sentences,
            rerank=self.rerank,
            prose=self.prose,
            preset=self.preset,
            enhancements=tuple(self.enhancements),
            hops=self.hops,
            deadline=self.deadline,
            cache=self.cache,
        )


_QUESTION = Body(
    openapi_examples={
        "plain": {"summary": "A question", "value": {"question": "When did the bridge open?"}},
        "narrowed": {
            "summary": "Of some documents only, quickly",
            "value": {
                "question": "What does a day ticket cost?",
                "filters": ["collection=prices", "after=2026-01-31"],
                "preset": "minimal",
                "deadline": 2,
            },
        },
    }
)
Asked = Annotated[Question, _QUESTION]

_CITATION = {
    "n": 1,
    "document_id": "0b2f8f5e-5a5e-4f0e-9a51-3f1b7a0c9d11",
    "version": 1,
    "title": "The Harbour Bridge",
    "source": "upload://ada/bridge.md",
    "page": None,
    "start": 22,
    "end": 74,
    "quote": "The bridge opened in 1932 after eight years of work.",
    "sha256": "4c1f0d9a4e3f9a5b1c0f4d9e8b7a6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b",
    "masked": False,
}
_CLAIM = {
    "text": "The bridge opened in 1932 after eight years of work.",
    "verdict": "supported",
    "score": 1.0,
    "citations": [_CITATION],
}
_ANSWER = {
    "answer": "The bridge opened in 1932 after eight years of work. [1]",
    "abstained": False,
    "claims": [_CLAIM],
    "confidence": {"level": "high", "score": 0.93, "lowered_by": []},
    "route": "hybrid",
    "degraded": [],
    "timings": {"retrieve": 14.2, "write": 8.1},
    "usage": {},
    "receipt": "6f0e7c62-9f7c-4b0e-8a55-2c3d4e5f6a7b",
    "nearest": [],
}
_EVENT = {
    "type": "object",
    "properties": {"event": {"type": "string"}, "data": {"type": "string", "contentMediaType": "application/json"}},
    "required": ["event", "data"],
}
_STREAM = (
    'event: step\ndata: {"name":"retrieve"}\n\n'
    'event: sentence\ndata: {"text":"The bridge opened in 1932 after eight years of work. [1]","claim":{…}}\n\n'
    'event: answer\ndata: {"answer":"The bridge opened in 1932 after eight years of work. [1]",…}\n\n'
)


@routes.post(
    "/ask",
    response_model=Answer,
    responses={200: {"content": {"application/json": {"example": _ANSWER}}}, **documented(404, 504)},
)
async def ask(request: Request, application: Opened, who: Asking, asked: Asked) -> Answer:
    """Answer a question. The run stops when the client leaves."""
    settings: Settings = request.app.state.settings
    seconds = settings.question_seconds
    with request.app.state.questions.place():
        work = application.ask(who, asked.question, **_options(asked, seconds))
        return await while_connected(request, work, seconds)


@routes.post(
    "/ask/stream",
    response_class=StreamingResponse,  # FastAPI would call the endpoint of its own class for events as a generator
    responses={
        200: {
            "description": "Server-sent events: `step` as each step ends, `sentence` as each passes the checks, and "
            "last `answer`, or `problem` if it comes to nothing.",
            "content": {"text/event-stream": {"itemSchema": _EVENT, "example": _STREAM}},
        },
        **documented(404, 504),
    },
)
async def ask_stream(request: Request, application: Opened, who: Asking, asked: Asked) -> Response:
    """Answer a question, telling it sentence by sentence. The run stops when the client leaves."""
    told = await told_to(request, application, who, asked)
    return Stream(_sent(request, told), told)


async def told_to(request: Request, application: Opened, who: Principal, asked: Question) -> Told:
    """Begin to answer; return the events to come once there is the first."""
    settings: Settings = request.app.state.settings
    seconds = settings.question_seconds
    events = application.stream(who, asked.question, **_options(asked, seconds))
    return await Told(events, request.app.state.questions, seconds).begin(request)


def _options(asked: Question, seconds: float) -> dict[str, Any]:
    return {
        "mode": asked.mode,
        "filters": asked.filters,
        "context": in_time(asked.context(), seconds),
        "thread": asked.conversation,
    }


async def _sent(request: Request, told: Told) -> AsyncGenerator[bytes]:
    try:
        async for event in told.events():
            yield _event(event)
    except Exception as error:  # the status is sent already: whatever it is, it is told as the last event
        body = problem_body(request.scope, error)
        yield format_sse_event(event="problem", data_str=body.model_dump_json(exclude_defaults=True))


def _event(event: Event | None) -> bytes:
    match event:
        case None:
            return format_sse_event(comment="still working")
        case Step():
            kind = "step"
        case Said():
            kind = "sentence"
        case Answer():
            kind = "answer"
    return format_sse_event(event=kind, data_str=event.model_dump_json())
