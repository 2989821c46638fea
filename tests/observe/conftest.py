"""What tests of observability share: the graph on fakes, spans kept in memory, and what metrics have grown by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from graph.application import Application
from graph.builder import Parts, build_graph
from observe import metrics, tracing
from tests.flow.conftest import Fakes, parts_of

Grown = Callable[..., float]


@pytest.fixture
def fakes() -> Fakes:
    return Fakes()


@pytest.fixture
def parts(fakes: Fakes) -> Parts:
    return parts_of(fakes)


def application(parts: Parts) -> Application:
    """Everything that asking needs, and nothing else."""
    fields: dict[str, Any] = dict.fromkeys(Application.__dataclass_fields__)
    graph, thread_graph = build_graph(parts), build_graph(parts, cast("Any", InMemorySaver()))
    return Application(**{**fields, "graph": graph, "thread_graph": thread_graph})


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """The spans that end during a test."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_TRACER", provider.get_tracer("tests"))
    return exporter


@pytest.fixture
def grown() -> Grown:
    """By how much a metric has grown since the test began: ``grown("questions_total", outcome="failed")``."""
    before = samples(metrics.render())

    def since(name: str, **labels: str) -> float:
        return matching(samples(metrics.render()), name, labels) - matching(before, name, labels)

    return since


def samples(text: bytes) -> list[tuple[str, dict[str, str], float]]:
    """Return the samples of a page of metrics: their names, labels and values."""
    families = text_string_to_metric_families(text.decode())
    return [(sample.name, dict(sample.labels), sample.value) for family in families for sample in family.samples]


def matching(found: list[tuple[str, dict[str, str], float]], name: str, labels: dict[str, str]) -> float:
    """Return the sum of the samples of a metric that have these labels."""
    return sum(value for one, has, value in found if one == f"footnote_{name}" and labels.items() <= has.items())
