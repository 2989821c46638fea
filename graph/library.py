"""Footnote as a library: read documents in and ask, in a program of one's own, with one's own models if wanted.

```python
from graph import Footnote

with Footnote() as footnote:
    footnote.ingest("samples/handbook.md")
    answer = footnote.ask("How many days of annual leave are there?")
    print(answer.answer, answer.claims[0].citations[0].quote)
```

```python
import asyncio

from graph import AsyncFootnote


async def main():
    async with AsyncFootnote() as footnote:
        await footnote.ingest("samples/handbook.md")
        async for event in footnote.stream("How many days of annual leave are there?"):
            print(event)


asyncio.run(main())
```
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, aclosing
from os import PathLike, fspath
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack
from uuid import UUID

from anyio.from_thread import start_blocking_portal
from langchain_core.retrievers import BaseRetriever

from graph.app import Own, open_application
from graph.application import Application, How
from ingest.report import IngestReport
from ingest.sources import find_sources
from models.langchain_adapters import given_chat, given_embedders
from settings import Settings, settings
from state.answer import Answer, Said, Step, Verification
from state.evidence import Hit, Mode
from state.filters import parse_filters
from state.ports import Source
from state.principal import EVERYONE, local_principal
from tools.langchain_retriever import RetrieverSource

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

Result = TypeVar("Result")
Event = Step | Said | Answer


class AsyncFootnote:
    """Reads documents in and answers from them, for asynchronous programs: ``async with AsyncFootnote() as footnote``.

    ``home`` is the folder of its database, that of the settings if left out; other settings come from the environment
    or ``configuration``. ``chat_model`` is a LangChain chat model or ``provider:model``; ``embeddings`` a LangChain
    `Embeddings` or a sentence-transformers model, whose space is named by ``embeddings_name`` if its own name does not
    tell it from others; ``retrievers`` are LangChain retrievers, or `Source`s, to ask beside the documents.

    It acts as the command line's user. Its methods raise `FootnoteError` for what cannot be done.
    """

    def __init__(
        self,
        home: str | PathLike[str] | None = None,
        *,
        chat_model: BaseChatModel | str | None = None,
        embeddings: Any = None,
        embeddings_name: str | None = None,
        retrievers: Sequence[BaseRetriever | Source] = (),
        configuration: Settings | None = None,
    ) -> None:
        changes: dict[str, Any] = {} if home is None else {"home": Path(home).expanduser().absolute()}
        if isinstance(chat_model, str):
            changes["chat_model"] = chat_model
        self.configuration = (configuration or settings()).model_copy(update=changes)
        documents, questions = given_embedders(embeddings, embeddings_name) if embeddings is not None else (None, None)
        given = None if chat_model is None or isinstance(chat_model, str) else chat_model
        self._own = Own(
            embedder=documents,
            question_embedder=questions,
            chat=given_chat(given, self.configuration) if given is not None else None,
            sources=_sources(retrievers),
        )
        self.principal = local_principal(self.configuration)
        self._stack = AsyncExitStack()
        self._opened: Application | None = None

    async def __aenter__(self) -> Self:
        """Open the database and load the models."""
        self._opened = await self._stack.enter_async_context(open_application(self.configuration, own=self._own))
        return self

    async def __aexit__(self, *failure: object) -> None:
        """Close what was opened."""
        self._opened = None
        await self._stack.aclose()

    @property
    def application(self) -> Application:
        """Everything that is open, for what has no method here: conversations, receipts, keys, the graph itself."""
        if self._opened is None:
            raise RuntimeError("Footnote is not open: use it in a with statement.")
        return self._opened

    async def ingest(
        self, *paths: str | PathLike[str], collection: str = "default", access: Sequence[str] = (EVERYONE,)
    ) -> IngestReport:
        """Bring a collection up to date with files, folders, globs and web addresses; return what was done.

        Files that cannot be read are in the report's ``failed``, and keep nothing else from being read.
        """
        application = self.application
        max_bytes = int(self.configuration.max_file_mb * 1_000_000)
        found = await asyncio.to_thread(find_sources, [fspath(path) for path in paths], max_bytes=max_bytes)
        return await application.ingester(self.principal).ingest(found, collection, access=access)

    async def converse(self, title: str = "") -> UUID:
        """Begin a conversation; with its id as ``thread``, questions are understood from those before."""
        return await self.application.threads.begin(self.principal, title)

    async def ask(self, question: str, **how: Unpack[How]) -> Answer:
        """Answer a question, every sentence with its checked footnotes."""
        return await self.application.ask(self.principal, question, **how)

    async def stream(self, question: str, **how: Unpack[How]) -> AsyncIterator[Event]:
        """Yield each step as it ends, each sentence as it passes the checks, and at last the whole answer."""
        async with aclosing(self.application.stream(self.principal, question, **how)) as events:  # type: ignore[type-var]
            async for event in events:
                yield event

    async def search(
        self, question: str, mode: Mode = "hybrid", *, k: int = 10, filters: Sequence[str] = ()
    ) -> list[Hit]:
        """Return the best passages for a question."""
        searcher = self.application.searcher
        return await searcher.search(self.principal, question, mode, k=k, filters=parse_filters(filters))

    async def verify(self, receipt: UUID) -> Verification:
        """Check an answer again, by its receipt, against what is stored now."""
        return await self.application.verify(self.principal, receipt)


class Footnote:
    """The same for other programs: ``with Footnote() as footnote``. Takes what `AsyncFootnote` takes.

    Its work is done in an event loop of its own, in a thread beside; threads may share it.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self._footnote = AsyncFootnote(*args, **options)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start the loop, open the database and load the models."""
        with ExitStack() as stack:
            self._portal = stack.enter_context(start_blocking_portal())
            stack.enter_context(self._portal.wrap_async_context_manager(self._footnote))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *failure: object) -> None:
        """Close what was opened, and end the loop."""
        self._stack.close()

    def ingest(
        self, *paths: str | PathLike[str], collection: str = "default", access: Sequence[str] = (EVERYONE,)
    ) -> IngestReport:
        """Bring a collection up to date with files, folders, globs and web addresses; return what was done."""
        return self._done(lambda: self._footnote.ingest(*paths, collection=collection, access=access))

    def converse(self, title: str = "") -> UUID:
        """Begin a conversation; with its id as ``thread``, questions are understood from those before."""
        return self._done(lambda: self._footnote.converse(title))

    def ask(self, question: str, **how: Unpack[How]) -> Answer:
        """Answer a question, every sentence with its checked footnotes."""
        return self._done(lambda: self._footnote.ask(question, **how))

    def stream(self, question: str, **how: Unpack[How]) -> Iterator[Event]:
        """Yield each step as it ends, each sentence as it passes the checks, and at last the whole answer."""
        told: SimpleQueue[Event | None] = SimpleQueue()

        async def tell() -> None:  # in one task from beginning to end, as the graph's stream needs it
            async for event in self._footnote.stream(question, **how):
                told.put(event)

        telling = self._started(tell)
        telling.add_done_callback(lambda _: told.put(None))
        try:
            while (event := told.get()) is not None:
                yield event
            telling.result()
        finally:
            telling.cancel()

    def search(self, question: str, mode: Mode = "hybrid", *, k: int = 10, filters: Sequence[str] = ()) -> list[Hit]:
        """Return the best passages for a question."""
        return self._done(lambda: self._footnote.search(question, mode, k=k, filters=filters))

    def verify(self, receipt: UUID) -> Verification:
        """Check an answer again, by its receipt, against what is stored now."""
        return self._done(lambda: self._footnote.verify(receipt))

    def _started(self, work: Callable[[], Coroutine[Any, Any, Result]]) -> Any:
        self._footnote.application  # noqa: B018 - raises unless it is open
        return self._portal.start_task_soon(work)

    def _done(self, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        running = self._started(work)
        try:
            result: Result = running.result()
        except BaseException:  # Ctrl-C too: what nobody waits for is not to go on
            running.cancel()
            raise
        return result


def _sources(retrievers: Sequence[BaseRetriever | Source]) -> tuple[Source, ...]:
    """Return sources with a name each."""
    sources: list[Source] = []
    for number, one in enumerate(retrievers, start=1):
        name = "retriever" if number == 1 else f"retriever {number}"
        sources.append(RetrieverSource(one, name) if isinstance(one, BaseRetriever) else one)
    return tuple(sources)
