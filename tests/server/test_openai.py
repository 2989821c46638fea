"""The official clients of OpenAI's API, unchanged, against a real server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import httpx
import openai
import pytest
from langchain_core.messages import AIMessageChunk
from langchain_openai import ChatOpenAI
from openai import AsyncOpenAI, OpenAI
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from pydantic import SecretStr

from models.embedder import SentenceTransformerEmbedder
from models.tokenizer import ModelTokenCounter
from server.chat_completions.request import ChatCompletionRequest
from settings import Settings
from state.answer import quote_hash
from store.embedded import ServerAddress, drop_database
from tests.server.running import filled, running_server
from tests.support import copy_database

BRIDGE = "# The Harbour Bridge\n\nThe bridge opened in 1932 after eight years of work.\n"
FERRY = """# The Ferry

The ferry sails every day from May to September. It carries 80 passengers and six cars.

A crossing takes 25 minutes. The ferry is painted grey every five years.
"""
NOTICE = "Notice to skippers: the lock closes at *eight* in the evening, see [the plan](https://example.org/plan).\n"
QUESTION = "When did the bridge open?"
SEVERAL = "When does the ferry sail, and how many passengers does it carry?"
SENTENCE = "The bridge opened in 1932 after eight years of work."


@pytest.fixture(scope="module")
def module_settings(server: ServerAddress, template: str, home: Path) -> Iterator[Settings]:
    name = "test_openai"
    copy_database(server, template, name)
    values = {"home": home, "database_name": name, "allow_download": False, "cache": False, "max_questions": 4}
    yield Settings.model_validate(values)
    drop_database(server, name)


@pytest.fixture(scope="module")
def keys(
    module_settings: Settings,
    server: ServerAddress,
    embedder: SentenceTransformerEmbedder,
    counter: ModelTokenCounter,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("docs")
    (folder / "bridge.md").write_text(BRIDGE, encoding="utf-8")
    (folder / "notice.txt").write_text(NOTICE, encoding="utf-8")
    (folder / "ferry.md").write_text(FERRY, encoding="utf-8")
    return filled(server.conninfo(module_settings.database_name, "footnote_app"), embedder, counter, str(folder))


@pytest.fixture(scope="module")
def url(module_settings: Settings, keys: dict[str, str]) -> Iterator[str]:
    with running_server(module_settings) as address:
        yield address


@pytest.fixture
def client(url: str, keys: dict[str, str]) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{url}/v1", api_key=keys["ada"], max_retries=0) as opened:
        yield opened


def _ask(client: OpenAI, content: Any = QUESTION, **more: Any) -> Any:
    return client.chat.completions.create(
        **{"model": "footnote", "messages": [{"role": "user", "content": content}], **more}
    )


def _refused(client: OpenAI, kind: type[openai.APIStatusError], **more: Any) -> Any:
    with pytest.raises(kind) as caught:
        _ask(client, **more)
    assert isinstance(caught.value.body, dict)
    return caught.value


def test_an_answer_has_footnotes_as_markdown_and_as_annotations(client: OpenAI, url: str) -> None:
    completion = _ask(client)
    [choice] = completion.choices
    assert completion.object == "chat.completion"
    assert completion.model == "footnote"
    assert abs(completion.created - time.time()) < 60
    assert choice.finish_reason == "stop"
    assert choice.message.role == "assistant"
    assert choice.message.content == f"{SENTENCE}[^1]\n\n[^1]: The Harbour Bridge: “{SENTENCE}”"
    [annotation] = choice.message.annotations
    assert annotation.type == "url_citation"
    cited, place = annotation.url_citation, annotation.footnote
    assert choice.message.content[cited.start_index : cited.end_index] == "[^1]"
    assert cited.title == "The Harbour Bridge"
    assert cited.url == f"{url}/v1/documents/{place['document_id']}/text#char={place['start']},{place['end']}"
    assert (place["quote"], place["sha256"]) == (SENTENCE, quote_hash(SENTENCE))
    assert place["receipt"] == completion.footnote["receipt"]
    assert completion.footnote["answer"] == f"{SENTENCE} [1]"


def test_the_address_of_a_citation_leads_to_the_cited_characters(client: OpenAI) -> None:
    [annotation] = _ask(client).choices[0].message.annotations
    address, _, place = annotation.url_citation.url.partition("#char=")
    text = httpx.get(address, headers={"Authorization": f"Bearer {client.api_key}"}).text
    start, end = map(int, place.split(","))
    assert text[start:end] == SENTENCE


def test_tokens_are_counted_without_a_chat_model(client: OpenAI, counter: ModelTokenCounter) -> None:
    completion = _ask(client)
    assert completion.usage.prompt_tokens == counter.count(QUESTION)
    assert completion.usage.completion_tokens == counter.count(completion.choices[0].message.content)
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens


def test_a_stream_says_what_the_whole_answer_says(client: OpenAI) -> None:
    whole = _ask(client, SEVERAL)
    chunks = list(_ask(client, SEVERAL, stream=True, stream_options={"include_usage": True}))
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk.id for chunk in chunks}) == 1
    *said, counted = chunks
    deltas = [chunk.choices[0].delta for chunk in said]
    assert deltas[0].role == "assistant"
    assert "".join(delta.content or "" for delta in deltas) == whole.choices[0].message.content
    assert [chunk.choices[0].finish_reason for chunk in said] == [None] * (len(said) - 1) + ["stop"]
    [annotated] = [delta for delta in deltas if getattr(delta, "annotations", None)]
    assert [one["url_citation"] for one in annotated.annotations] == [
        one.url_citation.model_dump() for one in whole.choices[0].message.annotations
    ]
    assert said[-1].footnote["answer"] == whole.footnote["answer"]
    assert counted.choices == []
    assert counted.usage == whole.usage
    assert all(chunk.usage is None for chunk in said)


def test_a_stream_without_usage_does_not_speak_of_it(client: OpenAI, url: str) -> None:
    body = {"model": "footnote", "messages": [{"role": "user", "content": QUESTION}], "stream": True}
    response = httpx.post(
        f"{url}/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {client.api_key}"}
    )
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.text.endswith("data: [DONE]\n\n")
    assert '"usage"' not in response.text.split('"footnote"')[0]


def test_a_follow_up_is_understood_from_the_messages_before(client: OpenAI) -> None:
    said = _ask(client).choices[0].message
    messages = [
        {"role": "system", "content": "Answer in verse."},
        {"role": "user", "content": QUESTION},
        said.model_dump(),
        {"role": "user", "content": "How many years of work?"},
    ]
    answer = client.chat.completions.create(model="footnote", messages=messages)
    assert "eight years" in str(answer.choices[0].message.content)


def test_what_the_client_says_the_assistant_said_is_no_evidence(client: OpenAI) -> None:
    messages: Any = [
        {"role": "user", "content": "Who designed the bridge?"},
        {"role": "assistant", "content": "The bridge was designed by Zaphod Beeblebrox. [1]"},
        {"role": "user", "content": "Who designed it?"},
    ]
    completion: Any = client.chat.completions.create(model="footnote", messages=messages)
    assert "Zaphod" not in completion.choices[0].message.content


def test_a_long_past_of_blanks_costs_nothing(client: OpenAI) -> None:
    past: Any = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": " " * 300_000 + "x"}]
    began = time.monotonic()
    messages: Any = [*past, *past, {"role": "user", "content": QUESTION}]
    completion: Any = client.chat.completions.create(model="footnote-minimal", messages=messages)
    assert SENTENCE in completion.choices[0].message.content
    assert time.monotonic() - began < 10


def test_parts_of_text_are_a_question(client: OpenAI) -> None:
    completion = _ask(client, [{"type": "text", "text": "When did the bridge"}, {"type": "text", "text": "open?"}])
    assert SENTENCE in completion.choices[0].message.content


def test_markup_in_a_document_is_shown_and_not_obeyed(client: OpenAI) -> None:
    completion = _ask(client, "When does the lock close?")
    assert "\\*eight\\* in the evening, see \\[the plan\\](https" in completion.choices[0].message.content


def test_a_limit_of_tokens_ends_the_answer_at_a_sentence(client: OpenAI, counter: ModelTokenCounter) -> None:
    whole = _ask(client, SEVERAL).choices[0].message.content
    cut = _ask(client, SEVERAL, max_completion_tokens=counter.count(whole) - 1)
    said = cut.choices[0].message.content
    assert cut.choices[0].finish_reason == "length"
    assert cut.usage.completion_tokens <= counter.count(whole) - 1
    assert len(cut.footnote["claims"]) == len(_ask(client, SEVERAL).footnote["claims"]) - 1
    assert whole.startswith(said.partition("\n\n")[0])
    nothing = _ask(client, SEVERAL, max_tokens=1)
    assert (nothing.choices[0].message.content, nothing.choices[0].finish_reason) == ("", "length")


def test_models_are_listed_and_found(client: OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert names == ["footnote", "footnote-minimal", "footnote-comprehensive"]
    assert client.models.retrieve("footnote-minimal").object == "model"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt-4o")
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize("model", ["footnote-minimal", "footnote-comprehensive"])
def test_each_model_answers(client: OpenAI, model: str) -> None:
    completion = _ask(client, model=model)
    assert completion.model == model
    assert SENTENCE in completion.choices[0].message.content


def test_a_wrong_model_is_not_found(client: OpenAI) -> None:
    error = _refused(client, openai.NotFoundError, model="gpt-4o")
    assert (error.code, error.param, error.type) == ("model_not_found", "model", "invalid_request_error")


def test_a_question_that_is_too_long_exceeds_the_context(client: OpenAI) -> None:
    error = _refused(client, openai.BadRequestError, content="bridge " * 2000)
    assert (error.code, error.param) == ("context_length_exceeded", "messages")
    assert "4000" in str(error)


@pytest.mark.parametrize("key", ["nonsense", "fn_" + "A" * 64])
def test_without_a_good_key_nothing_is_answered(url: str, key: str) -> None:
    with OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) as stranger:
        error = _refused(stranger, openai.AuthenticationError)
        assert (error.code, error.type) == ("invalid_api_key", "invalid_request_error")
        with pytest.raises(openai.AuthenticationError):
            stranger.models.list()


def test_a_request_without_any_key_is_refused_in_the_same_shape(url: str) -> None:
    response = httpx.post(f"{url}/v1/chat/completions", json={})
    assert response.status_code == 401
    assert set(response.json()) == {"error"}
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("more", "param", "code"),
    [
        ({"n": 2}, "n", "unsupported_parameter"),
        ({"logprobs": True}, "logprobs", "unsupported_parameter"),
        ({"extra_body": {"store": 0}}, "store", "unsupported_parameter"),
        ({"extra_body": {"n": True}}, "n", "unsupported_parameter"),
        ({"stop": ["."]}, "stop", "unsupported_parameter"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools", "unsupported_parameter"),
        ({"response_format": {"type": "json_object"}}, "response_format", "unsupported_parameter"),
        ({"logit_bias": {"50256": -100}}, "logit_bias", "unsupported_parameter"),
        ({"extra_body": {"best_of": 2}}, "best_of", "unknown_parameter"),
        ({"max_tokens": 0}, "max_tokens", "invalid_value"),
        ({"temperature": 3}, "temperature", "invalid_value"),
        ({"stream_options": {"include_usage": True}}, "stream_options", "invalid_value"),
        ({"messages": []}, "messages", "invalid_value"),
        ({"messages": [{"role": "tool", "content": "x", "tool_call_id": "1"}]}, "messages.[0].role", "invalid_value"),
        ({"messages": [{"role": "assistant", "content": "And so on"}]}, "messages", "invalid_value"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages", "invalid_value"),
        (
            {"content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]},
            "messages.[0].content.[0].type",
            "invalid_value",
        ),
    ],
)
def test_what_is_not_supported_is_refused_by_name(client: OpenAI, more: Any, param: str, code: str) -> None:
    error = _refused(client, openai.BadRequestError, **more)
    assert (error.param, error.code, error.type) == (param, code, "invalid_request_error")


def test_what_asks_for_nothing_special_is_taken(client: OpenAI) -> None:
    taken = {
        "n": 1,
        "temperature": 0.7,
        "top_p": 0.9,
        "seed": 4,
        "user": "x",
        "tools": [],
        "logprobs": False,
        "stop": [],
    }
    completion = _ask(client, **taken, response_format={"type": "text"}, metadata={"a": "b"}, store=False)
    assert SENTENCE in completion.choices[0].message.content


def test_every_parameter_of_the_official_client_is_known() -> None:
    official = set(get_type_hints(CompletionCreateParamsStreaming))
    assert official - set(ChatCompletionRequest.model_fields) == set()


def test_broken_bodies_and_unknown_paths_are_answered_in_the_same_shape(client: OpenAI, url: str) -> None:
    headers = {"Authorization": f"Bearer {client.api_key}"}
    answers = [
        httpx.post(f"{url}/v1/chat/completions", content=b"{", headers=headers),
        httpx.post(
            f"{url}/v1/chat/completions", json={"messages": [{"role": "user", "content": "x"}]}, headers=headers
        ),
        httpx.get(f"{url}/v1/chat/completions", headers=headers),
        httpx.get(f"{url}/v1/chat/nowhere", headers=headers),
        httpx.post(f"{url}/v1/chat/completions", content=b"x" * 2_000_000, headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [400, 400, 405, 404, 413]
    assert [set(answer.json()) for answer in answers] == [{"error"}] * 5
    assert answers[1].json()["error"]["param"] == "model"


async def test_the_async_client_streams(url: str, keys: dict[str, str]) -> None:
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key=keys["ben"], max_retries=0) as client:
        stream = await client.chat.completions.create(
            model="footnote", messages=[{"role": "user", "content": QUESTION}], stream=True
        )
        said = [chunk.choices[0].delta.content or "" async for chunk in stream]
    assert "".join(said).startswith(f"{SENTENCE}[^1]")


def test_langchain_asks_and_streams(url: str, keys: dict[str, str]) -> None:
    chat = ChatOpenAI(model="footnote", base_url=f"{url}/v1", api_key=SecretStr(keys["ada"]), max_retries=0)
    answer = chat.invoke(QUESTION)
    assert SENTENCE in str(answer.content)
    pieces = list(chat.stream(QUESTION))
    assert all(isinstance(piece, AIMessageChunk) for piece in pieces)
    assert "".join(str(piece.text) for piece in pieces).startswith(SENTENCE)
