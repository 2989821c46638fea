"""Running the asynchronous parts from a command."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's work to its end in an event loop of its own; Ctrl-C ends it in one line, with status 130."""
    # psycopg reports what it met on the way to an error; the user gets one line, from the error, instead.
    logger = logging.getLogger("psycopg")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        # Here, because typer would end in silence. A further Ctrl-C ends the process at once, without a traceback.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        print("footnote: interrupted; what was done so far is kept.", file=sys.stderr)  # noqa: T201
        sys.exit(130)
    finally:
        logger.setLevel(level)
