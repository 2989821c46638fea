"""`/v1/conversations`: what was asked and answered in turn."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from server.identity import Asking, Opened
from server.problems import documented
from state.labels import MAX_LABEL
from state.memory import ThreadInfo, Turn
from tools.markdown import conversation_markdown

routes = APIRouter(prefix="/v1/conversations", tags=["conversations"])


class Begun(BaseModel):
    """A conversation to begin; without a title its first question names it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"title": "The new bridge"}]})

    title: str = Field(default="", max_length=MAX_LABEL)


class Renamed(BaseModel):
    """A conversation's other title."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"title": "Bridges"}]})

    title: str = Field(min_length=1, max_length=MAX_LABEL)


class Conversations(BaseModel):
    """The caller's conversations, the latest first."""

    conversations: list[ThreadInfo]


class Conversation(BaseModel):
    """A conversation with its turns, and the words that may be read now."""

    conversation: ThreadInfo
    turns: list[Turn]


@routes.get("", responses=documented())
async def list_conversations(application: Opened, who: Asking) -> Conversations:
    """List your conversations."""
    return Conversations(conversations=await application.threads.all(who))


@routes.post("", status_code=201, responses=documented())
async def begin_conversation(
    application: Opened, who: Asking, begun: Annotated[Begun | None, Body()] = None
) -> ThreadInfo:
    """Begin a conversation: `/v1/ask` takes its id as `conversation`."""
    conversation = await application.threads.begin(who, begun.title if begun else "")
    return await application.threads.get(who, conversation)


@routes.get("/{conversation}", responses=documented(404))
async def get_conversation(application: Opened, who: Asking, conversation: UUID) -> Conversation:
    """Return one of your conversations with its turns."""
    info = await application.threads.get(who, conversation)
    return Conversation(conversation=info, turns=await application.threads.history(who, conversation))


@routes.patch("/{conversation}", responses=documented(404))
async def rename_conversation(
    application: Opened, who: Asking, conversation: UUID, renamed: Annotated[Renamed, Body()]
) -> ThreadInfo:
    """Give one of your conversations another title."""
    await application.threads.rename(who, conversation, renamed.title)
    return await application.threads.get(who, conversation)


@routes.delete("/{conversation}", status_code=204, responses=documented(404))
async def delete_conversation(application: Opened, who: Asking, conversation: UUID) -> None:
    """Delete one of your conversations with all its turns."""
    await application.threads.delete(who, conversation)


@routes.get(
    "/{conversation}/export",
    response_class=JSONResponse,
    responses={
        200: {
            "description": "The conversation as a file.",
            "content": {
                "application/json": {"schema": {"type": "object"}},
                "text/markdown": {"schema": {"type": "string"}},
            },
        },
        **documented(404),
    },
)
async def export_conversation(
    application: Opened,
    who: Asking,
    conversation: UUID,
    form: Annotated[Literal["json", "markdown"], Query(alias="format")] = "json",
) -> Response:
    """Return one of your conversations as a file, with the words that you may read now."""
    if form == "json":
        return JSONResponse(await application.threads.export(who, conversation), headers=_named(conversation, "json"))
    info = await application.threads.get(who, conversation)
    turns = await application.threads.history(who, conversation)
    text = conversation_markdown(info, turns)
    return PlainTextResponse(text, headers=_named(conversation, "md"), media_type="text/markdown")


def _named(conversation: UUID, ending: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="conversation-{conversation}.{ending}"'}
