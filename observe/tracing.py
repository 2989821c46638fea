"""OpenTelemetry spans: one a question, one a step of the graph, one a call of a chat model. Names and numbers only.

Spans go where the standard variables say (``OTEL_EXPORTER_OTLP_ENDPOINT``, ``OTEL_TRACES_EXPORTER``); without them, and
without a tracer provider of a program that uses this one as a library, they are not made.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from settings import Settings

if TYPE_CHECKING:
    from langsmith import RunTree
    from opentelemetry.sdk.trace.export import SpanExporter

Attribute = str | int | float | bool
_TRACER = trace.get_tracer("footnote")
_FLUSH_MILLISECONDS = 5000


def set_up_tracing(settings: Settings) -> None:
    """Send spans where the settings say; does nothing if they say nothing, or a provider is there already."""
    exporter = _exporter(settings)
    if exporter is None or not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": "footnote"}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


def flush_traces() -> None:
    """Wait until the spans that have ended are sent, a few seconds at most. Blocking."""
    flush = getattr(trace.get_tracer_provider(), "force_flush", None)
    if flush is not None:
        flush(_FLUSH_MILLISECONDS)


def _exporter(settings: Settings) -> SpanExporter | None:
    """Return the exporter asked for; what only other libraries know is left to them."""
    asked = (settings.traces_exporter or ("otlp" if settings.traces_endpoint else "none")).split(",")
    if "otlp" in asked:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter()
    if "console" in asked:
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter(out=sys.stderr)
    return None


@contextmanager
def request_span(headers: Mapping[str, str], method: str) -> Iterator[Span]:
    """Trace a request, as part of the trace that its ``traceparent`` header names. See `end_request`."""
    parent = TraceContextTextMapPropagator().extract({name.lower(): value for name, value in headers.items()})
    attributes = {"http.request.method": method}
    # An exception's words are not recorded: they may quote a question or a document.
    with _TRACER.start_as_current_span(
        method, parent, SpanKind.SERVER, attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        yield span


def end_request(span: Span, route: str | None, status: int) -> None:
    """Say which route took a request, by the template of its path, and how it ended."""
    if not span.is_recording():
        return
    if route:
        span.update_name(f"{getattr(span, 'name', 'HTTP')} {route}")  # begun as the method
        span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_status(StatusCode.ERROR)


def started_span(name: str, parent: otel_context.Context | None = None, **attributes: Attribute) -> Span:
    """Return a new span below ``parent`` (the current one if left out), which whoever asked for it ends."""
    return _TRACER.start_span(name, parent, attributes=attributes)


def failed(span: Span, error: BaseException) -> None:
    """Mark a span as ended by an error, by the error's name alone: its words may quote a question or a document."""
    if span.is_recording():
        span.set_attribute("error.type", type(error).__qualname__)
        span.set_status(Status(StatusCode.ERROR))


def trace_link() -> Callable[[], AbstractContextManager[None]]:
    """Return what makes another context part of the traces of this one; nothing else of this context goes along."""
    spans, run = otel_context.get_current(), _langsmith_run()

    @contextmanager
    def linked() -> Iterator[None]:
        token = otel_context.attach(spans)
        try:
            if run is None:
                yield
            else:
                from langsmith.run_helpers import tracing_context

                with tracing_context(parent=run):
                    yield
        finally:
            otel_context.detach(token)

    return linked


def _langsmith_run() -> RunTree | None:
    """Return the LangSmith run under way. Where there is one, the library is loaded: it is not loaded to look."""
    helpers = sys.modules.get("langsmith.run_helpers")
    return helpers.get_current_run_tree() if helpers else None
