"""The measurement as a whole: CPU time, capacity without a model, and a server with one, below and above capacity."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.load.driving import Asker, IdleConnections, asker, idle_connections
from evals.load.facts import Facts
from evals.load.figures import counted, times_of
from evals.load.scripted import ScriptedModel, scripted_model
from evals.load.serving import Served, served
from evals.load.stages import cpu_by_stage
from evals.scratch import scratch_database
from graph.app import open_application
from ingest.pipeline import Ingester
from ingest.sources import find_sources
from settings import Settings, settings
from state.principal import Principal, local_principal
from store.database import Database
from store.keys import Keys

_DOCUMENTS = 400
_USERS = 16  # who ask at once for the capacity: as many as a server takes on by default on two threads
_IDLE = 1000
_STAGE_QUESTIONS = 20
# Shares of the seconds given, by what they are spent on.
_WARM, _EXTRACTIVE, _CAPACITY, _BELOW, _ABOVE, _AFTER = 0.05, 0.15, 0.15, 0.35, 0.15, 0.10
_AFTER_RATE = 0.3  # of the capacity, at which it is asked whether the server has recovered
_SETTLE = 2.0  # seconds after the overload before that


@dataclass(frozen=True)
class _Bench:
    """What all parts of the measurement share."""

    configuration: Settings
    database: str
    key: str
    questions: Iterator[str]
    folder: Path
    seconds: float

    def variables(self, model: str | None) -> dict[str, str]:
        """Return the environment of a server under test: its rate limit off, no answer from the cache."""
        given = {
            "FOOTNOTE_HOME": str(self.configuration.home),
            "FOOTNOTE_DATABASE_NAME": self.database,
            "FOOTNOTE_CACHE": "false",
            "FOOTNOTE_REQUESTS_PER_MINUTE": "1000000",
            "FOOTNOTE_REQUEST_BURST": "1000000",
        }
        if model is None:
            return given
        return given | {
            "FOOTNOTE_CHAT_MODEL": "openai:scripted",
            "FOOTNOTE_CHAT_BASE_URL": model,
            "FOOTNOTE_CHAT_API_KEY": "none",
        }

    def part(self, share: float) -> float:
        """Return the seconds of a part."""
        return self.seconds * share


async def evaluate_load(seconds: float) -> dict[str, Any]:
    """Return the figures; the loads take ``seconds``, starting and stopping about a minute more.

    Runs on the embedded database server, without the chat model that may be configured. Raises `ServerFailed`.
    """
    configuration = settings().model_copy(update={"chat_model": None})
    principal = local_principal(configuration)
    with tempfile.TemporaryDirectory(prefix="footnote-load-") as made:
        folder = Path(made)
        async with _corpus(configuration, principal, folder) as (database, questions, stages):
            _, key = await Keys(database).create(principal, "load", scopes=("ask",))
            bench = _Bench(configuration, await _name_of(database, principal), key, questions, folder, seconds)
            return {
                "documents": _DOCUMENTS,
                "threads": configuration.threads,
                "cpu_of_one_answer": stages,
                "extractive": await _extractive(bench),
                "scripted_model": await _with_model(bench),
            }


@contextlib.asynccontextmanager
async def _corpus(
    configuration: Settings, principal: Principal, folder: Path
) -> AsyncIterator[tuple[Database, Iterator[str], dict[str, Any]]]:
    """Read the documents in; yield the database, questions about them, and the CPU time of one answer."""
    facts = Facts(_DOCUMENTS)
    documents = folder / "documents"
    documents.mkdir()
    facts.write(documents)
    questions = facts.questions()
    async with scratch_database(configuration) as database:

        @contextlib.asynccontextmanager
        async def connect(_: Settings) -> AsyncIterator[Database]:
            yield database

        async with open_application(configuration, connect) as application:
            ingester: Ingester = application.ingester(principal)
            await ingester.ingest(find_sources([str(documents)], max_bytes=10**6), "default")
            stages = await cpu_by_stage(application, principal, questions, _STAGE_QUESTIONS)
        yield database, questions, stages


async def _name_of(database: Database, principal: Principal) -> str:
    async with database.session(principal) as connection:
        [name] = await (await connection.execute("select current_database()")).fetchone() or [""]
    return str(name)


async def _extractive(bench: _Bench) -> dict[str, Any]:
    """Return the capacity without a chat model."""
    async with _asked(bench, None) as (server, user):
        since = time.monotonic()
        capacity = await _capacity(user, bench.part(_EXTRACTIVE))
        return capacity | {"memory": server.memory(since)}


async def _with_model(bench: _Bench) -> dict[str, Any]:
    """Return the capacity with a chat model that thinks for a second, and what happens below, above it, and after."""
    async with scripted_model() as (model, address), _asked(bench, address) as (server, user):
        capacity = await _capacity(user, bench.part(_CAPACITY))
        rate = float(capacity["answers_per_s"])
        async with idle_connections(server.host, server.port, _IDLE) as idle:
            return {
                "capacity": capacity,
                "at_60_percent": await _at_rate(user, 0.6 * rate, bench.part(_BELOW), server, idle, model),
                "at_200_percent": await _at_rate(user, 2.0 * rate, bench.part(_ABOVE), server, idle, model),
                "after": await _recovered(user, _AFTER_RATE * rate, bench.part(_AFTER), server, idle, model),
            }


@contextlib.asynccontextmanager
async def _asked(bench: _Bench, model: str | None) -> AsyncIterator[tuple[Served, Asker]]:
    """Start a server, and ask it until it is warm."""
    log = bench.folder / "server.log"
    async with (
        served(bench.variables(model), log) as server,
        asker(server.url, bench.key, bench.questions) as user,
    ):
        await user.in_turn(2, max(3.0, bench.part(_WARM)))
        yield server, user


async def _capacity(user: Asker, seconds: float) -> dict[str, Any]:
    began = time.monotonic()
    outcomes = await user.in_turn(_USERS, seconds)
    fine = [outcome for outcome in outcomes if outcome.fine]
    return {
        "answers_per_s": round(len(fine) / (time.monotonic() - began), 2),
        **times_of("total", [outcome.seconds for outcome in fine]),
        **counted(outcomes),
    }


async def _at_rate(
    user: Asker, rate: float, seconds: float, server: Served, idle: IdleConnections, model: ScriptedModel
) -> dict[str, Any]:
    since = time.monotonic()
    outcomes = await user.at_rate(rate, seconds)
    fine = [outcome for outcome in outcomes if outcome.fine]
    refused = [outcome for outcome in outcomes if outcome.status == 429]
    return {
        "asked_per_s": round(rate, 2),
        **counted(outcomes),
        "refused_with_retry_after": sum(outcome.retry_after is not None for outcome in refused),
        **times_of("total", [outcome.seconds for outcome in fine]),
        **times_of("own", [outcome.seconds - model.seconds(outcome.question) for outcome in fine]),
        **times_of("refusal", [outcome.seconds for outcome in refused]),
        "memory": server.memory(since),
        "idle_open": idle.still_open(),
    }


async def _recovered(
    user: Asker, rate: float, seconds: float, server: Served, idle: IdleConnections, model: ScriptedModel
) -> dict[str, Any]:
    await asyncio.sleep(_SETTLE)
    return await _at_rate(user, rate, seconds, server, idle, model)
