"""Logs that say what happened and to which request, and never what anybody asked or what a document says.

Whoever logs uses the standard library: ``logging.getLogger("footnote.…").info("an event", extra={…})``. A server calls
`set_up_logging` once; its loggers, uvicorn's and LangGraph's then go through one formatter, by structlog.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor

from observe.redaction import redacted, redacted_fields
from settings import Settings
from state.errors import FootnoteError

# Loggers of libraries that tell of this server's own work; everything else is heard from warnings on. At lower levels
# clients of HTTP log addresses with what is asked in them, and those of models whole prompts.
_OURS = ("footnote", "uvicorn", "langgraph_api", "langgraph_runtime_inmem")
_MOST_FRAMES = 20
_KEPT = ("event", "exception", "question_class")  # names that sound like words of users, and are not


class _Formatter(ProcessorFormatter):
    """The one formatter, told apart from others' so that setting up twice replaces it."""


def set_up_logging(settings: Settings) -> None:
    """Send the logs of this process to stderr, as the settings say. Replaces what was set up before."""
    handler = logging.StreamHandler(sys.stderr)
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    handler.setFormatter(_formatter(as_json))
    handler.addFilter(_take_apart)
    root = logging.getLogger()
    for other in list(root.handlers):
        if type(other) is logging.StreamHandler:  # those of servers; the handlers of test tools are of other classes
            root.removeHandler(other)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in _OURS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(settings.log_level.upper())
    for name in ("uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.captureWarnings(True)


@contextmanager
def logged_with(**identifiers: str | None) -> Iterator[None]:
    """Put identifiers (``request_id``, ``thread_id``) into every log line of what runs inside; None is left out."""
    given = {name: value for name, value in identifiers.items() if value is not None}
    with structlog.contextvars.bound_contextvars(**given):
        yield


def _formatter(as_json: bool) -> logging.Formatter:
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(default=lambda value, **_: redacted(str(value)))
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    return _Formatter(
        foreign_pre_chain=shared,
        processors=[_failure, ProcessorFormatter.remove_processors_meta, _redact, renderer],
    )


def _take_apart(record: logging.LogRecord) -> bool:
    """Make fields of uvicorn's line on a request, without who asked and what the address asks for."""
    if record.name == "uvicorn.access" and isinstance(record.args, tuple) and len(record.args) == 5:
        _, method, path, version, status = record.args
        record.msg, record.args = "request", ()
        vars(record).update(method=method, path=str(path).partition("?")[0], http=version, status=status)
    return True


def _failure(logger: Any, method: str, event: EventDict) -> EventDict:
    """Turn an exception into its kind and the places that it went through, without the words that it carries."""
    given = event.pop("exc_info", None)
    for name in ("stack", "message", "asctime"):  # left on the record by other formatters
        event.pop(name, None)
    if given is True:
        given = sys.exc_info()
    error = given if isinstance(given, BaseException) else given[1] if isinstance(given, tuple) else None
    if error is not None:
        event["exception"] = describe(error)
    return event


def describe(error: BaseException) -> str:
    """Return what an error is, what caused it and where it went through. Only our own errors' words are among it.

    Those of libraries quote what they choked on: a value of a query, a piece of a document.
    """
    told: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(told) < 5:
        words = f": {cause}" if isinstance(cause, FootnoteError) else ""
        told.append(f"{type(cause).__qualname__}{words} ({' < '.join(_places(cause.__traceback__))})")
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return redacted(", caused by ".join(told))


def _places(trace: TracebackType | None) -> list[str]:
    """Return the functions that an error went through, the innermost first."""
    places = []
    while trace is not None:
        code = trace.tb_frame.f_code
        module = trace.tb_frame.f_globals.get("__name__", "?")
        places.append(f"{module}.{code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return places[::-1][:_MOST_FRAMES]


def _redact(logger: Any, method: str, event: EventDict) -> EventDict:
    return redacted_fields(event, keep=_KEPT)
