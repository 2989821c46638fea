"""What readers thought of answers as questions: what was right has to stay so, what was wrong to become right."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Literal

from graph.application import Application
from graph.tracing import masked as without_personal_data
from state.answer import Receipt
from state.errors import FootnoteError, NotFound
from state.ports import SensitiveFinder
from state.principal import Principal
from store.feedback import Opinion

Reason = Literal[
    "thumbs down without a correction: nobody said what is right",
    "answers whose sentences can no longer be read",
    "answers that can no longer be seen",
    "right answers that are personal data: these need --unmasked",
]


class NoFeedback(FootnoteError):
    """There is no opinion that a question could be made of."""


@dataclass(frozen=True, slots=True)
class Given:
    """The rows of a file of questions, and how many opinions were left out, by the reason."""

    rows: list[dict[str, Any]]
    left_out: dict[str, int]


async def feedback_questions(application: Application, principal: Principal, *, masked: bool = True) -> Given:
    """Return a row for each opinion of the principal's that says what is right, the latest last.

    After a thumb down that is the correction; after a thumb up the sentences of the answer, or that there is no answer.
    Personal data is ``masked`` in all texts. Raises `NoFeedback`.
    """
    rows: list[dict[str, Any]] = []
    left_out: dict[str, int] = {}
    for opinion in reversed(await application.feedback.all(principal)):
        outcome = await _row(application, principal, opinion)
        if masked and not isinstance(outcome, str):
            outcome = await asyncio.to_thread(_masked, application.finder, outcome)
        if isinstance(outcome, str):
            left_out[outcome] = left_out.get(outcome, 0) + 1
        else:
            rows.append(outcome)
    if not rows:
        raise NoFeedback(
            "There is no opinion yet that says what is right: give thumbs up, or thumbs down with the right answer."
        )
    return Given(rows, left_out)


async def _row(application: Application, principal: Principal, opinion: Opinion) -> dict[str, Any] | Reason:
    """Return the row of one opinion, or why there is none."""
    try:
        receipt = await application.receipts.get(principal, opinion.receipt)
    except NotFound:
        return "answers that can no longer be seen"
    if opinion.thumb == "down" and not opinion.correction:
        return "thumbs down without a correction: nobody said what is right"
    answers = [opinion.correction] if opinion.correction else await application.receipts.claims(principal, receipt)
    if not answers and not receipt.abstained:
        return "answers whose sentences can no longer be read"
    return _as_row(opinion, receipt, answers)


def _as_row(opinion: Opinion, receipt: Receipt, answers: list[str]) -> dict[str, Any]:
    asked_in = receipt.settings.get("filters", {}).get("collections", [])
    return {
        "id": str(opinion.receipt),
        "question": receipt.question,  # in a conversation the one that stands alone
        "answers": answers,
        "class": f"thumb {opinion.thumb}",
        "verdict": opinion.thumb,
        "reason": opinion.reason,
        "receipt": str(opinion.receipt),
        **({"collection": asked_in[0]} if len(asked_in) == 1 else {}),
        "given_at": opinion.given_at.isoformat(timespec="seconds"),
    }


def _masked(finder: SensitiveFinder, row: dict[str, Any]) -> dict[str, Any] | Reason:
    """Return a row without personal data; or why not, if no right answer is left that an answer could hold."""
    answers = [answer for answer in row["answers"] if not finder.find(answer)]
    if row["answers"] and not answers:
        return "right answers that are personal data: these need --unmasked"
    texts = {name: without_personal_data(finder, row[name]) for name in ("question", "reason")}
    return {**row, **texts, "answers": answers}
