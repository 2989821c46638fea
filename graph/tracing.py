"""Traces of the application: where they go, and what is taken out of them on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from observe.langsmith_traces import flush_langsmith, set_up_langsmith
from observe.tracing import flush_traces, set_up_tracing
from settings import Settings
from state.ports import SensitiveFinder
from state.screening import MASKS

if TYPE_CHECKING:
    from langsmith import Client


@asynccontextmanager
async def traced(configuration: Settings, finder: SensitiveFinder) -> AsyncIterator[None]:
    """Trace what runs inside, if the environment asks for it; at the end wait until all of it is sent."""

    def set_up() -> Client | None:
        """Load what traces, which reads files; blocking."""
        set_up_tracing(configuration)
        client = set_up_langsmith(partial(masked, finder), texts=configuration.trace_texts)
        if client is not None:  # runs are masked where they are made, in the event loop: nothing may load there
            finder.find("who@example.org")
        return client

    client = await asyncio.to_thread(set_up)
    try:
        yield
    finally:
        await asyncio.to_thread(flush_traces)
        await asyncio.to_thread(flush_langsmith, client)


def masked(finder: SensitiveFinder, text: str) -> str:
    """Return a text with all personal data masked that is looked for, whatever answers may show."""
    for one in reversed(finder.find(text)):
        text = f"{text[: one.start]}[{MASKS[one.entity]} hidden]{text[one.end :]}"
    return text
