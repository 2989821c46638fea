"""Running the asynchronous parts from a command."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's work to its end in an event loop of its own."""
    # The pool reports each failed attempt to connect; the user gets one line, from StoreUnavailable, instead.
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    return asyncio.run(work)
