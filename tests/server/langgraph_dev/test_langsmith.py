"""LangSmith's variables are all that it takes: the LangGraph server's runs are traced, without words of documents."""

from __future__ import annotations

from typing import Any

from tests.observe.test_langsmith import arrived, runs
from tests.server.conftest import eventually
from tests.server.langgraph_dev.conftest import Served

QUESTIONS = (
    "When did the bridge open, and what colour is it painted?",
    "Where does ann@example.org pay with card 4111 1111 1111 1111?",
)


def _roots(found: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [run for run in found.values() if not run.get("parent_run_id") and run.get("end_time")]


def test_a_run_is_traced_step_by_step_with_personal_data_masked(served: Served) -> None:
    served.traces.requests.clear()
    with served.client("ann") as client:
        for question in QUESTIONS:
            run = {"assistant_id": "footnote", "input": {"question": question}, "context": {"cache": False}}
            assert client.post("/runs/wait", json=run).json()["answer"]["answer"]
    eventually(lambda: len(_roots(runs(served.traces))) == len(QUESTIONS), seconds=20)
    found = runs(served.traces)
    asked = sorted(root["inputs"]["question"] for root in _roots(found))
    assert asked == [QUESTIONS[0], "Where does [e-mail address hidden] pay with card [card number hidden]?"]
    assert {root["session_name"] for root in _roots(found)} == {"reading-room"}
    assert {"guard", "retrieve", "rerank", "write", "ground", "validate"} <= {run["name"] for run in found.values()}
    told = arrived(served.traces)
    for secret in (
        "ann@",
        "4111 1111",
        "1932",
        "eight years",
        "painted grey",
        "Harbour",
        "lsv2_pt",
        *served.keys.values(),
    ):
        assert secret not in told, secret
