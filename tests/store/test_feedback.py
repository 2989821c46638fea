from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from state.answer import Confidence, Receipt
from state.errors import InvalidFilter, NotFound
from state.principal import Principal
from store.database import Database
from store.feedback import MAX_REASON, Feedback
from store.receipts import Receipts

ANN = Principal("local", "ann")


async def asked(database: Database, principal: Principal) -> UUID:
    """Return the receipt of an answer that the principal got."""
    receipt = Receipt(
        id=uuid4(), created_at=datetime.now(UTC), question="Why?", route="factual", route_reason="", abstained=True,
        claims=[], dropped=0, passages=[], parts={}, confidence=Confidence(level="low", score=0.1), degraded=[],
        timings={}, usage={},
    )  # fmt: skip
    await Receipts(database).keep(principal, receipt)
    return receipt.id


async def test_the_latest_opinion_on_an_answer_counts(database: Database) -> None:
    feedback = Feedback(database)
    first, second = await asked(database, ANN), await asked(database, ANN)
    await feedback.give(ANN, first, "up")
    await feedback.give(ANN, second, "up", "Exact.")
    await feedback.give(ANN, first, "down", "  It is from the old version.  ")
    assert [(one.receipt, one.thumb, one.reason) for one in await feedback.all(ANN)] == [
        (first, "down", "It is from the old version."),
        (second, "up", "Exact."),
    ]


async def test_a_correction_says_what_the_right_answer_would_have_been(database: Database) -> None:
    feedback, receipt = Feedback(database), await asked(database, ANN)
    await feedback.give(ANN, receipt, "down", "Too old.", " 45 days ")
    assert [(one.reason, one.correction) for one in await feedback.all(ANN)] == [("Too old.", "45 days")]
    with pytest.raises(InvalidFilter, match="Unusable correction"):
        await feedback.give(ANN, receipt, "down", "", "x" * (MAX_REASON + 1))
    await feedback.give(ANN, receipt, "up")
    assert [one.correction for one in await feedback.all(ANN)] == [""]


async def test_only_ones_own_answers_can_be_judged_and_only_ones_own_opinions_read(
    database: Database, local: Principal
) -> None:
    feedback = Feedback(database)
    receipt = await asked(database, ANN)
    await feedback.give(ANN, receipt, "up")
    for stranger in (local, Principal("other", "ann", can_write=True)):
        with pytest.raises(NotFound):
            await feedback.give(stranger, receipt, "down")
        assert await feedback.all(stranger) == []
        async with database.session(stranger, write=True) as connection:
            assert (await connection.execute("delete from feedback")).rowcount == 0
    with pytest.raises(NotFound):
        await feedback.give(ANN, uuid4(), "up")
    assert [one.thumb for one in await feedback.all(ANN)] == ["up"]


@pytest.mark.parametrize("reason", ["x" * (MAX_REASON + 1), "a\0b", "\ud800"])
async def test_a_reason_is_a_text_of_bounded_length(database: Database, reason: str) -> None:
    receipt = await asked(database, ANN)
    with pytest.raises(InvalidFilter):
        await Feedback(database).give(ANN, receipt, "down", reason)
    assert await Feedback(database).all(ANN) == []
