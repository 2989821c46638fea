"""The map, top to bottom."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from graph import policies, routes
from graph.hop import build_hop
from graph.watching import Watch
from graph.without import Switch, searched, stand_ins
from nodes.broaden import Broaden
from nodes.budget import Budget
from nodes.cite import Cite
from nodes.classify import Classify
from nodes.contextualize import Contextualize
from nodes.desk import Desks
from nodes.enhance import Enhance
from nodes.fuse import Fuse
from nodes.grade import Grade
from nodes.ground import Ground
from nodes.guard import Guard
from nodes.pace import Pace
from nodes.quarantine import Quarantine
from nodes.recall import Recall
from nodes.remember import Remember
from nodes.repair import Repair
from nodes.rerank import Rerank
from nodes.retrieve import Retrieve
from nodes.validate import Validate
from nodes.write import SayTemplate, Write
from prompts import prompt_hashes
from state.memory import AnswerCache
from state.ports import (
    Aligner,
    ChatModel,
    Links,
    Neighbours,
    ReceiptBook,
    RelevanceJudge,
    Reranker,
    Search,
    SensitiveFinder,
    Source,
    TokenCounter,
    Verifier,
    Writer,
)  # fmt: skip
from state.run import AskInput, AskOutput, AskState, HopInput, Leg, RunContext
from state.screening import DEFAULT_POLICY, Action, Entity
from tools.condensing import Condenser
from tools.fusion import Fusion

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
    ``passages`` are read for an answer and ``rerank_depth`` by the reranker, None by the question's class. ``without``
    is what an evaluation leaves out.
    """

    search: Search
    rerankers: tuple[Reranker, ...]
    judge: RelevanceJudge
    writer: Writer
    aligner: Aligner
    verifier: Verifier
    finder: SensitiveFinder
    receipts: ReceiptBook
    names: dict[str, str]
    sources: tuple[Source, ...] = ()
    chat: ChatModel | None = None
    small_chat: ChatModel | None = None
    condenser: Condenser | None = None
    neighbours: Neighbours | None = None
    links: Links | None = None
    judge_chat: ChatModel | None = None
    cache: AnswerCache | None = None
    policy: Mapping[Entity, Action] = field(default_factory=lambda: DEFAULT_POLICY)
    notes: tuple[str, ...] = ()
    max_question_chars: int = 4000
    counter: TokenCounter | None = None
    max_question_tokens: int = 1000
    fusion: Fusion = field(default_factory=Fusion)
    passages: int | None = None
    rerank_depth: int | None = None
    without: frozenset[Switch] = frozenset()


def build_graph(parts: Parts, checkpointer: BaseCheckpointSaver[int] | None = None) -> AskGraph:
    """Compile the graph. It takes `AskInput`, gives `AskOutput`, and streams sentences as custom events.

    Without a ``checkpointer`` each run stands alone, unless a server that runs the graph brings its own.
    """
    desks = Desks(Pace(policies.STEP_SECONDS))
    search = searched(parts.search, parts.without)
    timed = partial(_timed, desks=desks, watch=Watch(desks))
    graph = StateGraph(AskState, input_schema=AskInput, output_schema=AskOutput, context_schema=RunContext)
    nodes: dict[str, Node] = {
        "guard": Guard(desks, parts.max_question_chars, parts.notes, parts.counter, parts.max_question_tokens),
        "refuse": SayTemplate(desks, "refuse"),
        "contextualize": Contextualize(desks, parts.small_chat or parts.chat, policies.CONTEXTUALIZE_SECONDS),
        "classify": Classify(desks, parts.small_chat or parts.chat, policies.CLASSIFY_SECONDS),
        "recall": Recall(desks, parts.cache, _made_by(parts)),
        "greet": SayTemplate(desks, "greet"),
        "enhance": Enhance(
            desks, search, parts.small_chat or parts.chat, parts.sources, policies.ENHANCE_SECONDS, parts.without
        ),
        "fuse": Fuse(desks, search, parts.fusion),
        "quarantine": Quarantine(desks),
        "rerank": Rerank(desks, parts.rerankers, policies.RERANK_SECONDS, parts.rerank_depth),
        "grade": Grade(desks, parts.judge),
        "broaden": Broaden(desks, parts.sources),
        "abstain": SayTemplate(desks, "abstain"),
        "budget": Budget(desks, parts.condenser, parts.neighbours, parts.passages),
        "write": Write(desks, parts.writer, parts.chat, parts.small_chat, policies.WRITE_SECONDS),
        "cite": Cite(desks, parts.aligner),
        "ground": Ground(desks, parts.verifier, parts.judge_chat, policies.JUDGE_SECONDS),
        "repair": Repair(desks, parts.aligner, parts.chat, policies.REPAIR_SECONDS),
        "validate": Validate(desks, parts.finder, parts.policy),
        "remember": Remember(desks, parts.receipts, parts.names, parts.cache, parts.notes),
    }
    for name, node in stand_ins(nodes, desks, parts.without).items():
        graph.add_node(name, timed(name, node), input_schema=AskState)
    graph.add_node(
        "retrieve",
        timed("retrieve", Retrieve(desks, search, parts.sources, policies.SOURCE_SECONDS, parts.fusion)),
        input_schema=Leg,
    )

    hops = build_hop(desks, search, parts.links, parts.small_chat or parts.chat, timed, parts.fusion)
    graph.add_node("hop", hops, input_schema=HopInput)

    graph.add_edge(START, "guard")
    graph.add_conditional_edges("guard", routes.after_guard)
    graph.add_conditional_edges("contextualize", routes.after_contextualize)
    graph.add_conditional_edges("classify", routes.after_classify)
    graph.add_conditional_edges("recall", routes.after_recall)
    graph.add_conditional_edges("enhance", routes.legs, ["retrieve"])
    graph.add_edge("retrieve", "fuse")
    graph.add_edge("fuse", "quarantine")
    graph.add_edge("quarantine", "rerank")
    graph.add_edge("rerank", "hop")
    graph.add_edge("hop", "grade")
    graph.add_conditional_edges("grade", routes.after_grade)
    graph.add_conditional_edges("broaden", routes.legs, ["retrieve"])
    graph.add_edge("budget", "write")
    for template in ("refuse", "greet", "abstain"):
        graph.add_edge(template, "write")
    graph.add_conditional_edges("write", routes.after_write)
    graph.add_edge("cite", "ground")
    graph.add_conditional_edges("ground", routes.after_ground)
    graph.add_edge("repair", "cite")
    graph.add_edge("validate", "write")
    graph.add_edge("remember", END)
    return graph.compile(checkpointer, name="footnote").with_config({"recursion_limit": _MOST_STEPS})


def _made_by(parts: Parts) -> dict[str, str]:
    """Return everything that answers depend on besides the question, the documents and what a client sets."""
    models = {"chat": parts.chat, "small chat": parts.small_chat, "judge chat": parts.judge_chat}
    return {
        **parts.names,
        **prompt_hashes(),
        **{role: model.name if model else "none" for role, model in models.items()},
        "sources": ", ".join(source.name for source in parts.sources),
        "policy": repr(sorted(parts.policy.items())),
        "abstain below": str(parts.judge.threshold),
        "fusion": repr((parts.fusion.k, sorted(parts.fusion.weights.items()))),
        "depths": repr((parts.passages, parts.rerank_depth)),
        "without": ", ".join(sorted(parts.without)),
        "notes": " ".join(parts.notes),
    }


def _timed(name: str, node: Node, desks: Desks, watch: Watch) -> Node:
    """Let a node report how many milliseconds it took, under its name; if it is cancelled, the chat model stops too."""

    async def run(state: Any, runtime: Runtime[RunContext]) -> dict[str, Any]:
        started = time.perf_counter()
        key = state.get("desk", "")
        desks.busy(key)
        try:
            update = await watch.run(name, node, state, runtime)
        except asyncio.CancelledError:
            await desks.abandon(key)
            raise
        finally:
            desks.idle(key)
        if name == "guard":  # it resets the timings, and so cannot report its own
            return update
        seconds = time.perf_counter() - started
        desks.pace.note(name, seconds)
        return {**update, "timings": {name: seconds * 1000}}

    return run
