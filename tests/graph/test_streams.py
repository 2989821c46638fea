"""What passed the checks is all that any stream of a run tells, whoever listens to it and how."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from graph import AsyncFootnote
from settings import Settings
from state.identity import signed_in
from state.run import AskInput, RunContext

QUESTION = "When did the bridge open?"
GOOD = "The bridge opened in the year 1932. [1]"
UNCHECKED = "Zanzibar"  # a word of sentences that no document supports
MODES: list[Any] = ["values", "updates", "custom", "messages", "debug", "tasks", "checkpoints"]


class Prose(BaseChatModel):
    """Streams two sentences in pieces: one that the document supports, one that nothing does."""

    @property
    def _llm_type(self) -> str:
        return "prose"

    def _generate(self, messages: list[BaseMessage], *args: Any, **options: Any) -> ChatResult:
        text = f"The {UNCHECKED} railway paid for it. [1]"  # what it says when it is asked to repair
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])

    async def _astream(
        self, messages: list[BaseMessage], *args: Any, **options: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        manager = options.get("run_manager") or (args[1] if len(args) > 1 else None)
        for word in f"{GOOD} It was paid for by the {UNCHECKED} railway. [1]".split(" "):
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=f"{word} "))
            if manager:
                await manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk


class Listener(AsyncCallbackHandler):
    """Notes whatever a run's callbacks are told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def on_llm_new_token(self, token: Any, **more: Any) -> None:
        self.heard.append(str(token))

    async def on_chain_end(self, outputs: Any, **more: Any) -> None:
        self.heard.append(str(outputs))


@pytest.mark.parametrize("kept", [False, True], ids=["alone", "on a thread"])
async def test_no_stream_tells_what_did_not_pass_the_checks(
    configuration: Settings, documents: Path, kept: bool
) -> None:
    async with AsyncFootnote(configuration=configuration, chat_model=Prose()) as footnote:
        await footnote.ingest(documents)
        listener = Listener()
        config: Any = {"callbacks": [listener]}
        if kept:
            config["configurable"] = {"thread_id": str(await footnote.converse())}
        graph = footnote.application.thread_graph if kept else footnote.application.graph
        heard: list[str] = []
        pieces: dict[str, str] = {}
        with signed_in(footnote.principal):
            asked = AskInput(question=QUESTION)
            how: Any = {"durability": "exit"} if kept else {}
            run = graph.astream(
                asked, config, context=RunContext(cache=False), stream_mode=MODES, subgraphs=True, **how
            )
            async for _, mode, event in run:
                heard.append(str(event))
                if mode == "messages" and isinstance(event[0], AIMessageChunk):
                    pieces[str(event[0].id)] = pieces.get(str(event[0].id), "") + str(event[0].text)
            events = graph.astream_events(asked, config, context=RunContext(cache=False), version="v2")
            heard += [str(event) async for event in events]
    assert GOOD in "".join(heard)
    assert [*pieces.values()] == [GOOD]
    for told in (*heard, *listener.heard):
        assert UNCHECKED not in told
