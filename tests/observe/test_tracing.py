from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from graph.builder import Parts, build_graph
from observe.tracing import _exporter, end_request, request_span
from settings import Settings
from state.answer import Said
from state.errors import InvalidQuestion, StoreUnavailable
from state.evidence import Passage
from state.identity import signed_in
from tests.flow.conftest import PRINCIPAL, Fakes, passage
from tests.observe.collector import collecting
from tests.observe.conftest import application

QUESTION = "When did the bridge open?"
_TRACE = "0af7651916cd43dd8448eb211c80319c"
_PARENT = "b7ad6b7169203331"
TWO = {"lexical": [passage(), passage("Tolls ended in 1988.", 2)], "vector": []}


def tree(spans: InMemorySpanExporter) -> tuple[ReadableSpan, list[ReadableSpan]]:
    """Return the one question's span, and those of its steps."""
    finished = spans.get_finished_spans()
    [question] = [span for span in finished if span.name == "question"]
    return question, [span for span in finished if span is not question and span.kind is trace.SpanKind.INTERNAL]


def words_on(finished: Sequence[ReadableSpan]) -> str:
    """Return everything that spans say."""
    return " ".join(span.to_json() for span in finished)


async def test_each_step_is_a_span_below_the_questions(parts: Parts, spans: InMemorySpanExporter) -> None:
    answer = await application(parts).ask(PRINCIPAL, QUESTION)
    question, steps = tree(spans)
    names = [step.name for step in steps]
    assert names[0] == "guard" and names[-1] == "remember"
    assert names.count("retrieve") == 2  # one a leg, side by side
    assert {"classify", "fuse", "rerank", "hop plan", "grade", "cite", "ground", "validate"} <= set(names)
    assert all(step.parent and step.parent.span_id == question.context.span_id for step in steps)
    told = dict(question.attributes or {})
    assert (told["footnote.outcome"], told["footnote.route"], told["footnote.sentences"]) == ("answered", "hybrid", 1)
    assert told["footnote.receipt"] == str(answer.receipt)
    legs = [dict(step.attributes or {}) for step in steps if step.name == "retrieve"]
    assert {leg["footnote.mode"] for leg in legs} == {"lexical", "vector"}
    [fuse] = [dict(step.attributes or {}) for step in steps if step.name == "fuse"]
    assert fuse["footnote.passages_found"] == 1


async def test_spans_hold_no_words_of_question_answer_or_documents(
    parts: Parts, fakes: Fakes, spans: InMemorySpanExporter
) -> None:
    fakes.found = TWO
    fakes.broken_reranker = True
    answer = await application(parts).ask(PRINCIPAL, QUESTION)
    assert "1932" in answer.answer
    told = words_on(spans.get_finished_spans())
    assert all(word not in told for word in ("bridge", "Bridge", "in 1932", "grey", "Tolls", "ann", "out of memory"))
    assert '"footnote.notes": 1' in told


async def test_the_error_that_ends_a_question_is_told_by_name(
    parts: Parts, fakes: Fakes, spans: InMemorySpanExporter
) -> None:
    fakes.broken["lexical"] = StoreUnavailable("The database on secret-host is gone.")
    with pytest.raises(StoreUnavailable):
        await application(parts).ask(PRINCIPAL, QUESTION)
    with pytest.raises(InvalidQuestion):
        await application(parts).ask(PRINCIPAL, "???")
    told = words_on(spans.get_finished_spans())
    assert "secret-host" not in told
    ended = [span for span in spans.get_finished_spans() if span.name == "question"]
    assert [(span.attributes or {})["error.type"] for span in ended] == ["StoreUnavailable", "InvalidQuestion"]
    assert not any(span.status.is_ok for span in ended)


async def test_work_in_threads_lies_below_its_step(
    parts: Parts, fakes: Fakes, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, int] = {}
    scores = Fakes.scores

    def scored(self: Fakes, question: str, passages: Sequence[Passage]) -> list[float]:
        seen["rerank"] = trace.get_current_span().get_span_context().span_id
        return scores(self, question, passages)

    monkeypatch.setattr(Fakes, "scores", scored)
    fakes.found = TWO
    await application(parts).ask(PRINCIPAL, QUESTION)
    _, steps = tree(spans)
    assert [step.context.span_id for step in steps if step.name == "rerank"] == [seen["rerank"]]


async def test_a_request_continues_the_trace_that_it_comes_with(parts: Parts, spans: InMemorySpanExporter) -> None:
    with request_span({"Traceparent": f"00-{_TRACE}-{_PARENT}-01"}, "POST") as span:
        async for _ in application(parts).stream(PRINCIPAL, QUESTION):
            pass
        end_request(span, "/v1/ask/stream", 200)
    finished = spans.get_finished_spans()
    assert {f"{one.context.trace_id:032x}" for one in finished} == {_TRACE}
    [request] = [one for one in finished if one.kind == trace.SpanKind.SERVER]
    assert request.name == "POST /v1/ask/stream"
    assert request.parent is not None and f"{request.parent.span_id:016x}" == _PARENT
    question, _ = tree(spans)
    assert question.parent is not None and question.parent.span_id == request.context.span_id


@pytest.mark.parametrize("header", ["", "00-zz-11-01", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "x" * 5000])
def test_a_trace_header_that_makes_no_sense_begins_a_new_trace(header: str, spans: InMemorySpanExporter) -> None:
    with request_span({"traceparent": header}, "GET") as span:
        end_request(span, None, 404)
    [request] = spans.get_finished_spans()
    assert request.parent is None
    assert request.name == "GET"


def test_a_request_that_breaks_is_told_without_the_words_of_the_error(spans: InMemorySpanExporter) -> None:
    with suppress(ValueError), request_span({}, "POST") as span:
        end_request(span, "/v1/ask", 500)
        raise ValueError("Was Ann fired?")
    [request] = spans.get_finished_spans()
    assert not request.status.is_ok
    assert "fired" not in request.to_json()


async def test_a_reader_who_leaves_ends_the_span(parts: Parts, fakes: Fakes, spans: InMemorySpanExporter) -> None:
    fakes.written = ("The bridge opened in 1932.", "It is painted grey every ten years.")
    stream = application(parts).stream(PRINCIPAL, QUESTION)
    async for event in stream:
        if isinstance(event, Said):
            break
    await stream.aclose()  # type: ignore[attr-defined]
    question, _ = tree(spans)
    assert (question.attributes or {})["footnote.outcome"] == "left"


async def test_a_server_that_runs_the_graph_itself_gets_the_same_spans(
    parts: Parts, spans: InMemorySpanExporter
) -> None:
    graph = build_graph(parts)
    with signed_in(PRINCIPAL):
        await asyncio.gather(*(graph.ainvoke({"question": QUESTION}) for _ in range(3)))
    finished = spans.get_finished_spans()
    questions = [span for span in finished if span.name == "question"]
    assert len(questions) == 3
    for question in questions:
        below = [span for span in finished if span.parent and span.parent.span_id == question.context.span_id]
        assert [span.name for span in below].count("retrieve") == 2


_PROGRAM = """
import asyncio
from observe.tracing import flush_traces, set_up_tracing
from settings import Settings
from tests.flow.conftest import PRINCIPAL, Fakes, parts_of
from tests.observe.conftest import application

set_up_tracing(Settings())
set_up_tracing(Settings())
asyncio.run(application(parts_of(Fakes())).ask(PRINCIPAL, "When did the bridge open?"))
flush_traces()
"""


async def test_the_standard_variables_alone_send_spans_to_a_collector() -> None:
    with collecting() as collector:
        environment = {
            **os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_SERVICE_NAME": "reading-room",
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key=sesame",
        }  # fmt: skip
        program = await asyncio.create_subprocess_exec(sys.executable, "-c", _PROGRAM, env=environment)
        assert await program.wait() == 0
    sent = [request for request in collector.requests if request.path == "/v1/traces"]
    body = b"".join(request.body for request in sent)
    assert {request.headers["api-key"] for request in sent} == {"sesame"}
    assert b"reading-room" in body and b"question" in body and b"rerank" in body and b"footnote.outcome" in body
    assert b"bridge" not in body and b"in 1932" not in body


def test_nothing_is_exported_unless_a_variable_asks_for_it() -> None:
    assert _exporter(Settings()) is None
    assert _exporter(Settings.model_validate({"OTEL_TRACES_EXPORTER": "none"})) is None
