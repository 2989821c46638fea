"""`/v1/receipts` and `/v1/feedback`: how an answer was made, whether it still holds, and what its reader thinks."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, ConfigDict, Field

from server.asking import while_connected
from server.identity import Asking, Opened
from server.problems import documented
from settings import Settings
from state.answer import Receipt, Verification
from store.feedback import MAX_REASON, Opinion, Thumb

routes = APIRouter(prefix="/v1")


class Given(BaseModel):
    """An opinion on one of one's own answers."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "receipt": "6f0e7c62-9f7c-4b0e-8a55-2c3d4e5f6a7b",
                    "thumb": "down",
                    "reason": "The price is last year's.",
                    "correction": "1,290 euros",
                }
            ]
        },
    )

    receipt: UUID = Field(description="The receipt of the answer.")
    thumb: Thumb
    reason: str = Field(default="", max_length=MAX_REASON)
    correction: str = Field(default="", max_length=MAX_REASON, description="What the right answer would have been.")


class Opinions(BaseModel):
    """The caller's opinions, the latest first."""

    opinions: list[Opinion]


@routes.get("/receipts/{receipt}", tags=["receipts"], responses=documented(404))
async def get_receipt(application: Opened, who: Asking, receipt: UUID) -> Receipt:
    """Return how one of your answers was made."""
    return await application.receipts.get(who, receipt)


@routes.post("/receipts/{receipt}/verify", tags=["receipts"], responses=documented(404, 504))
async def verify(request: Request, application: Opened, who: Asking, receipt: UUID) -> Verification:
    """Check one of your answers against what is stored now: each citation and each sentence."""
    settings: Settings = request.app.state.settings
    with request.app.state.questions.place():
        return await while_connected(request, application.verify(who, receipt), settings.question_seconds)


@routes.post("/feedback", tags=["feedback"], status_code=204, responses=documented(404))
async def give_feedback(application: Opened, who: Asking, given: Annotated[Given, Body()]) -> None:
    """Say what you think of an answer; a later opinion replaces an earlier one."""
    await application.feedback.give(who, given.receipt, given.thumb, given.reason, given.correction)


@routes.get("/feedback", tags=["feedback"], responses=documented())
async def list_feedback(application: Opened, who: Asking) -> Opinions:
    """Return what you thought of answers."""
    return Opinions(opinions=await application.feedback.all(who))
