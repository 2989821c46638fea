"""What the development server writes to disk about threads: who owns them and what was asked, never what was answered.

`langgraph dev` keeps its list of threads in a file beside the program, with the last state of each: words of documents
that would stay there after they are revoked. Answers are kept by `server.langgraph_threads`.
"""

from __future__ import annotations

import pickle
from typing import Any, BinaryIO

_OWNER_ONLY = 0o600


def keep_no_answers() -> None:
    """Make the development server's file hold no answers, and readable by its owner only; other editions have none."""
    try:
        from langgraph_runtime_inmem.database import GLOBAL_STORE
    except ImportError:
        return

    def dump(file: BinaryIO) -> None:
        kept = dict(GLOBAL_STORE)
        kept["threads"] = [{**thread, "values": _questions(thread.get("values"))} for thread in [*kept["threads"]]]
        pickle.dump(kept, file)

    GLOBAL_STORE.dump = dump
    GLOBAL_STORE.mode = _OWNER_ONLY


def _questions(values: Any) -> dict[str, Any] | None:
    """Return of a thread's state the messages that are questions: by the first, chat pages name it."""
    messages = values.get("messages") if isinstance(values, dict) else None
    return {"messages": [one for one in messages if _kind(one) == "human"]} if messages else None


def _kind(message: Any) -> Any:
    return message.get("type") if isinstance(message, dict) else getattr(message, "type", None)
