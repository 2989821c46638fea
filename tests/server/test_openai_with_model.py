"""Chat completions where a chat model writes: its tokens, streams that are left, and more questions than places."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI

from models.embedder import SentenceTransformerEmbedder
from models.tokenizer import ModelTokenCounter
from settings import Settings
from store.embedded import ServerAddress, drop_database
from tests.chat_server import ChatServer, Reply
from tests.server.running import filled, running_server
from tests.support import copy_database

QUESTION = "When did the bridge open?"
PROSE = "The bridge opened in 1932. [1] It opened after eight years of work. [1]"
QUICK = Reply(PROSE)
SLOW = Reply(PROSE, pause=0.15)


@pytest.fixture(scope="module")
def model(writer: ChatServer) -> Iterator[ChatServer]:
    """The chat model, which gets back the reply that it had."""
    before = writer.reply
    yield writer
    writer.reply = before


@pytest.fixture(scope="module")
def client(
    model: ChatServer,
    server: ServerAddress,
    template: str,
    home: Path,
    embedder: SentenceTransformerEmbedder,
    counter: ModelTokenCounter,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[OpenAI]:
    """A client of a server that works on one question at a time."""
    name = "test_openai_with_model"
    copy_database(server, template, name)
    folder = tmp_path_factory.mktemp("docs")
    (folder / "bridge.md").write_text("# The Bridge\n\nThe bridge opened in 1932 after eight years of work.\n")
    keys = filled(server.conninfo(name, "footnote_app"), embedder, counter, str(folder))
    values = {
        "home": home, "database_name": name, "allow_download": False, "cache": False, "max_questions": 1,
        "chat_model": "openai:writer", "chat_base_url": model.url, "chat_api_key": "none", "chat_retries": 0,
    }  # fmt: skip
    with (
        running_server(Settings.model_validate(values)) as url,
        OpenAI(base_url=f"{url}/v1", api_key=keys["ada"], max_retries=0) as opened,
    ):
        yield opened
    drop_database(server, name)


def _ask(client: OpenAI, **more: Any) -> Any:
    messages: Any = [{"role": "user", "content": QUESTION}]
    return client.chat.completions.create(model="footnote-minimal", messages=messages, **more)


def _until(true: Any) -> None:
    until = time.monotonic() + 10
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_the_tokens_are_the_chat_models(client: OpenAI, model: ChatServer) -> None:
    model.reply = QUICK
    completion = _ask(client)
    assert completion.choices[0].message.content.startswith("The bridge opened in 1932.[^1]")
    spent = completion.footnote["usage"]
    assert spent["model_calls"] == 1
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (
        spent["input_tokens"], spent["output_tokens"],
    )  # fmt: skip
    assert completion.usage.completion_tokens == len(PROSE.split())


def test_sentences_arrive_while_the_model_still_writes(client: OpenAI, model: ChatServer) -> None:
    model.reply = SLOW
    moments = [time.monotonic() for chunk in _ask(client, stream=True) if chunk.choices[0].delta.content]
    assert moments[-1] - moments[0] > 0.5


def test_a_stream_that_is_left_stops_the_model_and_frees_its_place(client: OpenAI, model: ChatServer) -> None:
    model.reply = SLOW
    model.left.clear()
    with _ask(client, stream=True) as stream:
        for chunk in stream:
            if chunk.choices[0].delta.content:
                break
    _until(lambda: model.left)
    model.reply = QUICK
    _until(lambda: _answers(client))


def _answers(client: OpenAI) -> bool:
    try:
        return bool(_ask(client))
    except openai.RateLimitError:
        return False


def test_a_request_that_is_left_stops_the_model_and_frees_its_place(client: OpenAI, model: ChatServer) -> None:
    model.reply = Reply(PROSE, stall=30)
    model.left.clear()
    with pytest.raises(openai.APITimeoutError):
        _ask(client, timeout=1.0)
    _until(lambda: model.left)
    model.reply = QUICK
    _until(lambda: _answers(client))


def test_more_than_the_server_takes_on_is_refused_with_the_time_to_come_again(
    client: OpenAI, model: ChatServer
) -> None:
    model.reply = SLOW
    with _ask(client, stream=True) as stream:
        next(iter(stream))
        with pytest.raises(openai.RateLimitError) as caught:
            _ask(client)
    assert caught.value.code == "rate_limit_exceeded"
    assert int(caught.value.response.headers["Retry-After"]) >= 1
    model.reply = QUICK
    _until(lambda: _answers(client))


def test_a_model_that_fails_leaves_the_documents_sentences(client: OpenAI, model: ChatServer) -> None:
    model.reply = Reply("no", status=401)
    completion = _ask(client)
    assert "after eight years of work" in completion.choices[0].message.content
    assert completion.footnote["degraded"]
