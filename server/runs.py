"""What a client of the LangGraph server may ask a run for."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import convert_to_messages
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from state.evidence import Mode
from state.run import RunContext

_JUMPS = ("command", "interrupt_before", "interrupt_after")
_ELSEWHERE = ("webhook",)  # sends answers to an address of the client's choosing
# Of `config.configurable`: where a run begins and on which thread is not for it to say.
_PLACES = ("checkpoint_id", "checkpoint_ns", "checkpoint_map", "graph_id", "assistant_id", "run_id", "cron_id")
_OF_THE_SERVER = ("__request_start_time_ms__", "__after_seconds__", "__context_provided__", "__event_streaming_v2")
_CONTEXT = TypeAdapter(RunContext)


class _Input(BaseModel):
    """The input of a run, as `state.run.AskInput` has it."""

    model_config = ConfigDict(extra="forbid")

    question: str = ""
    messages: list[Any] = []
    filters: list[str] = []
    mode: Mode | None = None


def allowed_run(value: dict[str, Any]) -> tuple[str, int] | None:
    """Return why a run is refused, and the HTTP status; None if it is not, with its input made plain.

    The server keeps a run's state at its end only: what is in between may not be gone back to.
    """
    asked: dict[str, Any] = value["kwargs"]
    for forbidden in (*_JUMPS, *_ELSEWHERE):
        if asked.get(forbidden):
            return f"A run may not set '{forbidden}'.", 403
    configurable = (asked.get("config") or {}).get("configurable") or {}
    for key in configurable:
        if key in _PLACES or (key.startswith("__") and key not in _OF_THE_SERVER):
            return f"A run may not set '{key.strip('_').removesuffix('_id')}'.", 403
    if str(configurable.get("thread_id") or value.get("thread_id")) != str(value.get("thread_id")):
        return "A run may not name another thread than its own.", 403
    known = {field: one for field, one in configurable.items() if field in RunContext.__dataclass_fields__}
    try:
        _CONTEXT.validate_python(known)
        asked["input"] = _plain_input(asked.get("input"), on_thread=value.get("thread_id") is not None)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        return f"Unusable {'.'.join(map(str, first['loc'])) or 'input'}: {first['msg']}.", 422
    except ValueError as error:
        return str(error), 422
    asked["durability"] = "exit"
    return None


def _plain_input(given: Any, *, on_thread: bool) -> dict[str, Any]:
    """Return a run's input with what people and the assistant said as plain text, and nothing else in it.

    On a thread, what the assistant said before is the thread's to know. Raises `ValueError`.
    """
    asked = _Input.model_validate(given or {})
    try:
        messages = convert_to_messages(asked.messages)
    except (ValueError, TypeError, KeyError, NotImplementedError):  # whatever form a client has thought of
        raise ValueError('Unusable messages: write a list of {"role": "user", "content": "…"}.') from None
    kinds = ("human",) if on_thread else ("human", "ai")
    said = [
        {"type": message.type, "content": str(message.text), "id": message.id}
        for message in messages
        if message.type in kinds
    ]
    if not asked.question and not any(message["type"] == "human" for message in said):
        raise ValueError("A run needs a question: send 'question', or 'messages' with a message of role user.")
    plain: dict[str, Any] = {"messages": said, "filters": asked.filters, "mode": asked.mode}
    return {**plain, "question": asked.question} if asked.question else plain
