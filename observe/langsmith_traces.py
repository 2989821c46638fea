"""What LangSmith gets to see when its own variables turn tracing on: which steps ran, when, what kind of question.

Words of documents, answers and prompts are not sent unless the settings allow it, and personal data never is: the
question is sent with it masked. What is sent is named here; whatever is not named stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from langsmith import Client, configure
from langsmith.utils import tracing_is_enabled

from observe.degradation import kind_of
from observe.redaction import redacted

Mask = Callable[[str], str]

HIDDEN = "[not sent]"
_FLUSH_SECONDS = 5.0
# Whose values are words from short lists, names of parts, or identifiers.
_KINDS = frozenset(
    {
        "question_class", "route", "recalled", "grade", "step", "verdict", "hop", "mode", "level", "cache", "preset",
        "type", "role", "finish_reason", "model", "model_name", "model_provider", "system_fingerprint", "object",
        "ls_provider", "ls_model_name", "ls_model_type", "ls_integration", "ls_message_format", "ls_run_depth",
        "langgraph_node", "langgraph_triggers", "langgraph_path", "langgraph_checkpoint_ns", "langgraph_version",
        "checkpoint_ns", "thread_id", "run_id", "assistant_id", "graph_id", "revision_id", "receipt", "document_id",
    }
)  # fmt: skip
_PLAIN = re.compile(r"[\w.:/|\-]{0,120}")  # what values of those keys look like: one word
_ERROR = re.compile(r"[A-Za-z_][\w.]*(?=\()")
_SENT_EXTRA = ("metadata", "runtime")


def set_up_langsmith(mask: Mask, *, texts: bool) -> Client | None:
    """Make the client through which LangChain and LangGraph trace; None if tracing is off.

    ``mask`` takes personal data out of a text; with ``texts`` words are sent too, masked.
    """
    if not tracing_is_enabled():
        return None
    client = MaskedClient(mask, texts=texts)
    configure(client=client)
    return client


def flush_langsmith(client: Client | None) -> None:
    """Wait until what was traced is sent, a few seconds at most. Blocking."""
    if client is not None:
        client.flush(timeout=_FLUSH_SECONDS)


class MaskedClient(Client):
    """LangSmith's client, which masks inputs, outputs, errors and metadata, and here sends nothing beside them.

    ``mask`` takes personal data out of a text; with ``texts`` words are sent too, masked. ``options`` are the client's.
    """

    def __init__(self, mask: Mask, *, texts: bool, **options: Any) -> None:
        super().__init__(anonymizer=_Masking(mask, texts), **options)

    def create_run(self, *given: Any, **run: Any) -> None:
        """Send the beginning of a run."""
        super().create_run(*given, **_without_the_rest(run))

    def update_run(self, *given: Any, **run: Any) -> None:
        """Send the end of a run."""
        super().update_run(*given, **_without_the_rest(run))


def _without_the_rest(run: dict[str, Any]) -> dict[str, Any]:
    """Return a run without what the client does not mask: how a model was made and called, tokens, files."""
    extra = run.get("extra") or {}
    events = [{key: event[key] for key in ("name", "time") if key in event} for event in run.get("events") or ()]
    kept = {key: value for key, value in run.items() if key not in ("serialized", "attachments")}
    return {**kept, "extra": {key: extra[key] for key in _SENT_EXTRA if key in extra}, "events": events}


class _Masking:
    """Goes through inputs, outputs, metadata or an error, given as JSON values, and returns what may be sent."""

    def __init__(self, mask: Mask, texts: bool) -> None:
        self._mask = mask
        self._texts = texts

    def __call__(self, values: dict[str, Any]) -> dict[str, Any]:
        return {str(key): self._value(str(key), value) for key, value in values.items()}

    def _value(self, key: str, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self._text(key, value)
        if key == "degraded" and isinstance(value, list) and not self._texts:
            return [kind_of(str(note)) for note in value]
        if isinstance(value, Mapping):
            return {str(name): self._value(str(name), inner) for name, inner in value.items()}
        return [self._value(key, inner) for inner in value]

    def _text(self, key: str, text: str) -> str:
        if not text:
            return text
        if key == "error" and not self._texts:  # what follows the name may quote anything
            found = _ERROR.match(text)
            return found[0] if found else HIDDEN
        if key in _KINDS and _PLAIN.fullmatch(text):
            return text
        if key == "question" or self._texts:
            return redacted(self._mask(text))
        return HIDDEN
