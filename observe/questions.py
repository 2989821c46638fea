"""A question under way, as it is seen from outside: its span, its numbers, and a line in the log at its end.

Of what was asked and answered nothing is kept but kinds, counts and the number of the receipt.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Literal, Self

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import Span

from observe import metrics, tracing
from observe.degradation import kind_of
from observe.logs import logged_with
from state.errors import FootnoteError, InvalidFilter, InvalidQuestion

Outcome = Literal["answered", "greeted", "abstained", "refused", "invalid", "failed", "left"]

_log = logging.getLogger("footnote.questions")
_current: ContextVar[Asked | None] = ContextVar("footnote_asked", default=None)
_VERDICTS = ("supported", "partly", "unsupported", "contradicted")
# What steps change in the state that may be told: words from short lists, and numbers.
_TOLD = ("question_class", "route", "recalled", "grade", "step", "verdict", "relevance", "hop", "mode", "source")


class Asked:
    """A question from its start to its end, which comes once; ``wrapped`` if a face ends it, not its last step."""

    def __init__(self, thread: str | None = None, *, wrapped: bool = False) -> None:
        self.wrapped = wrapped
        self.thread = thread
        self._started = time.perf_counter()
        self._span = tracing.started_span("question")
        self._below = trace.set_span_in_context(self._span)
        self._outcome: Outcome | None = None
        self._route = self._class = "none"
        self._facts: dict[str, Any] = {}
        self._kinds: list[str] = []
        self._ended = False
        metrics.QUESTIONS_IN_PROGRESS.inc()

    @contextmanager
    def here(self) -> Iterator[None]:
        """Let the graph run inside find this question, and its log lines bear the thread."""
        token = _current.set(self)
        try:
            with logged_with(thread_id=self.thread):
                yield
        finally:
            _current.reset(token)

    @property
    def traced(self) -> bool:
        """Whether anybody gets to see the spans."""
        return self._span.is_recording()

    def step(self, name: str) -> Step:
        """Return what times a step of the graph, and traces it if the question is traced."""
        return Step(name, self._below if self.traced else None)

    def learn(self, update: Mapping[str, Any]) -> None:
        """Take note of the class and the route of the question, once a step has found them."""
        self._class = update.get("question_class") or self._class
        self._route = update.get("route") or self._route

    def conclude(self, answer: Mapping[str, Any], *, recalled: str, dropped: int) -> None:
        """Take note of the answer, given as JSON values."""
        verdicts = Counter(claim["verdict"] for claim in answer["claims"])
        usage, notes = answer["usage"], answer["degraded"]
        self._route = answer["route"]
        self._kinds = sorted({kind_of(note) for note in notes})
        special: dict[str, Outcome] = {"refuse": "refused", "greet": "greeted"}
        self._outcome = special.get(self._route) or ("abstained" if answer["abstained"] else "answered")
        self._facts = {
            "cache": recalled or "miss",
            "sentences": sum(verdicts.values()),
            "dropped": dropped,
            "passages": usage.get("passages_read", 0),
            "model_calls": usage["model_calls"],
            "input_tokens": usage["input_tokens"],
            "output_tokens": usage["output_tokens"],
            "cost_usd": usage["cost_usd"],
            "confidence": answer["confidence"]["level"],
            "receipt": answer["receipt"],
        }
        if self._outcome in ("answered", "abstained"):  # the others look for nothing
            metrics.CACHE.labels(self._facts["cache"]).inc()
        for verdict in _VERDICTS:
            if verdicts[verdict]:
                metrics.SENTENCES.labels(verdict).inc(verdicts[verdict])
        if dropped:
            metrics.SENTENCES.labels("dropped").inc(dropped)
        for kind in self._kinds:
            metrics.DEGRADED.labels(kind).inc()

    def fail(self, error: BaseException) -> None:
        """Take note of the error that ended the question; of several, the first tells."""
        if isinstance(error, Exception):
            if self._outcome not in ("failed", "invalid"):
                self._outcome = "invalid" if isinstance(error, InvalidQuestion | InvalidFilter) else "failed"
                self._facts["error"] = type(error).__name__ if isinstance(error, FootnoteError) else "unexpected"
                metrics.FAILURES.labels(self._facts["error"]).inc()
                tracing.failed(self._span, error)
        elif self._outcome is None:  # cancelled, or its reader has gone, before there was an answer
            self._outcome = "left"

    def end(self) -> None:
        """Count the question, end its span, and write its line; the first call does."""
        if self._ended:
            return
        self._ended = True
        seconds = time.perf_counter() - self._started
        outcome: Outcome = self._outcome or "left"
        metrics.QUESTIONS_IN_PROGRESS.dec()
        metrics.QUESTIONS.labels(self._route, self._class, outcome).inc()
        metrics.QUESTION_SECONDS.labels(outcome).observe(seconds)
        facts = {"outcome": outcome, "route": self._route, "question_class": self._class, **self._facts}
        if self.traced:
            self._span.set_attributes({f"footnote.{name}": one for name, one in facts.items() if one is not None})
            self._span.set_attribute("footnote.degraded", self._kinds)
        self._span.end()
        if _log.isEnabledFor(logging.INFO):
            with logged_with(thread_id=self.thread):
                _log.info("question", extra={**facts, "degraded": self._kinds, "seconds": round(seconds, 3)})


class Step:
    """A step under way: a context manager without a generator, since some twenty of them run for each question."""

    __slots__ = ("_below", "_name", "_span", "_started", "_token")

    def __init__(self, name: str, below: Context | None) -> None:
        self._name = name
        self._below = below
        self._span: Span | None = None

    def __enter__(self) -> Self:
        """Begin."""
        self._started = time.perf_counter()
        if self._below is not None:
            self._span = tracing.started_span(self._name, self._below)
            self._token = attach(trace.set_span_in_context(self._span, self._below))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        metrics.step(self._name, time.perf_counter() - self._started)
        if self._span is not None:
            if error is not None:
                tracing.failed(self._span, error)
            detach(self._token)
            self._span.end()

    def tell(self, values: Mapping[str, Any], **counts: int) -> None:
        """Put what may be told of a state or an update on the span, and numbers that are not zero."""
        if self._span is None:
            return
        told = {f"footnote.{name}": values[name] for name in _TOLD if values.get(name)}
        notes = values.get("degraded")
        if isinstance(notes, list) and notes:
            told["footnote.notes"] = len(notes)
        self._span.set_attributes({**told, **{f"footnote.{name}": count for name, count in counts.items() if count}})


@contextmanager
def asking(thread: str | None = None) -> Iterator[Asked]:
    """Watch a question that is asked inside, from its start to its end, however it ends."""
    asked = Asked(thread, wrapped=True)
    try:
        yield asked
    except BaseException as error:
        asked.fail(error)
        raise
    finally:
        asked.end()


def current_question() -> Asked | None:
    """Return the question that a face is asking, None where the graph runs by itself."""
    return _current.get()
