"""One question through every face: the same sentences, with the same footnotes."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import OpenAI

from graph import Footnote
from graph.app import open_application
from settings import Settings
from state.run import RunContext
from tests.server.langgraph_dev.conftest import DATABASE, LOCAL, ROOT, Served
from tests.server.langgraph_dev.test_mcp import _agent, _called
from tests.server.running import running_server
from ui.chat import Asked, answered
from ui.preferences import Preferences
from ui.running import Stop
from ui.shared import Session

QUESTION = "When did the bridge open, and what colour is it painted?"


@pytest.fixture(scope="module")
def configuration(served: Served) -> Settings:
    return Settings(home=served.home, database_name=DATABASE, allow_download=False, cache=False, server_port=0)


@pytest.fixture(scope="module")
def api(configuration: Settings) -> Iterator[str]:
    with running_server(configuration) as address:
        yield address


@pytest.fixture(scope="module")
def in_process(configuration: Settings) -> tuple[Any, Any]:
    """What the graph itself answers, and what the page makes of it."""

    async def asked() -> tuple[Any, Any]:
        async with open_application(configuration) as application:
            answer = await application.ask(LOCAL, QUESTION)
            question = Asked(QUESTION, Preferences(), again=False, place=lambda: nullcontext(60.0))
            shown = [one async for one in answered(application, LOCAL, Session(), question, Stop())]
            turn = shown[-1][0].turns[-1]
            return answer.model_dump(mode="json"), turn.answer and turn.answer.model_dump(mode="json")

    return asyncio.run(asked())


@pytest.fixture(scope="module")
def expected(in_process: tuple[Any, Any]) -> Any:
    """What the graph itself answers."""
    answer, _ = in_process
    assert len(answer["claims"]) >= 1
    assert "1932" in answer["answer"]
    return answer


def _told(answer: Any) -> Any:
    """What an answer says and rests on, without what differs from one time to the next."""
    return answer["answer"], answer["abstained"], answer["claims"], answer["confidence"], answer["route"]


def test_the_command_line(served: Served, expected: Any) -> None:
    footnote = str(Path(sys.executable).parent / "footnote")
    environment = {**os.environ, "FOOTNOTE_HOME": str(served.home), "FOOTNOTE_DATABASE_NAME": DATABASE}
    done = subprocess.run(
        [footnote, "ask", QUESTION, "--json", "--no-cache"],
        env=environment, cwd=ROOT, capture_output=True, text=True, check=True, timeout=90,
    )  # fmt: skip
    assert _told(json.loads(done.stdout)) == _told(expected)


def test_the_library(configuration: Settings, expected: Any) -> None:
    with Footnote(configuration=configuration) as footnote:
        answer = footnote.ask(QUESTION, context=RunContext(cache=False))
    assert _told(answer.model_dump(mode="json")) == _told(expected)


def test_the_rest_api_whole_and_streamed(served: Served, api: str, expected: Any) -> None:
    headers = {"Authorization": f"Bearer {served.keys['local']}"}
    with httpx.Client(base_url=api, headers=headers, timeout=60) as client:
        whole = client.post("/v1/ask", json={"question": QUESTION}).json()
        with client.stream("POST", "/v1/ask/stream", json={"question": QUESTION}) as response:
            lines = list(response.iter_lines())
    assert _told(whole) == _told(expected)
    at = lines.index("event: answer")
    streamed = json.loads(next(line for line in lines[at:] if line.startswith("data: ")).removeprefix("data: "))
    assert _told(streamed) == _told(expected)


def test_openai_s_api(served: Served, api: str, expected: Any) -> None:
    with OpenAI(base_url=f"{api}/v1", api_key=served.keys["local"]) as client:
        reply = client.chat.completions.create(model="footnote", messages=[{"role": "user", "content": QUESTION}])
    assert _told(reply.model_dump()["footnote"]) == _told(expected)
    said = reply.choices[0].message.content or ""
    assert all(claim["text"] in said for claim in expected["claims"])


def test_the_langgraph_server(served: Served, expected: Any) -> None:
    run = {"assistant_id": "footnote", "input": {"question": QUESTION}, "context": {"cache": False}}
    with served.client("local") as client:
        answer = client.post("/runs/wait", json=run).json()["answer"]
    assert _told(answer) == _told(expected)


async def test_mcp(served: Served, expected: Any) -> None:
    async with _agent(served, "local") as session:
        result = await _called(session, "ask", question=QUESTION)
    assert _told(result.structured_content) == _told(expected)


def test_the_page(in_process: tuple[Any, Any], expected: Any) -> None:
    assert _told(in_process[1]) == _told(expected)
