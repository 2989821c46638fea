"""The parameters of OpenAI's that are taken without effect, and those that are not supported."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field


def _truth_value(value: object) -> object:
    if value is not None and not isinstance(value, bool):
        raise ValueError("Input should be a valid boolean")
    return value


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("Input should be a valid integer")
    return value


# To Python, 0 is False and 1 is True; to JSON they are not.
No = Annotated[Literal[False], BeforeValidator(_truth_value)]
Number = BeforeValidator(_number)
Nothing = Annotated[list[Any], Field(max_length=0)]


class WithoutEffect(BaseModel):
    """What is taken and changes nothing: sampling is the server's setting, and identity the key's."""

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    seed: int | None = None
    user: str | None = None
    safety_identifier: str | None = None
    metadata: dict[str, str] | None = None
    service_tier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    prompt_cache_retention: str | None = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None


class NotSupported(BaseModel):
    """What would need another kind of answer: each may be left out, null, or what asks for nothing."""

    n: Annotated[Literal[1], Number] | None = None
    stop: Nothing | None = None
    logprobs: No | None = None
    top_logprobs: Annotated[Literal[0], Number] | None = None
    logit_bias: Annotated[dict[str, Any], Field(max_length=0)] | None = None
    tools: Nothing | None = None
    tool_choice: Literal["none", "auto"] | None = None
    functions: Nothing | None = None
    function_call: Literal["none", "auto"] | None = None
    modalities: Annotated[list[Literal["text"]], Field(max_length=1)] | None = None
    response_format: dict[Literal["type"], Literal["text"]] | None = None
    store: No | None = None
    audio: None = None
    prediction: None = None
    moderation: None = None
    web_search_options: None = None
