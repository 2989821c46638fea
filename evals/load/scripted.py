"""A chat model by script: an OpenAI-compatible server on the loopback interface that takes its time, and notes it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

_BLOCK = re.compile(r"\[begin ([a-z ]+?)(?: (\d+))?, data [0-9a-f]+\]\n(.*?)\n\[end ", re.DOTALL)
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]")
_WORD = re.compile(r"\w+")
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_PIECE = re.compile(r"\S+\s*")


@dataclass
class ScriptedModel:
    """Says the sentence of the passages that has most words of the question; classifies every question as factual.

    ``first`` seconds pass before an answer's first token, ``each`` between two. ``busy`` holds by question when the
    model worked on it (`time.monotonic`, begin and end), ``answering`` the connections.
    """

    first: float = 1.0
    each: float = 0.02
    busy: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    answering: set[asyncio.Task[None] | None] = field(default_factory=set)

    def seconds(self, question: str) -> float:
        """Return how long the model worked on a question; of calls at the same time, the time counts once."""
        total, until = 0.0, 0.0
        for begin, end in sorted(self.busy.get(question, ())):
            total += max(0.0, end - max(begin, until))
            until = max(until, end)
        return total

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of a connection, one after the other."""
        self.answering.add(asyncio.current_task())
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = json.loads(await reader.readexactly(int(length[1]) if length else 0))
                await self._answer(writer, body)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has what it wanted, or wants it no more
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, body: dict[str, Any]) -> None:
        began = time.monotonic()
        prompt = "\n".join(str(message["content"]) for message in body["messages"])
        question, text = _said(prompt)
        pieces = _PIECE.findall(text)
        try:
            await asyncio.sleep(self.first)
            if body.get("stream"):
                await self._stream(writer, body, prompt, pieces)
            else:
                await asyncio.sleep(self.each * len(pieces))
                choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
                whole = {**_envelope(body, "chat.completion"), "choices": [choice], "usage": _usage(prompt, pieces)}
                content = json.dumps(whole).encode()
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    + f"Content-Length: {len(content)}\r\n\r\n".encode()
                    + content
                )
                await writer.drain()
        finally:
            self.busy[question].append((began, time.monotonic()))

    async def _stream(self, writer: asyncio.StreamWriter, body: dict[str, Any], prompt: str, pieces: list[str]) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        envelope = _envelope(body, "chat.completion.chunk")
        for piece in pieces:
            choice = {"index": 0, "delta": {"content": piece}, "finish_reason": None}
            await _chunk(writer, f"data: {json.dumps({**envelope, 'choices': [choice]})}\n\n")
            await asyncio.sleep(self.each)
        choice = {"index": 0, "delta": {}, "finish_reason": "stop"}
        await _chunk(writer, f"data: {json.dumps({**envelope, 'choices': [choice]})}\n\n")
        if (body.get("stream_options") or {}).get("include_usage"):
            last = {**envelope, "choices": [], "usage": _usage(prompt, pieces)}
            await _chunk(writer, f"data: {json.dumps(last)}\n\n")
        await _chunk(writer, "data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")
        await writer.drain()


async def _chunk(writer: asyncio.StreamWriter, text: str) -> None:
    content = text.encode()
    writer.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
    await writer.drain()


def _envelope(body: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "scripted", "object": kind, "created": 1, "model": body.get("model", "scripted")}


def _usage(prompt: str, pieces: list[str]) -> dict[str, int]:
    asked = len(prompt) // 4
    return {"prompt_tokens": asked, "completion_tokens": len(pieces), "total_tokens": asked + len(pieces)}


def _said(prompt: str) -> tuple[str, str]:
    """Return the question of a prompt, and what the model says to it."""
    question, passages = "", []
    for label, number, text in _BLOCK.findall(prompt):
        if label == "passage":
            passages.append((number, text))
        elif label == "question":
            question = text
    if not passages:
        return question, json.dumps({"kind": "factual", "reason": "it asks for one fact"})
    words = set(_WORD.findall(question.lower()))
    sentences = [(number, said.strip()) for number, text in passages for said in _SENTENCE.findall(text)]
    number, best = max(sentences, key=lambda said: len(words & set(_WORD.findall(said[1].lower()))))
    return question, f"{best} [{number}]"


@contextlib.asynccontextmanager
async def scripted_model() -> AsyncIterator[tuple[ScriptedModel, str]]:
    """Serve on a free port of the loopback interface; yield the model and its base URL."""
    model = ScriptedModel()
    server = await asyncio.start_server(model.handle, "127.0.0.1", 0, limit=2**20)
    try:
        yield model, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()
        open_still = [task for task in model.answering if task is not None and not task.done()]
        for task in open_still:
            task.cancel()
        await asyncio.gather(*open_still, return_exceptions=True)
