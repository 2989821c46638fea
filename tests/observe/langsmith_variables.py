"""LangSmith's variables, for as long as a test lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import langsmith
import pytest
from langsmith.utils import get_env_var


@contextmanager
def langsmith_variables(monkeypatch: pytest.MonkeyPatch, url: str, **others: str) -> Iterator[None]:
    """Point LangSmith's variables at a server in this process; afterwards it is as if they never had."""
    for name, value in {"LANGSMITH_API_KEY": "lsv2_pt_made", "LANGSMITH_ENDPOINT": url, **others}.items():
        monkeypatch.setenv(name, value)
    forget_variables()
    yield
    monkeypatch.undo()
    forget_variables()
    langsmith.configure(client=None)


def forget_variables() -> None:
    """Let LangSmith read its variables anew: it remembers them."""
    remembering: Any = get_env_var
    remembering.cache_clear()
