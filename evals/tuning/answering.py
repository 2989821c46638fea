"""What the threshold of abstention and the number of passages read are worth: questions are asked, and judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evals.answers import holds
from evals.asking import Asking
from evals.runs.example import Example
from evals.tuning.choosing import Changes, Choices
from models.answerability import ABSTAIN_BELOW
from settings import Settings
from state.answer import Answer
from state.identity import signed_in
from state.run import AskInput, RunContext

THRESHOLDS = (0.0, 0.02, 0.05, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7)
_PASSAGES = (3, 5, 8, 12)
_METRIC = "right"


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether an answer that was given whatever was found is right, and how relevant what was found was taken to be."""

    example: Example
    right: bool
    relevance: float


def is_right(example: Example, answer: Answer) -> bool:
    """Whether an answer holds a right one; or, where there is none, says nothing."""
    right = example.reference["answers"]
    return holds(" ".join(claim.text for claim in answer.claims), right) if right else answer.abstained


async def judged(asked: Asking, examples: Sequence[Example]) -> list[Judged]:
    """Ask an application that never abstains."""
    found = []
    for example in examples:
        answer, relevance = await _answered(asked, example.inputs["question"])
        found.append(Judged(example, is_right(example, answer), relevance))
    return found


async def _answered(asked: Asking, question: str) -> tuple[Answer, float]:
    """Return the answer, and the relevance that abstaining goes by."""
    relevance, answer = 0.0, None
    with signed_in(asked.principal):
        given = AskInput(question=question)
        async for step in asked.application.graph.astream(given, context=asked.context, stream_mode="updates"):
            relevance = (step.get("grade") or {}).get("relevance", relevance)
            answer = (step.get("remember") or {}).get("answer", answer)
    return Answer.model_validate(answer), relevance


def threshold_choices(found: Sequence[Judged], configuration: Settings) -> Choices:
    """Return what abstaining below each threshold is worth: the share of questions answered right or rightly not."""
    present = ABSTAIN_BELOW if configuration.abstain_below is None else configuration.abstain_below
    limits = [present, *(limit for limit in THRESHOLDS if limit != present)]
    scores = np.array([[_worth(one, limit) for one in found] for limit in limits])
    values: list[Changes] = [{"abstain_below": limit} for limit in limits]
    keys = [one.example.key for one in found]
    return Choices("abstention", _METRIC, values, keys, [_kind(one.example) for one in found], scores)


def _worth(one: Judged, limit: float) -> float:
    abstains = one.relevance < limit
    return float(one.right or abstains) if not one.example.reference["answers"] else float(one.right and not abstains)


async def passage_choices(asked: Asking, examples: Sequence[Example], configuration: Settings) -> Choices:
    """Return what answering from so many passages is worth."""
    values: list[Changes] = [{"passages": configuration.passages}]
    values += [{"passages": count} for count in _PASSAGES if count != configuration.passages]
    scores = []
    for value in values:
        context: RunContext = replace(asked.context, k=value["passages"])
        answers = [(await asked.ask(one.inputs["question"], context=context))[0] for one in examples]
        scores.append([float(is_right(one, answer)) for one, answer in zip(examples, answers, strict=True)])
    kinds = [_kind(one) for one in examples]
    return Choices("passages", _METRIC, values, [one.key for one in examples], kinds, np.array(scores))


def _kind(example: Example) -> str:
    """Return the class by which questions are split: those without an answer are a class of their own."""
    return example.kind if example.reference["answers"] else "unanswerable"
