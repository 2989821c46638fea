"""What the load measurement rests on: questions that differ, a model whose time is known, counts that are right."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI

from evals.load.driving import Outcome, asker, idle_connections
from evals.load.facts import Facts
from evals.load.figures import counted
from evals.load.scripted import ScriptedModel, scripted_model
from prompts import fenced

QUESTION = "When did the Calbury Dam open?"
PROMPT = fenced(
    [
        ("passage 1", "The Holova Dam opened in 1901. It is tall."),
        ("passage 2", "The Calbury Dam opened in 1950. It is old."),
        ("question", QUESTION),
    ]
)


def test_no_two_questions_are_alike_and_all_are_answered_by_a_document(tmp_path: Path) -> None:
    facts = Facts(40)
    facts.write(tmp_path)
    questions = list(islice(facts.questions(), 200))
    assert len(set(questions)) == 200
    assert len(list(tmp_path.iterdir())) == 40
    assert list(islice(Facts(40).questions(), 200)) == questions


async def test_the_scripted_model_speaks_to_the_official_client_and_takes_its_time() -> None:
    async with scripted_model() as (model, address), AsyncOpenAI(base_url=address, api_key="none") as client:
        model.first = 0.2
        messages: Any = [{"role": "user", "content": PROMPT}]
        stream = await client.chat.completions.create(
            model="scripted", messages=messages, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
        said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        asked = await client.chat.completions.create(
            model="scripted", messages=[{"role": "user", "content": fenced([("question", QUESTION)])}]
        )
    assert said == "The Calbury Dam opened in 1950. [2]"
    assert chunks[-1].usage is not None
    assert json.loads(str(asked.choices[0].message.content))["kind"] == "factual"
    assert 0.4 < model.seconds(QUESTION) < 2.0


def test_calls_at_the_same_time_count_once() -> None:
    model = ScriptedModel()
    model.busy["x"] = [(5.0, 6.0), (1.0, 3.0), (2.0, 4.0), (2.5, 2.6)]
    assert model.seconds("x") == pytest.approx(4.0)
    assert model.seconds("never asked") == 0.0


@asynccontextmanager
async def _server(status: int, headers: str = "") -> AsyncIterator[int]:
    answering: set[asyncio.Task[None] | None] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.add(asyncio.current_task())
        head = await reader.read(65536)
        if head:
            writer.write(f"HTTP/1.1 {status} X\r\n{headers}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}".encode())
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
    await asyncio.gather(*filter(None, answering), return_exceptions=True)


async def test_refusals_are_told_from_failures() -> None:
    questions = Facts(10).questions()
    async with _server(429, "Retry-After: 3\r\n") as port, asker(f"http://127.0.0.1:{port}", "k", questions) as user:
        refused = await user.ask()
    async with asker(f"http://127.0.0.1:{port}", "k", questions) as user:  # where nobody listens any more
        lost = await user.ask()
    assert (refused.status, refused.retry_after, lost.status) == (429, "3", 0)
    figures = counted([refused, lost, Outcome("q", 200, 0.1, answered=True), Outcome("q", 500, 0.1)])
    assert (figures["error_rate"], figures["refused_rate"], figures["timeouts"]) == (0.5, 0.25, 1)
    assert figures["without_claims"] == 0


async def test_questions_come_at_the_rate_however_long_the_answers_take() -> None:
    async with _server(200) as port, asker(f"http://127.0.0.1:{port}", "k", Facts(40).questions()) as user:
        outcomes = await user.at_rate(100, 0.5)
    assert 25 <= len(outcomes) <= 80
    assert all(outcome.fine for outcome in outcomes)


async def test_idle_connections_that_the_server_closes_are_noticed() -> None:
    streams: list[asyncio.StreamWriter] = []

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        streams.append(writer)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    async with server, idle_connections("127.0.0.1", server.sockets[0].getsockname()[1], 5) as idle:
        await asyncio.sleep(0.05)
        assert idle.still_open() == 5
        streams[0].close()
        await asyncio.sleep(0.05)
        assert idle.still_open() == 4
    await asyncio.sleep(0.05)  # until the server has noticed that the others are gone
