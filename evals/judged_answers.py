"""Answers as the judge sees them: what can be asked about one, and what the scores are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evals.judging import Judge, total
from evals.runs.example import Example


async def judged_answer(judge: Judge, example: Example, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the verdicts on an answer (``sentences``, ``cited``, ``abstained``), their reasons, and what they cost.

    An abstention is neither right nor complete, without asking. Correctness and completeness need a right answer,
    groundedness something cited. Raises `ChatUnavailable`.
    """
    question = example.inputs["question"]
    right: Sequence[str] = example.reference.get("answers") or []
    full: Sequence[str] = example.reference.get("long_answers") or right
    said = " ".join(outputs["sentences"])
    if outputs["abstained"]:
        verdicts = dict.fromkeys(("correctness", "completeness"), False) if right else {}
        return {"verdicts": verdicts, "reasons": {}, "usage": total([]).as_json()}
    judged = {}
    if right:
        judged["correctness"] = await judge.correctness(question, right, said)
        judged["completeness"] = await judge.completeness(question, full, said)
    if outputs["cited"]:
        judged["groundedness"] = await judge.groundedness(outputs["cited"], said)
    return {
        "verdicts": {aspect: one.holds for aspect, one in judged.items()},
        "reasons": {aspect: one.reason for aspect, one in judged.items()},
        "usage": total([one.usage for one in judged.values()]).as_json(),
    }


def judged_scores(outputs: Mapping[str, Any]) -> dict[str, float]:
    """Return the verdicts as scores; none if nothing was judged."""
    verdicts = outputs.get("judged", {}).get("verdicts", {})
    return {f"judged {aspect}": float(holds) for aspect, holds in verdicts.items()}
