"""Receipts: kept for who asked.

A receipt's row holds no word of a document. Where its documents lie, and words that were made from them, are added when
it is read, if whoever reads it may see the documents.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from state.answer import HopRecord, Receipt, SpanRecord, quote_hash
from state.errors import NotFound
from state.evidence import LIVE
from state.principal import Principal
from store.database import Connection, Database
from store.spans import SpanKey, read_spans


@dataclass(frozen=True)
class Receipts:
    """The receipts of a database."""

    database: Database

    async def keep(
        self, principal: Principal, receipt: Receipt, words: Sequence[str] = (), documents: Collection[UUID] = ()
    ) -> None:
        """Store a receipt; ``words`` are its claims' texts, ``documents`` what words of it may come from."""
        used = [(span.document_id, span.version) for claim in receipt.claims for span in claim.spans]
        used = list(dict.fromkeys([*used, *((ranked.document_id, ranked.version) for ranked in receipt.passages)]))
        derived = _derived(receipt, words)
        async with self.database.session(principal, write=True) as connection:
            await connection.execute(
                _KEEP,
                {
                    "id": receipt.id,
                    "created_at": receipt.created_at,
                    "body": Jsonb(_without_words(receipt)),
                    "used": [document for document, _ in used],
                    "versions": [version for _, version in used],
                    "documents": list(documents),
                    "derived": Jsonb(derived) if derived else None,
                },
            )

    async def get(self, principal: Principal, receipt_id: UUID) -> Receipt:
        """Return one of the principal's own receipts. Raises `NotFound`."""
        async with self.database.session(principal) as connection:
            cursor = await connection.execute(
                """select body, (select body from derived_texts where receipt_id = receipts.id)
                   from receipts where id = %s""",
                (receipt_id,),
            )
            row = await cursor.fetchone()
            if row is None:
                raise NotFound(f"There is no receipt {receipt_id} of yours.")
            receipt = Receipt.model_validate(row[0])
            cited = [span.document_id for claim in receipt.claims for span in claim.spans]
            return _with_words(receipt, row[1], await _sources(connection, cited))

    async def claims(self, principal: Principal, receipt: Receipt) -> list[str]:
        """Return the sentences that a receipt's answer claimed, those left out whose words are not to be had."""
        async with self.database.session(principal) as connection:
            spans = [SpanKey(one.document_id, one.version, one.start, one.end) for one in _spans(receipt)]
            stored = await read_spans(connection, spans)
            cursor = await connection.execute(
                "select body -> 'claims' from derived_texts where receipt_id = %s", (receipt.id,)
            )
            row = await cursor.fetchone()
        texts = [span.text for span in stored.values() if span.text is not None]
        texts += ((row[0] if row else None) or {}).values()
        words = {quote_hash(text): text for text in texts}
        return [words[claim.sha256] for claim in receipt.claims if claim.sha256 in words]

    async def sources(self, principal: Principal, documents: Collection[UUID]) -> dict[UUID, str]:
        """Return where documents come from, those left out that are gone or not visible."""
        async with self.database.session(principal) as connection:
            return await _sources(connection, documents)


# One statement, because each takes its time under every answer.
_KEEP = """
    with used as (
        select jsonb_agg(jsonb_build_object(
            'id', w.id, 'version', w.version, 'content_hash', encode(v.content_hash, 'hex')) order by w.n) as documents
        from unnest(%(used)s::uuid[], %(versions)s::integer[]) with ordinality as w (id, version, n)
        join document_versions v on v.document_id = w.id and v.version = w.version),
    kept as (
        insert into receipts (id, tenant_id, user_name, created_at, body)
        select %(id)s, current_tenant(), current_user_name(), %(created_at)s,
               jsonb_set(%(body)s, '{documents}', coalesce(documents, '[]'))
        from used)
    insert into derived_texts (tenant_id, user_name, receipt_id, documents, body)
    select current_tenant(), current_user_name(), %(id)s, %(documents)s::uuid[], %(derived)s::jsonb
    where %(derived)s::jsonb is not null"""


def _without_words(receipt: Receipt) -> dict[str, Any]:
    """Return what is stored of a receipt: no source of a document, and of the questions only the one that came."""
    body = receipt.model_dump(mode="json")
    body["question"] = receipt.asked or receipt.question
    body["queries"] = []
    for hop in body["hops"]:
        hop["question"] = hop["missing"] = ""
    for span in (span for claim in body["claims"] for span in claim["spans"]):
        span["source"] = span["source"] if span["version"] == LIVE else ""
    return body


def _derived(receipt: Receipt, words: Sequence[str]) -> dict[str, Any]:
    """Return the words of a receipt that may come from documents and are no quotes of them, by number from 1."""
    claims = {
        str(number): text
        for number, (claim, text) in enumerate(zip(receipt.claims, words, strict=False), start=1)
        if claim.sha256 not in {span.sha256 for span in claim.spans}
    }
    asked = receipt.asked or receipt.question
    rewritten = receipt.question != asked or receipt.queries not in ([], [asked]) or receipt.hops
    if not claims and not rewritten:
        return {}
    return {
        "question": receipt.question,
        "queries": receipt.queries,
        "hops": [hop.model_dump(mode="json") for hop in receipt.hops],
        "claims": claims,
    }


def _spans(receipt: Receipt) -> list[SpanRecord]:
    return [span for claim in receipt.claims for span in claim.spans]


async def _sources(connection: Connection, documents: Collection[UUID]) -> dict[UUID, str]:
    cursor = await connection.execute("select id, source from documents where id = any(%s)", (list(documents),))
    return dict(await cursor.fetchall())


def _with_words(receipt: Receipt, derived: dict[str, Any] | None, sources: dict[UUID, str]) -> Receipt:
    claims = [
        claim.model_copy(update={"spans": [_placed(span, sources) for span in claim.spans]}) for claim in receipt.claims
    ]
    words: dict[str, Any] = {"queries": [receipt.question]} if receipt.asked else {}
    if derived:
        hops = [HopRecord.model_validate(hop) for hop in derived["hops"]]
        words = {"question": derived["question"], "queries": derived["queries"], "hops": hops}
    return receipt.model_copy(update={"claims": claims, **words})


def _placed(span: SpanRecord, sources: dict[UUID, str]) -> SpanRecord:
    """Return a span with where its document is, as far as that may be known."""
    if span.version == LIVE:
        return span
    return span.model_copy(update={"source": sources.get(span.document_id, "")})
