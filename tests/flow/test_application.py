from __future__ import annotations

from dataclasses import fields
from typing import Any

from graph.application import Application
from graph.builder import Parts, build_graph
from state.answer import Answer, Said, Step
from tests.flow.conftest import PRINCIPAL, Fakes


def application(parts: Parts) -> Application:
    graph: Any = build_graph(parts)
    parts_of_it: dict[str, Any] = {field.name: None for field in fields(Application)}
    return Application(**{**parts_of_it, "graph": graph, "thread_graph": graph})


async def test_what_is_streamed_is_what_is_answered(parts: Parts, fakes: Fakes) -> None:
    fakes.written = ("The bridge opened in 1932.", "It is red.")
    events = [event async for event in application(parts).stream(PRINCIPAL, "When did the bridge open?")]
    answer = events[-1]
    assert isinstance(answer, Answer)
    said = [event for event in events if isinstance(event, Said)]
    assert " ".join(event.text for event in said) == answer.answer
    assert [event.claim for event in said] == answer.claims
    steps = [event.name for event in events if isinstance(event, Step)]
    assert steps[0] == "guard"
    assert steps[-1] == "remember"
    assert fakes.principals == [PRINCIPAL] * 2


async def test_nothing_is_written_once_nobody_reads(parts: Parts, fakes: Fakes) -> None:
    fakes.written = ("The bridge opened in 1932.", "It is red.")
    stream = application(parts).stream(PRINCIPAL, "When did the bridge open?")
    async for event in stream:
        if isinstance(event, Said):
            break
    await stream.aclose()  # type: ignore[attr-defined]
    assert fakes.receipts == []
