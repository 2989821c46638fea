from __future__ import annotations

import asyncio
import time
from typing import Any

from langgraph.runtime import Runtime

from nodes.desk import Desk, Desks
from nodes.enhance import Enhance
from state.evidence import Passage
from state.filters import Filters
from state.principal import Principal
from state.run import RunContext


class SlowSearch:
    """A search that takes a minute."""

    async def rank(self, *given: Any, **more: Any) -> list[int]:
        await asyncio.sleep(60)
        return []

    async def read(self, *given: Any) -> dict[int, Passage]:
        return {}


async def test_an_enhancement_that_takes_too_long_is_left_out_and_the_others_stay() -> None:
    desks = Desks()
    question = "Compare the bridge and the ferry"
    desk = Desk(Principal("local", "ann"), question, Filters(), queries=[question])
    enhance = Enhance(desks, SlowSearch(), None, (), 0.05)
    context = RunContext(preset="custom", enhancements=("parts", "expansion"))
    started = time.monotonic()
    update = await enhance({"desk": desks.open(desk), "route": "hybrid"}, Runtime(context=context))
    assert time.monotonic() - started < 5
    assert desk.queries == [question, "the bridge", "the ferry"]
    assert update["degraded"] == ["expansion was left out: it took more than 0.05 s"]
    assert [(leg["mode"], leg["query"], leg.get("weight")) for leg in update["legs"][:3]] == [
        ("lexical", 0, None),
        ("vector", 0, None),
        ("lexical", 1, 0.5),
    ]
