from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from graph.app import open_application
from graph.builder import Parts
from graph.tracing import traced
from models.pii import PresidioFinder
from observe.langsmith_traces import HIDDEN, _Masking, set_up_langsmith
from settings import Settings
from state.errors import StoreUnavailable
from state.principal import Principal
from store.database import Database
from tests.chat_server import ChatServer, Reply, chat_server
from tests.flow.conftest import PRINCIPAL, Fakes, passage
from tests.observe.collector import Collector, collecting
from tests.observe.conftest import application
from tests.observe.langsmith_variables import langsmith_variables
from tests.support import Library

TEXT = (
    "# The Harbour Bridge\n\nThe bridge opened in 1932 after eight years of work. It is painted grey. "
    "Write to keeper@bridge.example about tolls.\n"
)
QUESTION = "In which year did the bridge open (ann@example.org, 4111 1111 1111 1111)?"
PROSE = "The bridge opened in 1932. [1]"


@pytest.fixture
async def chat() -> AsyncIterator[ChatServer]:
    async with chat_server(Reply(PROSE)) as server:
        yield server


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector to which LangSmith's variables point in this process; afterwards it is as if they never had."""
    tracing = {"LANGSMITH_TRACING": "true", "LANGSMITH_PROJECT": "reading-room"}
    with collecting() as collector, langsmith_variables(monkeypatch, collector.url, **tracing):
        yield collector


def runs(collector: Collector) -> dict[str, dict[str, Any]]:
    """Return the runs that arrived, by their ids, beginnings and ends put together."""
    found: dict[str, dict[str, Any]] = {}
    for request in collector.requests:
        assert request.path == "/runs/multipart", request.path
        for name, value in request.parts().items():
            _, identity, *field = name.split(".")
            run = found.setdefault(identity, {})
            run.update({field[0]: value} if field else {k: v for k, v in value.items() if v is not None})
    return found


def arrived(collector: Collector) -> str:
    """Return all that was sent without ids, dates and times: any four digits turn up in those."""
    sent = b"\n".join(request.body for request in collector.requests).decode()
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{8}T\d+Z|[\d-]+T[\d:.]+|\d+\.\d+", "", sent)


async def test_the_tree_of_steps_arrives_and_no_words_but_the_masked_question(
    library: Library, database: Database, local: Principal, home: Path, chat: ChatServer, collector: Collector
) -> None:
    library.write(bridge=TEXT)
    await library.read_in()
    model = {"chat_model": "openai:house-model", "chat_base_url": chat.url, "chat_api_key": "house-key"}
    configuration = Settings.model_validate({"home": home, "allow_download": False, "abstain_below": 0.0, **model})
    async with open_application(configuration, lambda _: nullcontext(database)) as application:
        answer = await application.ask(local, QUESTION)
    assert "1932" in answer.answer and answer.usage["model_calls"]
    found = runs(collector)
    [root] = [run for run in found.values() if not run.get("parent_run_id")]
    names = [run["name"] for run in found.values()]
    assert root["name"] == "footnote" and root["session_name"] == "reading-room"
    assert {"guard", "classify", "retrieve", "fuse", "grade", "write", "cite", "ground", "validate", "remember"} <= {
        *names
    }
    assert {run["trace_id"] for run in found.values()} == {root["id"]}
    models = [run for run in found.values() if run["run_type"] == "llm"]
    assert models and all(found[run["parent_run_id"]]["run_type"] == "chain" for run in models)
    assert all(run.get("end_time") for run in found.values())

    question = root["inputs"]["question"]
    assert question.startswith("In which year did the bridge open") and "hidden]" in question
    told = arrived(collector)
    secrets = ("ann@", "4111 1111", "1932", "eight years", "painted grey", "keeper@", "Harbour", "house-key", "lsv2_pt")
    for secret in secrets:
        assert secret not in told, secret
    assert '"question_class":"factual"' in told.replace(" ", "")
    assert HIDDEN in told


async def test_texts_are_sent_if_a_setting_allows_it_with_personal_data_masked(
    parts: Parts, fakes: Fakes, collector: Collector
) -> None:
    fakes.written = ("The bridge opened in 1932, says keeper@bridge.example.",)
    fakes.found = {"lexical": [passage(fakes.written[0])], "vector": []}
    async with traced(Settings(trace_texts=True), PresidioFinder()):
        answer = await application(parts).ask(PRINCIPAL, QUESTION)
    assert "keeper@bridge.example" in answer.answer
    told = arrived(collector)
    assert "The bridge opened in 1932" in told
    assert "ann@" not in told and "4111 1111" not in told and "keeper@" not in told


async def test_an_error_is_sent_by_its_name(parts: Parts, fakes: Fakes, collector: Collector) -> None:
    fakes.broken["lexical"] = StoreUnavailable("The database on secret-host is gone.")
    async with traced(Settings(), PresidioFinder()):
        with pytest.raises(StoreUnavailable):
            await application(parts).ask(PRINCIPAL, QUESTION)
    told = arrived(collector)
    assert "StoreUnavailable" in told
    assert "secret-host" not in told and "Traceback" not in told


def test_without_the_variables_there_is_no_client() -> None:
    assert set_up_langsmith(str, texts=False) is None


def test_what_is_not_named_is_not_sent() -> None:
    masking = _Masking(str.upper, texts=False)
    assert masking(
        {
            "question": "why", "route": "hybrid", "route_reason": "it asks about Ann", "relevance": 0.5, "ok": True,
            "degraded": ["web was left out: it says Ann"], "verdict": "Ann, fired!", "answer": {"claims": [{"n": 1}]},
            "error": "ValueError('Was Ann fired?')\n\nTraceback: Ann",
            "messages": [{"type": "human", "content": "Ann"}],
        }
    ) == {
        "question": "WHY", "route": "hybrid", "route_reason": HIDDEN, "relevance": 0.5, "ok": True,
        "degraded": ["source"], "verdict": HIDDEN, "answer": {"claims": [{"n": 1}]}, "error": "ValueError",
        "messages": [{"type": "human", "content": HIDDEN}],
    }  # fmt: skip
