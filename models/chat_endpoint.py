"""One chat model at one address, through LangChain's `init_chat_model`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from contextvars import Context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from models.chat_failures import CallFailed, named
from models.chat_tokens import estimated_tokens
from models.prices import PriceTable
from observe import metrics
from observe.tracing import trace_link
from state.usage import Usage

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, AIMessageChunk
    from langchain_core.runnables import Runnable, RunnableConfig
    from pydantic import BaseModel, SecretStr

Result = TypeVar("Result")

# LangGraph's `messages` stream would otherwise carry the raw tokens past every check.
_UNSTREAMED: RunnableConfig = {"tags": ["nostream"], "run_name": "chat model"}
_ENDS = ("finish_reason", "stop_reason", "done_reason")
_FULL = ("length", "max_tokens", "MAX_TOKENS")


@dataclass(frozen=True, slots=True)
class Address:
    """Which chat model, where, and with which key; without a key the provider's own variable counts."""

    model: str
    base_url: str | None = None
    api_key: SecretStr | None = None
    temperature: float = 0.0

    @property
    def provider(self) -> str:
        """Return the provider, as `init_chat_model` calls it; empty if it is left to be guessed."""
        return self.model.partition(":")[0] if ":" in self.model else ""


class ChatEndpoint:
    """Calls one chat model and counts what it uses; made ready at the first call. Calls raise `CallFailed`.

    A model that refuses a request (HTTP 400) is asked once more with nothing in it that older servers and some models
    do not take: temperature, a schema for the answer, a count of tokens in a stream. If that helps, it stays so.
    """

    def __init__(self, address: Address, prices: PriceTable) -> None:
        self.name = address.model
        self._address = address
        self._prices = prices
        self._plain = False
        self._built: dict[bool, BaseChatModel] = {}
        self._client: Any = None

    async def pieces(self, system: str, prompt: str, usage: Usage, silence: Callable[[], float]) -> AsyncGenerator[str]:
        """Yield the answer's text as it comes; ``silence()`` is how many seconds the next piece may take."""
        try:
            async with aclosing(self._pieces(system, prompt, usage, silence, self._plain)) as pieces:
                async for piece in pieces:
                    yield piece
        except CallFailed as failure:
            if failure.kind != "refused" or self._plain:
                raise
        else:
            return
        async with aclosing(self._pieces(system, prompt, usage, silence, True)) as pieces:
            async for piece in pieces:
                self._plain = True
                yield piece

    async def text(self, system: str, prompt: str, schema: type[BaseModel], usage: Usage, seconds: float) -> str:
        """Return a whole answer, which should be JSON of the schema, and was asked to be where the server can."""
        try:
            return await self._text(system, prompt, schema, usage, seconds, self._plain)
        except CallFailed as failure:
            if failure.kind != "refused" or self._plain:
                raise
        answer = await self._text(system, prompt, schema, usage, seconds, True)
        self._plain = True
        return answer

    async def aclose(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        self._built.clear()
        if client is not None:
            await client.aclose()

    async def _pieces(
        self, system: str, prompt: str, usage: Usage, silence: Callable[[], float], plain: bool
    ) -> AsyncGenerator[str]:
        model = await self._model(plain)
        said: list[str] = []
        counts: Any = None
        ended, heard = "", False
        stream = model.astream([("system", system), ("human", prompt)], config=_UNSTREAMED)
        try:
            while (chunk := await _next(stream, silence())) is not None:
                heard = True
                counts = chunk.usage_metadata or counts
                ended = next((end for key in _ENDS if (end := chunk.response_metadata.get(key))), ended)
                if chunk.text:
                    said.append(chunk.text)
                    yield chunk.text
        finally:
            await cast("Any", stream).aclose()
            if heard:
                self._count(usage, counts, system + prompt, "".join(said))
        if not ended and self._address.provider in ("", "openai"):
            raise CallFailed("again", "broke its answer off")
        if ended in _FULL:
            raise CallFailed("refused", "ran out of room for its answer")
        if not said:
            raise CallFailed("malformed", "sends an empty answer")

    async def _text(
        self, system: str, prompt: str, schema: type[BaseModel], usage: Usage, seconds: float, plain: bool
    ) -> str:
        model: Runnable[Any, AIMessage] = await self._model(plain)
        if not plain and self._address.provider == "openai":
            form = {"name": schema.__name__, "schema": schema.model_json_schema()}
            model = model.bind(response_format={"type": "json_schema", "json_schema": form})
        try:
            call = model.ainvoke([("system", system), ("human", prompt)], config=_UNSTREAMED)
            message = await _apart(call, seconds)
        except Exception as error:  # each provider's library raises its own
            raise named(error) from None  # its words may hold the key, or texts of documents
        self._count(usage, message.usage_metadata, system + prompt, message.text)
        return message.text

    def _count(self, usage: Usage, counts: Any, asked: str, said: str) -> None:
        """Add a call's tokens, estimated where the server does not tell, and what they cost."""
        read = counts["input_tokens"] if counts else estimated_tokens(asked)
        written = counts["output_tokens"] if counts else estimated_tokens(said)
        own_server = self._address.base_url is not None
        cost = self._prices.cost(self.name, read, written, own_server=own_server)
        usage.add(read, written, cost)
        metrics.model_call(self.name, read, written, cost)

    async def _model(self, plain: bool) -> BaseChatModel:
        if plain not in self._built:
            try:
                self._built[plain] = await asyncio.to_thread(self._build, plain)
            except ImportError as error:
                raise named(error) from None
            except Exception:  # a missing key, an unknown provider, a mistaken address: each library has its own error
                raise CallFailed(
                    "settings",
                    "cannot be set up: write FOOTNOTE_CHAT_MODEL as provider:model, such as openai:gpt-4.1-mini, and "
                    "give its key in FOOTNOTE_CHAT_API_KEY or the provider's own variable",
                ) from None
        return self._built[plain]

    def _build(self, plain: bool) -> BaseChatModel:
        """Import the provider's library and make its model: takes a second or two the first time."""
        from langchain.chat_models import init_chat_model

        address = self._address
        options: dict[str, Any] = {"max_retries": 0}
        if not plain:
            options["temperature"] = address.temperature
        if address.base_url:
            options["base_url"] = address.base_url
        if address.api_key:
            options["api_key"] = address.api_key.get_secret_value()
        if address.provider == "openai":
            options |= self._openai_options(plain)
        try:
            return cast("BaseChatModel", init_chat_model(address.model, **options))
        except Exception:
            if not address.base_url or address.api_key:
                raise
        # Neither a setting nor the provider's variable has a key, which a server of one's own rarely asks for.
        return cast("BaseChatModel", init_chat_model(address.model, **options, api_key="none"))

    def _openai_options(self, plain: bool) -> dict[str, Any]:
        """Return what OpenAI-compatible servers need: connections of our own, as the library's outlive their loop."""
        from openai import DefaultAsyncHttpxClient

        if self._client is None:
            self._client = DefaultAsyncHttpxClient(timeout=None)  # the time limits are ours
        options: dict[str, Any] = {"http_async_client": self._client, "stream_usage": not plain}
        if self._address.base_url:
            options["use_responses_api"] = False  # which few other servers have
        return options


async def _next(stream: AsyncIterator[AIMessageChunk], seconds: float) -> AIMessageChunk | None:
    """Return the stream's next piece, None at its end. Raises `CallFailed`."""
    try:
        return await _apart(anext(stream, None), seconds)
    except Exception as error:  # each provider's library raises its own
        raise named(error) from None  # its words may hold the key, or texts of documents


async def _apart(step: Awaitable[Result], seconds: float) -> Result:
    """Do a step of a call in an empty context. Raises `TimeoutError`.

    LangChain would pass the callbacks of the run on to the model, and with them raw tokens to whoever listens to the
    run's events; and an open stream would hold on to the run, so that its end could not be told. What traces the run
    goes along: that lets no words out but to where traces go, masked as all that goes there.
    """
    linked = trace_link()

    async def awaited() -> Result:
        with linked():
            return await step

    task = asyncio.get_running_loop().create_task(awaited(), context=Context())
    return await asyncio.wait_for(task, _limit(seconds))


def _limit(seconds: float) -> float | None:
    return None if seconds == float("inf") else max(0.0, seconds)
