"""The metrics of this process, or of all workers of a server, for Prometheus to fetch.

Every label has a handful of values that are known beforehand or set by who runs the server: never a question, a name
of a user or a document, or an identifier. docs/observability.md says what each metric means.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from functools import cache
from pathlib import Path

import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from settings import metrics_folder

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
REGISTRY = CollectorRegistry()

if (_folder := metrics_folder()) is not None:  # its library opens files there as soon as a metric is made
    _folder.mkdir(parents=True, exist_ok=True)

# Seconds. A step takes milliseconds without a chat model and seconds with one; an answer up to two minutes.
_STEP_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_ANSWER_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_RUN_BUCKETS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)


def _counter(name: str, help_text: str, *labels: str) -> Counter:
    return Counter(f"footnote_{name}", help_text, labels, registry=REGISTRY)


def _histogram(name: str, help_text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    return Histogram(f"footnote_{name}", help_text, labels, buckets=buckets, registry=REGISTRY)


def _gauge(name: str, help_text: str) -> Gauge:
    """Return a gauge that is summed over the workers that are alive."""
    return Gauge(f"footnote_{name}", help_text, registry=REGISTRY, multiprocess_mode="livesum")


QUESTIONS = _counter("questions", "Questions by route, class and outcome.", "route", "question_class", "outcome")
QUESTION_SECONDS = _histogram("question_seconds", "Seconds from a question to its end.", _ANSWER_BUCKETS, "outcome")
QUESTIONS_IN_PROGRESS = _gauge("questions_in_progress", "Questions being answered.")
FAILURES = _counter("question_failures", "Questions that ended in an error, by the error's name.", "error")
STEP_SECONDS = _histogram("step_seconds", "Seconds of a step of the graph, each time it runs.", _STEP_BUCKETS, "step")
SENTENCES = _counter("sentences", "Sentences by verdict, those that were dropped included.", "verdict")
DEGRADED = _counter("degraded", "Notes on what an answer had to do without, by kind.", "kind")
CACHE = _counter("answer_cache", "Finished questions by how they were found in the answer cache.", "result")
MODEL_CALLS = _counter("model_calls", "Calls of chat models that gave something.", "model")
MODEL_TOKENS = _counter("model_tokens", "Tokens of chat models.", "model", "direction")
MODEL_COST = _counter("model_cost_dollars", "US dollars spent on chat models whose prices are known.", "model")
MODEL_UNPRICED = _counter("model_unpriced_calls", "Calls of chat models whose price is not known.", "model")
INGESTED_FILES = _counter("ingested_files", "Files read in, by outcome.", "outcome")
INGESTED_CHUNKS = _counter("ingested_chunks", "Chunks written.")
INGESTION_SECONDS = _histogram("ingestion_seconds", "Seconds of a run of ingestion.", _RUN_BUCKETS)
HTTP_REQUESTS = _counter("http_requests", "Requests by method, route and status.", "method", "route", "status")
HTTP_SECONDS = _histogram(
    "http_request_seconds", "Seconds until a response was sent whole.", _ANSWER_BUCKETS, "method", "route"
)
HTTP_IN_PROGRESS = _gauge("http_requests_in_progress", "Requests being answered.")
DATABASE_SIZE = _gauge("database_connections", "Connections to the database that are open.")
DATABASE_BUSY = _gauge("database_connections_busy", "Connections to the database in use.")
DATABASE_WAITING = _gauge("database_waiting", "Sessions that wait for a connection to the database.")
DATABASE_WAIT_SECONDS = _histogram("database_wait_seconds", "Seconds waited for a connection.", _STEP_BUCKETS)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@contextmanager
def waiting_for_database() -> Iterator[None]:
    """Time what runs inside as waiting for a connection."""
    started = time.perf_counter()
    DATABASE_WAITING.inc()
    try:
        yield
    finally:
        DATABASE_WAITING.dec()
        DATABASE_WAIT_SECONDS.observe(time.perf_counter() - started)


@contextmanager
def database_in_use(connections: int) -> Iterator[None]:
    """Count one of the pool's ``connections`` as in use while what is inside runs."""
    DATABASE_SIZE.set(connections)
    DATABASE_BUSY.inc()
    try:
        yield
    finally:
        DATABASE_BUSY.dec()


@cache
def _timer(name: str) -> Histogram:
    """Return the histogram of a step; looking it up by label each time takes as long as counting."""
    return STEP_SECONDS.labels(name)


def step(name: str, seconds: float) -> None:
    """Count a run of a step of the graph."""
    _timer(name).observe(seconds)


def http_request(method: str, route: str | None, status: int, seconds: float) -> None:
    """Count a request. ``route`` is the template of its path (``/v1/receipts/{id}``), None if no route took it."""
    method = method if method in _METHODS else "other"
    HTTP_REQUESTS.labels(method, route or "none", str(status)).inc()
    HTTP_SECONDS.labels(method, route or "none").observe(seconds)


@contextmanager
def http_in_progress() -> Iterator[None]:
    """Count a request as being answered while what is inside runs."""
    HTTP_IN_PROGRESS.inc()
    try:
        yield
    finally:
        HTTP_IN_PROGRESS.dec()


def model_call(model: str, input_tokens: int, output_tokens: int, cost: Decimal | None) -> None:
    """Count a call of a chat model; ``cost`` in US dollars, None if its price is not known, which is not nothing."""
    MODEL_CALLS.labels(model).inc()
    MODEL_TOKENS.labels(model, "input").inc(input_tokens)
    MODEL_TOKENS.labels(model, "output").inc(output_tokens)
    if cost is None:
        MODEL_UNPRICED.labels(model).inc()
    else:
        MODEL_COST.labels(model).inc(float(cost))


def ingested(*, indexed: int, unchanged: int, deleted: int, failed: int, chunks: int, seconds: float) -> None:
    """Count a run of ingestion."""
    outcomes = {"indexed": indexed, "unchanged": unchanged, "deleted": deleted, "failed": failed}
    for outcome, files in outcomes.items():
        INGESTED_FILES.labels(outcome).inc(files)
    INGESTED_CHUNKS.inc(chunks)
    INGESTION_SECONDS.observe(seconds)


def render() -> bytes:
    """Return all metrics in Prometheus' text format: those of all workers where several share a folder."""
    folder = metrics_folder()
    if folder is None:
        return generate_latest(REGISTRY)
    _forget_dead_workers(folder)
    together = CollectorRegistry()
    MultiProcessCollector(together, str(folder))  # type: ignore[no-untyped-call]
    return generate_latest(together)


def _forget_dead_workers(folder: Path) -> None:
    """Take gauges of workers that are gone out of the sums. What they counted stays counted."""
    for file in folder.glob("gauge_live*_*.db"):
        worker = int(file.stem.rpartition("_")[2])
        if worker != os.getpid() and not psutil.pid_exists(worker):
            with suppress(FileNotFoundError):  # another worker was quicker
                mark_process_dead(worker, str(folder))  # type: ignore[no-untyped-call]
