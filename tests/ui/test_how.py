from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from state.answer import Confidence, HopRecord, RankRecord, Receipt, SpanCheck, Verification
from state.errors import NotFound
from state.principal import Principal
from store.database import Database
from store.receipts import Receipts
from tests.support import CardFinder, Library
from tests.ui.test_answer_html import ATTACKS, Markup, harmless
from tools.screening import Screen
from ui.how import how_html, verification_html


def receipt(**changes: Any) -> Receipt:
    made: dict[str, Any] = {
        "id": uuid4(), "created_at": datetime.now(UTC), "question": "How much?", "asked": "How much?",
        "route": "hybrid", "route_reason": "it asks for a fact", "abstained": False, "claims": [], "dropped": 0,
        "passages": [], "parts": {"writer": "extractive writer 2", "reranker": "none"},
        "confidence": Confidence(level="high", score=0.9), "degraded": [],
        "timings": {"retrieve": 20.0, "rerank": 340.0, "write": 0.1},
        "usage": {"passages_read": 1, "sentences": 2, "model_calls": 0},
    }  # fmt: skip
    return Receipt.model_validate({**made, **changes})


async def shown(database: Database, principal: Principal, kept: Receipt) -> Markup:
    """Keep a receipt, and return how its answer was made."""
    book = Receipts(database)
    await book.keep(principal, kept)
    application: Any = SimpleNamespace(receipts=book, database=database, screen=Screen(CardFinder()))
    return harmless(await how_html(application, principal, kept.id))


async def test_route_times_work_and_models_are_told(database: Database, local: Principal) -> None:
    text = (await shown(database, local, receipt(cache="exact", dropped=1))).text
    assert "Searched by words and by meaning: it asks for a fact." in text
    assert "The same question was answered before" in text
    assert "1 sentence that the sources did not support." in text
    assert "Rank by reading" in text and "340 ms" in text
    assert "1 passage read; 2 sentences said; no chat model was asked" in text
    assert "extractive writer 2" in text and "Reranker" not in text


async def test_the_longest_step_has_the_longest_bar(database: Database, local: Principal) -> None:
    markup = await shown(database, local, receipt())
    assert markup.attributes("style") == ["width:5.9%", "width:100.0%"]


async def test_tokens_are_told_and_an_unknown_price_is_not_called_nothing(database: Database, local: Principal) -> None:
    usage = {"model_calls": 1, "input_tokens": 1200, "output_tokens": 80, "cost_usd": None}
    text = (await shown(database, local, receipt(usage=usage))).text
    assert "1 call of a chat model; 1,200 tokens in, 80 out; cost unknown" in text


async def test_passages_have_their_ranks_before_and_after_fusion_and_reranking(
    database: Database, local: Principal, library: Library
) -> None:
    library.write(rates="# Rates\n\nA kilometre is paid at €0.38.")
    await library.read_in()
    async with database.session(local) as connection:
        cursor = await connection.execute("select id, version from documents")
        [(document, version)] = await cursor.fetchall()
    ranks = {"lexical": 4, "vector": 9, "fused": 3, "reranked": 1, "read": 1}
    ranked = RankRecord(chunk_id=1, document_id=document, version=version, start=0, end=30, ranks=ranks)
    gone = RankRecord(chunk_id=2, document_id=UUID(int=1), version=1, start=0, end=9, ranks={"fused": 2, "read": 2})
    text = (await shown(database, local, receipt(passages=[gone, ranked]))).text
    assert "WordsMeaningFusedRerankedRead" in text
    assert "Rates" in text and "49311" in text
    assert "No longer there, or no longer yours to read" in text


async def test_what_answers_may_not_show_is_masked_in_passages_too(
    database: Database, local: Principal, library: Library
) -> None:
    library.write(rates="# Rates\n\nPaid by 4111 1111 1111 1111 only.")
    await library.read_in()
    async with database.session(local) as connection:
        [(document,)] = await (await connection.execute("select id from documents")).fetchall()
    ranked = RankRecord(chunk_id=1, document_id=document, version=1, start=0, end=44, ranks={"read": 1})
    text = (await shown(database, local, receipt(passages=[ranked]))).text
    assert "[card number hidden]" in text and "1111" not in text


async def test_following_links_is_told_apart_from_searching_for_what_is_missing(
    database: Database, local: Principal
) -> None:
    hops = [
        HopRecord(question="How much?", documents=[UUID(int=1), UUID(int=1), UUID(int=2)]),
        HopRecord(question="How much since May?", missing="the date"),
    ]
    text = (await shown(database, local, receipt(hops=hops))).text
    assert "Links between documents led to passages of 2 documents." in text
    assert "How much since May? (missing: the date)" in text


async def test_receipts_of_others_are_not_found(database: Database, local: Principal) -> None:
    kept = receipt()
    await Receipts(database).keep(local, kept)
    application: Any = SimpleNamespace(receipts=Receipts(database), database=database)
    with pytest.raises(NotFound):
        await how_html(application, Principal("local", "someone"), kept.id)


@pytest.mark.parametrize("attack", ATTACKS[:4])
async def test_no_text_of_a_receipt_becomes_markup(database: Database, local: Principal, attack: str) -> None:
    kept = receipt(
        question=attack, asked="Before", queries=[attack, "Before"], route=attack, route_reason=attack,
        hops=[HopRecord(question=attack, missing=attack)], parts={attack: attack}, timings={attack: 5.0},
    )  # fmt: skip
    assert (await shown(database, local, kept)).text.count(attack) >= 6


@pytest.mark.parametrize("holds", [True, False])
async def test_a_check_tells_what_holds_and_what_has_changed(holds: bool) -> None:
    span = SpanCheck(n=1, source="x", holds=holds, note=f"unchanged {ATTACKS[0]}")
    found = Verification(receipt=UUID(int=1), holds=holds, spans=[span], changes=["version 2 is current"])

    async def verify(principal: Principal, identity: UUID) -> Verification:
        return found

    application: Any = SimpleNamespace(verify=verify)
    text = harmless(await verification_html(application, Principal("local", "me"), found.receipt)).text
    assert ("Every footnote still has the cited text" in text) is holds
    assert f"[1] {'holds' if holds else 'fails'}: unchanged {ATTACKS[0]}" in text
    assert "Since then: version 2 is current" in text
