"""The map, top to bottom."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Protocol

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from graph import routes
from nodes.broaden import broaden
from nodes.budget import Budget
from nodes.cite import Cite
from nodes.classify import classify
from nodes.desk import Desks
from nodes.fuse import Fuse
from nodes.grade import Grade
from nodes.ground import Ground
from nodes.guard import Guard
from nodes.remember import Remember
from nodes.rerank import Rerank
from nodes.retrieve import Retrieve
from nodes.validate import Validate
from nodes.write import SayTemplate, Write
from state.ports import ReceiptBook, RelevanceJudge, Reranker, Search, Verifier, Writer
from state.run import AskInput, AskOutput, AskState, Leg, RunContext

_MOST_STEPS = 250  # of LangGraph: four a sentence, so far more than the longest answer takes

Update = dict[str, Any]


class Node(Protocol):
    """A step: takes the state (or the input of one search), gives what it changes."""

    def __call__(self, state: Any, runtime: Runtime[RunContext]) -> Awaitable[Update]:
        """Do the step."""


AskGraph = CompiledStateGraph[AskState, RunContext, AskInput, AskOutput]


@dataclass(frozen=True)
class Parts:
    """What the graph is built from, behind its ports.

    ``names`` says which parts these are, for receipts; ``notes`` what better ones could not be had, for every answer.
    """

    search: Search
    reranker: Reranker | None
    judge: RelevanceJudge
    writer: Writer
    verifier: Verifier
    receipts: ReceiptBook
    names: dict[str, str]
    notes: tuple[str, ...] = ()
    max_question_chars: int = 4000


def build_graph(parts: Parts) -> AskGraph:
    """Compile the graph. It takes `AskInput`, gives `AskOutput`, and streams sentences as custom events."""
    desks = Desks()
    graph = StateGraph(AskState, input_schema=AskInput, output_schema=AskOutput, context_schema=RunContext)
    nodes: dict[str, Node] = {
        "guard": Guard(desks, parts.max_question_chars, parts.notes),
        "refuse": SayTemplate(desks, "refuse"),
        "classify": classify,
        "greet": SayTemplate(desks, "greet"),
        "fuse": Fuse(desks),
        "rerank": Rerank(desks, parts.reranker),
        "grade": Grade(desks, parts.judge),
        "broaden": broaden,
        "abstain": SayTemplate(desks, "abstain"),
        "budget": Budget(desks),
        "write": Write(desks, parts.writer),
        "cite": Cite(desks),
        "ground": Ground(desks, parts.verifier),
        "validate": Validate(desks),
        "remember": Remember(desks, parts.receipts, parts.names),
    }
    for name, node in nodes.items():
        graph.add_node(name, _timed(name, node), input_schema=AskState)
    graph.add_node("retrieve", _timed("retrieve", Retrieve(desks, parts.search)), input_schema=Leg)

    graph.add_edge(START, "guard")
    graph.add_conditional_edges("guard", routes.after_guard)
    graph.add_conditional_edges("classify", routes.after_classify, ["greet", "retrieve"])
    graph.add_edge("retrieve", "fuse")
    graph.add_edge("fuse", "rerank")
    graph.add_edge("rerank", "grade")
    graph.add_conditional_edges("grade", routes.after_grade)
    graph.add_conditional_edges("broaden", routes.legs, ["retrieve"])
    graph.add_edge("budget", "write")
    for template in ("refuse", "greet", "abstain"):
        graph.add_edge(template, "write")
    graph.add_conditional_edges("write", routes.after_write)
    graph.add_edge("cite", "ground")
    graph.add_conditional_edges("ground", routes.after_ground)
    graph.add_edge("validate", "write")
    graph.add_edge("remember", END)
    return graph.compile(name="footnote").with_config({"recursion_limit": _MOST_STEPS})


def _timed(name: str, node: Node) -> Node:
    """Let a node report how many milliseconds it took, under its name."""

    async def run(state: Any, runtime: Runtime[RunContext]) -> dict[str, Any]:
        started = time.perf_counter()
        update = await node(state, runtime)
        if name == "guard":  # it resets the timings, and so cannot report its own
            return update
        return {**update, "timings": {name: (time.perf_counter() - started) * 1000}}

    return run
