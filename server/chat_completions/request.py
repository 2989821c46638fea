"""A chat completion's request: what of it is understood, what is taken without effect, and what is not supported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from pydantic import BaseModel, ConfigDict, Field

from server.chat_completions.errors import RefusedCompletion
from server.chat_completions.markdown import unmarked
from server.chat_completions.parameters import Nothing, NotSupported, WithoutEffect
from state.run import Preset

MODELS: dict[str, Preset] = {
    "footnote": "balanced",
    "footnote-minimal": "minimal",
    "footnote-comprehensive": "comprehensive",
}
_MOST_BEFORE = 24  # messages of the past that are taken in: no more exchanges than the graph looks back at
_INSTRUCTIONS = ("system", "developer")


class Part(BaseModel):
    """A part of a message: text is read, and an assistant's refusal."""

    model_config = ConfigDict(strict=True)

    type: Literal["text", "refusal"]
    text: str = ""


class Message(BaseModel):
    """A message of the conversation. What ``system`` and ``developer`` say changes no rule of this server.

    Further fields, as an answer of this server has them, are ignored.
    """

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Part] | None = None
    tool_calls: Nothing | None = None

    @property
    def text(self) -> str:
        """The words of the message; its parts are paragraphs."""
        if isinstance(self.content, list):
            return "\n\n".join(part.text for part in self.content)
        return self.content or ""


class StreamOptions(BaseModel):
    """How a stream ends: with the tokens used, if ``include_usage``."""

    model_config = ConfigDict(strict=True)

    include_usage: bool | None = False


class ChatCompletionRequest(WithoutEffect, NotSupported):
    """A conversation whose last message, the user's, is answered from the documents.

    ``max_completion_tokens`` ends the answer before the first sentence that does not fit, footnotes included.
    """

    model_config = ConfigDict(
        extra="forbid",
        strict=True,  # "yes" is no truth value, and "3" no number
        json_schema_extra={
            "examples": [
                {"model": "footnote", "messages": [{"role": "user", "content": "How many days of leave are there?"}]}
            ]
        },
    )

    model: str = Field(description="`footnote`, `footnote-minimal` or `footnote-comprehensive`.")
    messages: Annotated[list[Message], Field(min_length=1)]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None

    @property
    def most_tokens(self) -> int | None:
        """Tokens that the answer may have, None without a limit."""
        return self.max_completion_tokens if self.max_completion_tokens is not None else self.max_tokens

    @property
    def counts_stream(self) -> bool:
        """Whether a stream tells the tokens used."""
        return bool(self.stream_options and self.stream_options.include_usage)


class Asked(NamedTuple):
    """What a conversation asks, what was said before, and how much is done to understand it."""

    question: str
    history: list[AnyMessage]
    preset: Preset


def preset_of(model: str) -> Preset:
    """Return what a model's name stands for. Raises `RefusedCompletion`."""
    if model not in MODELS:
        message = f"The model '{model[:100]}' does not exist: choose of {', '.join(MODELS)}."
        raise RefusedCompletion(message, "model", "model_not_found", 404)
    return MODELS[model]


def asked(request: ChatCompletionRequest) -> Asked:
    """Return the question with its history. Raises `RefusedCompletion` for what is not answered here."""
    preset = preset_of(request.model)
    if request.stream_options is not None and not request.stream:
        raise RefusedCompletion(
            "'stream_options' is for requests with 'stream': true.", "stream_options", "invalid_value"
        )
    spoken = [message for message in request.messages if message.role not in _INSTRUCTIONS]
    if not spoken or spoken[-1].role != "user":
        message = "The last message must be the user's: it is the question to be answered."
        raise RefusedCompletion(message, "messages", "invalid_value")
    return Asked(spoken[-1].text, _history(spoken[:-1][-_MOST_BEFORE:]), preset)


def _history(spoken: Sequence[Message]) -> list[AnyMessage]:
    """Return what was said before, as a conversation: it helps to understand the question, and is never cited."""
    return [
        HumanMessage(message.text) if message.role == "user" else AIMessage(unmarked(message.text))
        for message in spoken
        if message.text.strip()
    ]


def refusal(errors: Sequence[Any]) -> RefusedCompletion:
    """Return what to say of a body that is no request, from what pydantic found, as OpenAI says it."""
    error = max(errors, key=lambda found: len(found["loc"]))  # of the members of a union, that which came furthest
    place = [part for part in error["loc"][1:] if isinstance(part, int) or part.isidentifier()]
    param = ".".join(f"[{part}]" if isinstance(part, int) else part for part in place) or None
    match error["type"], place:
        case "json_invalid", _:
            return RefusedCompletion("The body is not JSON: send a JSON object in UTF-8.", None, "invalid_json")
        case "missing", _:
            return RefusedCompletion(f"Missing required parameter: '{param}'.", param, "missing_required_parameter")
        case "extra_forbidden", [*_, name]:
            return RefusedCompletion(f"Unrecognized request argument: '{str(name)[:60]}'.", param, "unknown_parameter")
        case _, ["messages", int(), "content", int(), "type"]:
            return RefusedCompletion("Only text can be read here: send parts of type 'text'.", param, "invalid_value")
        case _, ["messages", int(), "role"] | ["messages", int(), "tool_calls", *_]:
            message = "Messages are of the system, developer, user or assistant, and without tools."
            return RefusedCompletion(message, param, "invalid_value")
        case _, [str(name), *_] if name in NotSupported.model_fields:
            return RefusedCompletion(f"'{name}' is not supported here: leave it out.", name, "unsupported_parameter")
    return RefusedCompletion(f"Invalid value for '{param or 'body'}': {error['msg']}.", param, "invalid_value")
