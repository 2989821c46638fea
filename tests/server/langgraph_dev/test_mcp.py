from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import ClientSession, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from tests.server.langgraph_dev.conftest import DATABASE, ROOT, Served

QUESTION = "When did the bridge open?"
SECRET = "What does the office safe open with?"


@asynccontextmanager
async def _agent(served: Served, key: str) -> AsyncIterator[ClientSession]:
    """Another agent's client, over HTTP."""
    headers = {"Authorization": f"Bearer {served.keys[key]}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as client,
        streamable_http_client(f"{served.url}/mcp", http_client=client) as streams,
        ClientSession(streams[0], streams[1]) as session,
    ):
        await session.initialize()
        yield session


async def _called(session: ClientSession, tool: str, **arguments: Any) -> Any:
    return await session.call_tool(tool, arguments)


async def test_another_agent_asks_and_gets_the_answer_with_its_footnotes(served: Served) -> None:
    async with _agent(served, "ann") as session:
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        assert set(tools) == {"ask", "search", "open_document", "verify_receipt"}
        schema = tools["ask"].input_schema
        assert schema["required"] == ["question"]
        assert set(schema["properties"]) == {"question", "filters", "mode", "preset"}
        assert all(tool.description and tool.annotations for tool in tools.values())
        result = await _called(session, "ask", question=QUESTION, filters=["collection=open"], preset="minimal")
        [shown] = result.content
        assert shown.text.startswith(
            "The bridge opened in 1932 after eight years of work. [1]\n\n[1] The Harbour Bridge"
        )
        answer = result.structured_content
        assert answer["claims"][0]["verdict"] == "supported"
        receipt = answer["receipt"]
        assert '"holds": true' in (await _called(session, "verify_receipt", receipt=receipt)).content[0].text
        citation = answer["claims"][0]["citations"][0]
        read = await _called(
            session, "open_document", document_id=citation["document_id"], start=citation["start"], end=citation["end"]
        )
        assert read.content[0].text == citation["quote"]


async def test_an_agent_sees_what_its_user_may_see(served: Served) -> None:
    async with _agent(served, "ben") as ben, _agent(served, "ann") as ann:
        own = await _called(ben, "ask", question=SECRET)
        assert "blue key" in own.content[0].text
        citation = own.structured_content["claims"][0]["citations"][0]
        assert "blue key" not in str(await _called(ann, "ask", question=SECRET))
        assert "blue key" not in str(await _called(ann, "search", question=SECRET))
        refused = await _called(ann, "open_document", document_id=citation["document_id"])
        assert refused.is_error
        assert (await _called(ann, "verify_receipt", receipt=own.structured_content["receipt"])).is_error


async def test_what_goes_wrong_is_told_to_the_agent(served: Served) -> None:
    async with _agent(served, "ann") as session:
        for tool, arguments, told in (
            ("ask", {"question": "?"}, "no words"),
            ("ask", {"question": QUESTION, "filters": ["colour=red"]}, "colour=red"),
            ("search", {"question": QUESTION, "k": 1000}, "k"),
            ("open_document", {"document_id": "none"}, "not a document's id"),
        ):
            result = await _called(session, tool, **arguments)
            assert result.is_error
            assert told in result.content[0].text
    async with _agent(served, "writer") as session:
        result = await _called(session, "ask", question=QUESTION)
        assert result.is_error
        assert "scope 'ask'" in result.content[0].text


@pytest.mark.parametrize("key", ["revoked"])
async def test_no_agent_gets_in_without_a_key(served: Served, key: str) -> None:
    headers = {"Authorization": f"Bearer {served.keys[key]}", "Accept": "application/json, text/event-stream"}
    async with httpx2.AsyncClient() as client:
        for sent in (headers, {"Accept": headers["Accept"]}):
            call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
            assert (await client.post(f"{served.url}/mcp", json=call, headers=sent)).status_code == 401


async def test_ones_own_agent_asks_over_stdio_as_the_local_user(served: Served) -> None:
    environment = {**os.environ, "FOOTNOTE_HOME": str(served.home), "FOOTNOTE_DATABASE_NAME": DATABASE}
    server = StdioServerParameters(
        command=sys.executable, args=["-c", "from cli.main import main; main()", "mcp"], env=environment, cwd=ROOT
    )
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        result = await _called(session, "ask", question=QUESTION)
        assert "1932" in result.content[0].text
        assert "blue key" in str(await _called(session, "search", question=SECRET))  # who read it in may read it
