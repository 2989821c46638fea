"""What a chat completion answers, field by field as OpenAI defines it, with `footnote` as this server's own."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from state.answer import Answer, Citation


class CitedPlace(Citation):
    """The place that a mark stands for, in the stored text, and the receipt of the answer."""

    receipt: UUID | None


class UrlCitation(BaseModel):
    """A mark at ``content[start_index:end_index]`` (code points) and what it leads to."""

    start_index: int
    end_index: int
    title: str
    url: str


class Annotation(BaseModel):
    """A footnote of the content."""

    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation
    footnote: CitedPlace


class AssistantMessage(BaseModel):
    """The answer, as Markdown with footnotes."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    annotations: list[Annotation]


class Choice(BaseModel):
    """The one answer; ``length`` where the limit of tokens left out sentences."""

    index: Literal[0] = 0
    message: AssistantMessage
    logprobs: None = None
    finish_reason: Literal["stop", "length"]


class Usage(BaseModel):
    """Tokens of the chat model's calls; where none was asked, of the messages and of the content."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(BaseModel):
    """An answer. ``footnote`` is the same as `/v1/ask` gives, of the sentences that are in the content."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    footnote: Answer


class Model(BaseModel):
    """A way of answering, by the name that requests ask for."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: Literal["footnote"] = "footnote"


class ModelList(BaseModel):
    """The models that there are."""

    object: Literal["list"] = "list"
    data: list[Model]
