"""Where a run goes next: pure functions of the state."""

from __future__ import annotations

from typing import Literal

from langgraph.types import Send

from state.run import AskState, HopState

_MOST_ATTEMPTS = 1  # broadenings


def after_guard(state: AskState) -> Literal["refuse", "contextualize"]:
    """Unsafe questions are refused."""
    return "refuse" if state["question_class"] == "unsafe" else "contextualize"


def after_contextualize(state: AskState) -> Literal["greet", "classify"]:
    """Small talk is greeted and searches for nothing."""
    return "greet" if state["route"] == "greet" else "classify"


def legs(state: AskState) -> list[Send]:
    """Send the searches, all at once."""
    return [Send("retrieve", leg) for leg in state["legs"]]


def after_classify(state: AskState) -> Literal["greet", "refuse", "recall"]:
    """A chat model may see small talk and what is unsafe where rules do not; the rest may have been answered before."""
    if state["route"] == "refuse":
        return "refuse"
    return "greet" if state["route"] == "greet" else "recall"


def after_recall(state: AskState) -> Literal["write", "enhance"]:
    """A recalled answer is written and checked like any other; without one, search."""
    return "write" if state["recalled"] else "enhance"


def after_grade(state: AskState) -> Literal["hop", "budget", "broaden", "abstain"]:
    """Answer from what is relevant. If nothing is, search once more, wider, and seek what is missing; or say so."""
    if state["grade"] == "enough":
        return "budget"
    if state["wider"] and state["attempts"] < _MOST_ATTEMPTS:
        return "broaden"
    return "abstain" if state["sought"] else "hop"


def after_plan(state: HopState) -> Literal["follow", "__end__"] | list[Send]:
    """Follow links, or first search for the follow-up question; or hop no further."""
    if state["hop"] == "search":
        return [Send("search", leg) for leg in state["hop_legs"]]
    return "follow" if state["hop"] == "follow" else "__end__"


def after_follow(state: HopState) -> Literal["plan", "__end__"]:
    """Hop again while it brings something new."""
    return "plan" if state["hop"] == "plan" else "__end__"


def after_write(state: AskState) -> Literal["cite", "remember", "recall", "abstain"]:
    """Check the sentence, or end; an answer of which nothing was left is made anew if recalled, else an abstention."""
    if state["step"] in ("sentence", "template"):
        return "cite"
    if state["step"] == "nothing" and state["recalled"]:
        return "recall"
    return "remember" if state["step"] == "done" else "abstain"


def after_ground(state: AskState) -> Literal["validate", "repair", "write"]:
    """A sentence that is not supported is said in other words, once, and else goes no further."""
    if state["verdict"] == "repair":
        return "repair"
    return "validate" if state["verdict"] == "emit" else "write"
