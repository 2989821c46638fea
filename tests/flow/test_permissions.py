"""Whatever is asked, cached, revoked and erased in whatever order: nobody is shown what they may not see."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from graph.builder import AskGraph, Parts, build_graph
from ingest.pipeline import Ingester
from ingest.sources import find_sources
from models.embedder import SentenceTransformerEmbedder
from models.embedding_cache import CachedEmbedder
from models.tokenizer import ModelTokenCounter
from state.evidence import Passage
from state.identity import signed_in
from state.principal import Principal
from state.run import RunContext
from store.cache import ResponseCache
from store.checkpoints import ThreadSaver
from store.database import Database
from store.documents import delete_documents
from store.embedded import ServerAddress, drop_database
from store.receipts import Receipts
from store.targets import document_id
from store.threads import Threads
from store.verification import verify_receipt
from tests.flow.conftest import Fakes
from tests.support import copy_database
from tools.linked import LinkGraph
from tools.search import Searcher

THINGS = ("Tank", "Boiler", "Silo")
WORDS = ("Zorblax", "Quivert", "Mandrop", "Felicar", "Ombrust", "Tarnisk")  # one for each thing and version: its secret
WRITER = Principal("local", "local", can_write=True)
USERS = (
    Principal("local", "ann", groups=("crew",)),
    Principal("local", "bob"),
    Principal("local", "carl", groups=("crew",)),
)
ACCESS = (("*",), ("group:crew",), ("user:bob",), ("user:ann", "user:bob"), ())

put = st.tuples(st.just("put"), st.integers(0, 2), st.integers(0, 1), st.sampled_from(ACCESS))
delete = st.tuples(st.just("delete"), st.integers(0, 2))
ask = st.tuples(st.just("ask"), st.integers(0, 2), st.integers(0, 2), st.booleans())
Step = tuple[Any, ...]


class _FirstSentences:
    """Writes the first sentence of each passage."""

    name = "first sentences"

    async def sentences(self, question: str, passages: Sequence[Passage], limit: int) -> Any:
        for passage in passages[:limit]:
            yield passage.sentence_texts()[0]


@dataclass
class _World:
    """A database, a graph on it with all its caches, and what each user should be able to see."""

    database: Database
    ingester: Ingester
    graph: AskGraph
    thread_graph: AskGraph
    receipts: Receipts
    threads: Threads
    folder: Path
    visible: dict[int, tuple[int, tuple[str, ...]]] = field(default_factory=dict)  # version and access, by thing
    conversations: dict[str, UUID] = field(default_factory=dict)
    kept: list[tuple[Principal, UUID]] = field(default_factory=list)

    def may_see(self, user: Principal, thing: int) -> bool:
        return thing in self.visible and bool(set(user.grantees) & set(self.visible[thing][1]))

    def hidden_words(self, user: Principal) -> set[str]:
        """The secrets of all things that the user may not see, of any version."""
        hidden = {thing for thing in range(len(THINGS)) if not self.may_see(user, thing)}
        return {WORDS[2 * thing + version] for thing in hidden for version in (0, 1)}

    async def put(self, thing: int, version: int, access: tuple[str, ...]) -> None:
        path = self.folder / f"{WORDS[2 * thing]}.md"
        beside = THINGS[(thing + 1) % len(THINGS)]  # by its title: a hop leads there
        said = f"The {THINGS[thing]} is emptied by {WORDS[2 * thing + version]}. It stands beside the {beside}."
        text = f"# {THINGS[thing]}\n\n{said}"
        path.write_text(text, encoding="utf-8")
        grantees = (*access, "user:local")
        await self.ingester.ingest(find_sources([str(path)], max_bytes=1000), "default", access=grantees)
        self.visible[thing] = (version, grantees)

    async def delete(self, thing: int) -> None:
        path = self.folder / f"{WORDS[2 * thing]}.md"
        async with self.database.session(WRITER, write=True) as connection:
            await delete_documents(connection, [document_id("local", "default", str(path.resolve()))])
        self.visible.pop(thing, None)

    async def ask(self, user: Principal, thing: int, in_thread: bool) -> None:
        asked: Any = {"question": f"Who empties the {THINGS[thing]}?"}
        context = RunContext(preset="balanced", rerank=False)
        with signed_in(user):
            if in_thread:
                thread = self.conversations.get(user.user) or await self.threads.begin(user)
                self.conversations[user.user] = thread
                config: Any = {"configurable": {"thread_id": str(thread)}}
                output = await self.thread_graph.ainvoke(asked, config, context=context, durability="exit")
            else:
                output = await self.graph.ainvoke(asked, context=context)
        answer = output["answer"]
        self._nothing_hidden(user, str(output))
        if self.may_see(user, thing):
            assert WORDS[2 * thing + self.visible[thing][0]] in str(answer), "the caches serve what is current"
            assert answer["claims"]
        self.kept.append((user, UUID(answer["receipt"])))

    async def look_back(self) -> None:
        """Read every receipt and conversation: they too show only what may be seen now."""
        for user, receipt_id in self.kept:
            receipt = await self.receipts.get(user, receipt_id)
            self._nothing_hidden(user, receipt.model_dump_json())
            self._nothing_hidden(user, (await verify_receipt(self.database, user, receipt)).model_dump_json())
        for name, thread in self.conversations.items():
            user = next(user for user in USERS if user.user == name)
            self._nothing_hidden(user, str(await self.threads.export(user, thread)))

    def _nothing_hidden(self, user: Principal, shown: str) -> None:
        assert not {word for word in self.hidden_words(user) if word in shown}, user.user


async def _play(parts: Parts, conninfo: str, embedder: Any, counter: Any, folder: Path, steps: list[Step]) -> None:
    async with Database(conninfo, pool_size=4, timeout=10) as database:
        cached = CachedEmbedder(embedder)
        receipts = Receipts(database)
        searcher = Searcher(database, cached)
        wired = replace(
            parts,
            search=searcher,
            links=LinkGraph(searcher),
            writer=_FirstSentences(),
            receipts=receipts,
            cache=ResponseCache(database, cached, 100, 30),
        )
        world = _World(
            database, Ingester(database, embedder, counter, WRITER), build_graph(wired),
            build_graph(wired, ThreadSaver(database)), receipts, Threads(database), folder,
        )  # fmt: skip
        for kind, *details in steps:
            if kind == "put":
                await world.put(*details)
            elif kind == "delete":
                await world.delete(*details)
            else:
                user, thing, in_thread = details
                await world.ask(USERS[user], thing, in_thread)
            if kind != "ask":
                await world.look_back()


# An example takes seconds: a failing one is shown as it was found.
@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(steps=st.lists(st.one_of(put, delete, ask, ask), min_size=6, max_size=14), start=st.sampled_from(ACCESS))
def test_nobody_is_ever_shown_what_they_may_not_see(
    steps: list[Step],
    start: tuple[str, ...],
    parts: Parts,
    fakes: Fakes,
    server: ServerAddress,
    template: str,
    embedder: SentenceTransformerEmbedder,
    counter: ModelTokenCounter,
    tmp_path: Path,
) -> None:
    name = f"test_{uuid4().hex[:12]}"
    copy_database(server, template, name)
    folder = tmp_path / name
    folder.mkdir()
    first: list[Step] = [("put", thing, 0, start if thing else ("*",)) for thing in range(3)]
    asked: list[Step] = [("ask", user, 0, bool(user)) for user in range(3)]
    revoked: list[Step] = [("put", 0, 0, ("user:bob",)), ("ask", 0, 0, True), ("ask", 1, 0, False)]
    conninfo = server.conninfo(name, "footnote_app")
    try:
        asyncio.run(_play(parts, conninfo, embedder, counter, folder, [*first, *asked, *steps, *revoked]))
    finally:
        drop_database(server, name)


pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
