"""hop: a sub-graph that looks for what is still missing, led by what was found so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from graph import policies, routes
from nodes.desk import Desks
from nodes.hop import Follow, Plan
from nodes.retrieve import Retrieve
from state.ports import ChatModel, Links, Search
from state.run import HopInput, HopOutput, HopState, Leg, RunContext
from tools.fusion import Fusion

Timed = Callable[[str, Any], Any]
HopGraph = CompiledStateGraph[HopState, RunContext, HopInput, HopOutput]


def build_hop(
    desks: Desks, search: Search, links: Links | None, chat: ChatModel | None, timed: Timed, fusion: Fusion
) -> HopGraph:
    """Compile the sub-graph. A hop is a plan, the searches for its follow-up question if it has one, and links."""
    graph = StateGraph(HopState, input_schema=HopInput, output_schema=HopOutput, context_schema=RunContext)
    graph.add_node("plan", timed("hop plan", Plan(desks, chat, policies.HOP_SECONDS)), input_schema=HopState)
    retrieve = Retrieve(desks, search, (), policies.SOURCE_SECONDS, fusion)
    graph.add_node("search", timed("hop search", retrieve), input_schema=Leg)
    graph.add_node("follow", timed("hop", Follow(desks, search, links, fusion)), input_schema=HopState)
    graph.add_edge(START, "plan")
    graph.add_conditional_edges("plan", routes.after_plan, ["search", "follow", "__end__"])
    graph.add_edge("search", "follow")
    graph.add_conditional_edges("follow", routes.after_follow)
    return graph.compile(checkpointer=False, name="hop")
