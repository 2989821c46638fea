"""Questions being answered on the page: stopped by whoever asked them, and ended when they take too long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from state.principal import Principal


class Stop(asyncio.Event):
    """Set when a question is to stop; ``left`` if the reader is in another conversation, and sees no more of it."""

    left = False


class Running:
    """The questions being answered, by tab, so that they can be stopped by whoever asked them."""

    def __init__(self) -> None:
        self._stops: dict[tuple[str, str, str], Stop] = {}

    def begin(self, principal: Principal, tab: str) -> Stop:
        """Return what is set when this tab's question is to stop."""
        stop = self._stops[principal.tenant, principal.user, tab] = Stop()
        return stop

    def end(self, principal: Principal, tab: str, stop: Stop) -> None:
        """Forget a tab's question, unless it asks another one by now."""
        if self._stops.get((principal.tenant, principal.user, tab)) is stop:
            del self._stops[principal.tenant, principal.user, tab]

    def stop(self, principal: Principal, tab: str, *, left: bool = False) -> None:
        """Stop a tab's question, if one is being answered."""
        if stop := self._stops.get((principal.tenant, principal.user, tab)):
            stop.left = left
            stop.set()


async def until(stop: asyncio.Event, events: AsyncIterator[Any], seconds: float) -> AsyncIterator[Any]:
    """Yield events until there are no more or ``stop`` is set; then the run behind them is ended.

    Raises `TimeoutError` when it takes longer than ``seconds``.
    """
    stopping = asyncio.ensure_future(stop.wait())
    end = time.monotonic() + seconds
    try:
        async with aclosing(events):  # type: ignore[type-var]
            while True:
                event = asyncio.ensure_future(anext(events, None))
                left = max(end - time.monotonic(), 0.0)
                await asyncio.wait({event, stopping}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                if not event.done():
                    event.cancel()
                    await asyncio.gather(event, return_exceptions=True)
                    if not stopping.done():
                        raise TimeoutError
                    return
                if event.result() is None:
                    return
                yield event.result()
    finally:
        stopping.cancel()
