"""The typed state of the graph, its reducers, and the context a client may set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import add
from typing import Annotated, Any, Literal, NotRequired, TypedDict, get_args

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages

from state.evidence import Mode

Preset = Literal["minimal", "balanced", "comprehensive", "custom"]
Enhancement = Literal["asked", "parts", "expansion", "variants", "hypothetical"]
QuestionClass = Literal["keyword", "factual", "semantic", "complex", "conversational", "unsafe"]
Grade = Literal["", "enough", "nothing"]
HopStep = Literal["plan", "search", "follow", "stop"]


def add_timings(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    """Sum milliseconds by step: a step that runs several times shows its total."""
    return {key: round(one.get(key, 0.0) + other.get(key, 0.0), 2) for key in {**one, **other}}


class AskInput(TypedDict, total=False):
    """What a client sends: a question, or messages whose last human one is the question.

    ``filters`` are ``key=value`` items; ``mode`` forces a kind of search. Who asks is never part of it.
    """

    question: str
    messages: Annotated[list[AnyMessage], add_messages]
    filters: list[str]
    mode: Mode | None


class AskState(AskInput, total=False):
    """Scratch of one run. Texts of documents are not in it: they lie on the run's desk, and ``desk`` is its key."""

    desk: str
    rewritten: str
    recalled: Literal["", "exact", "semantic"]
    question_class: QuestionClass
    route: str
    route_reason: str
    legs: list[Leg]
    wider: bool
    attempts: int
    relevance: float
    grade: Grade
    sought: bool
    step: Literal["sentence", "template", "done", "nothing"]
    verdict: Literal["emit", "repair", "drop"]
    degraded: Annotated[list[str], add]
    timings: Annotated[dict[str, float], add_timings]
    answer: dict[str, Any] | None


class AskOutput(TypedDict):
    """What a client gets: the `Answer` as JSON values, and the same text as a message."""

    answer: dict[str, Any]
    messages: NotRequired[list[AnyMessage]]


class Leg(TypedDict):
    """Input of one search: the desk's query of that number (0 is the question itself) by one mode.

    ``weight`` is what its ranking counts for in the fusion, 1 if left out; ``most`` limits its passages; ``source``
    names another source than the documents to search in, in its own way.
    """

    desk: str
    mode: Mode
    query: int
    weight: NotRequired[float]
    most: NotRequired[int]
    source: NotRequired[str]


class HopInput(TypedDict):
    """What the sub-graph of hops takes: nothing with a reducer, or its first value would be added twice."""

    desk: str
    question_class: QuestionClass
    grade: Grade


class HopOutput(TypedDict):
    """What the sub-graph of hops gives: ``sought`` if it knew that nothing relevant had been found."""

    sought: bool
    degraded: Annotated[list[str], add]
    timings: Annotated[dict[str, float], add_timings]


class HopState(HopInput, HopOutput):
    """Scratch of the hops: ``hop_legs`` are searches for a follow-up question."""

    hop: HopStep
    hop_legs: list[Leg]


MOST_HOPS = 3


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a client may set for a run; values outside the limits are clamped.

    ``k`` passages are read for an answer (None: as many as questions of its class need) of at most ``sentences``
    sentences; ``rerank`` turns the reranker off; ``prose`` turned off lets sentences of the documents answer, a chat
    model or not. ``preset`` says how much is done to understand the question, ``custom`` what ``enhancements`` name;
    ``hops`` how often what was found may lead to another search (None: `most_hops`); ``deadline`` how many seconds the
    answer may take, None without a limit; ``cache`` whether an answer given before may be given again.
    """

    k: int | None = None
    sentences: int = 3
    rerank: bool = True
    prose: bool = True
    preset: Preset = "balanced"
    enhancements: tuple[Enhancement, ...] = ()
    hops: int | None = None
    deadline: float | None = None
    cache: bool = True

    def clamped(self) -> RunContext:
        """Return the context with every value inside its limits."""
        return replace(
            self,
            k=None if self.k is None else min(max(self.k, 1), 50),
            sentences=min(max(self.sentences, 1), 10),
            preset=self.preset if self.preset in get_args(Preset) else "balanced",
            enhancements=tuple(name for name in get_args(Enhancement) if name in (self.enhancements or ())),
            hops=None if self.hops is None else min(max(self.hops, 0), MOST_HOPS),
            deadline=None if self.deadline is None else min(max(self.deadline, 0.1), 600.0),
        )

    def most_hops(self, kind: QuestionClass) -> int:
        """Return how many hops a question of this class may take."""
        if self.hops is not None:
            return min(max(self.hops, 0), MOST_HOPS)
        if self.preset == "minimal":
            return 0
        return MOST_HOPS if kind == "complex" else 1


_SHARE = 0.75  # of a time limit, after which the graph leaves out what it can


def in_time(context: RunContext, seconds: float) -> RunContext:
    """Return the context with a deadline well before a time limit, so that there is an answer when it comes."""
    deadline = seconds * _SHARE
    return replace(context, deadline=deadline if context.deadline is None else min(context.deadline, deadline))
