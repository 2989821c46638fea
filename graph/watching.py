"""What is told of each step to those who watch the running graph: its time, its kind, its counts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from langgraph.runtime import Runtime

from nodes.desk import Desk, Desks
from observe.questions import Asked, current_question
from state.run import RunContext

_SEARCHES = ("retrieve", "hop search")  # what they get says which search it is
_MOST_ASKED = 512  # as many as there are desks: a run that was left without a word goes when many others follow

Node = Callable[[Any, Runtime[RunContext]], Awaitable[dict[str, Any]]]


class Watch:
    """The questions that are in the graph.

    A face may watch one itself (`observe.questions.asking`), and then ends it; one that a server runs without that
    begins and ends with its steps.
    """

    def __init__(self, desks: Desks) -> None:
        self._desks = desks
        self._asked: OrderedDict[str, Asked] = OrderedDict()

    async def run(
        self, name: str, node: Node, state: Mapping[str, Any], runtime: Runtime[RunContext]
    ) -> dict[str, Any]:
        """Do a step, and tell of it. Raises what the step raises."""
        key = "" if name == "guard" else state["desk"]
        asked = self._begun(runtime) if name == "guard" else self._asked.get(key)
        if asked is None:
            return await node(state, runtime)
        desk = self._desk(key)
        before = _counts(desk) if asked.traced else {}
        try:
            with asked.step(name) as step:
                if asked.traced and name in _SEARCHES:
                    step.tell(state)
                update = await node(state, runtime)
                if asked.traced:
                    step.tell(update, **{kind: now - before[kind] for kind, now in _counts(desk).items()})
        except BaseException as error:
            self._asked.pop(key, None)
            asked.fail(error)
            if not asked.wrapped:
                asked.end()
            raise
        asked.learn(update)
        if name == "guard":
            self._keep(update["desk"], asked)
        elif name == "remember":
            self._asked.pop(key, None)
            asked.conclude(update["answer"], recalled=state.get("recalled", ""), dropped=desk.dropped if desk else 0)
            if not asked.wrapped:
                asked.end()
        return update

    def _begun(self, runtime: Runtime[RunContext]) -> Asked:
        info = runtime.execution_info
        return current_question() or Asked(info.thread_id if info else None)

    def _keep(self, key: str, asked: Asked) -> None:
        self._asked[key] = asked
        while len(self._asked) > _MOST_ASKED:
            _, left = self._asked.popitem(last=False)
            if not left.wrapped:
                left.end()

    def _desk(self, key: str) -> Desk | None:
        with suppress(KeyError):
            return self._desks[key]
        return None


def _counts(desk: Desk | None) -> dict[str, int]:
    """Return what steps add to on a desk."""
    if desk is None:
        return {}
    usage = desk.usage
    return {
        "passages_found": len(desk.ranked),
        "passages_read": len(desk.evidence),
        "dropped": desk.dropped,
        "model_calls": usage.model_calls,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
    }
