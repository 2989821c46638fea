"""Where the processor's time goes in one answer: of this process by step, and of the database's."""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import Any

import psutil

from graph.application import Application
from state.answer import Said, Step
from state.principal import Principal
from state.run import RunContext

_WARM_UP = 3  # questions asked first: models load at their first use


async def cpu_by_stage(
    application: Application, principal: Principal, questions: Iterator[str], count: int
) -> dict[str, Any]:
    """Return milliseconds of CPU time an answer, by step (what runs at once counts for the step that ends next).

    Questions are asked one after the other, so that all the time is theirs; ``postgres`` is the database's processes,
    and ``wall`` the time that passed.
    """
    context = RunContext(cache=False)
    for question in islice(questions, _WARM_UP):
        await application.ask(principal, question, context=context)
    spent: dict[str, float] = defaultdict(float)
    database, began = _postgres_seconds(), time.perf_counter()
    for question in islice(questions, count):
        before = time.process_time()
        async for event in application.stream(principal, question, context=context):
            now = time.process_time()
            name = event.name if isinstance(event, Step) else "validate" if isinstance(event, Said) else "remember"
            spent[name] += now - before
            before = now
    wall = time.perf_counter() - began
    spent["postgres"] = _postgres_seconds() - database

    def each(seconds: float) -> float:
        return round(seconds * 1000 / count, 2)

    by_stage = {name: each(seconds) for name, seconds in sorted(spent.items(), key=lambda item: -item[1])}
    return {"questions": count, "wall_ms": each(wall), "cpu_ms": each(sum(spent.values())), "by_stage_ms": by_stage}


def _postgres_seconds() -> float:
    """Return the CPU seconds of the database server's processes."""
    total = 0.0
    for process in psutil.process_iter(["name"]):
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile
            if (process.info["name"] or "").startswith("postgres"):
                times = process.cpu_times()
                total += times.user + times.system
    return total
