"""The response cache: checked answers by question, as spans that are read again under row-level security.

An answer is found by the same question (case and spaces aside) or one that means the same. Its place depends on
who may see what, on the epochs of the collections, and on everything that made it; it rests on document versions and
goes with any of them, in the transaction that changes them (a trigger on `documents`).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
from pgvector import HalfVector
from psycopg.types.json import Jsonb

from state.answer import quote_hash
from state.errors import ModelUnavailable
from state.evidence import Hit, Passage
from state.filters import Filters
from state.memory import Cacheable, CacheUse, Recalled, Ticket
from state.ports import Embedder
from state.principal import Principal
from store.database import Connection, Database
from store.passages import by_slot
from text.agreement import SAME_COSINE, agree

_ALIKE = 5  # cached questions nearest to the asked one that are looked at
_TRIM_EVERY = 64  # answers kept


@dataclass
class ResponseCache:
    """The cached answers of a database: ``most`` a tenant, none that has not been used for ``days``.

    Without an ``embedder``, or when it fails, only the same question is found.
    """

    database: Database
    embedder: Embedder | None
    most: int
    days: float
    _kept: int = field(default=0, init=False)

    async def find(
        self, principal: Principal, question: str, filters: Filters, setup: str
    ) -> tuple[Ticket, Recalled | None]:
        """Return the place of an answer to the question, and the answer if one is there and can be read in full.

        The question is embedded meanwhile: nearly always it is a new one, and its search needs the vector too.
        """
        embedding = asyncio.ensure_future(self._embedded(question))
        try:
            async with self.database.session(principal) as connection:
                ticket = Ticket(question, await _setup_hash(connection, filters, setup))
                cursor = await connection.execute(
                    """select body from cache_entries
                       where tenant_id = (select current_tenant()) and access = (select current_access())
                       and setup = %s and question_hash = %s""",
                    (ticket.setup, _question_hash(question)),
                )
                row = await cursor.fetchone()
                if row is not None:
                    return ticket, await _read(connection, row[0], "exact")
                vector = await embedding
                return ticket, None if vector is None else await _alike(connection, ticket, vector)
        finally:
            await asyncio.gather(embedding, return_exceptions=True)

    async def keep(self, principal: Principal, ticket: Ticket, answer: Cacheable) -> None:
        """Keep an answer, unless a document that it rests on has gone in the meantime."""
        vector = await self._embedded(ticket.question)
        versions = {hit.passage.document_id: hit.passage.version for hit in answer.evidence}
        try:
            async with self.database.session(principal, write=True) as connection:
                cursor = await connection.execute(
                    """insert into cache_entries (tenant_id, access, setup, question_hash, question, embedding, body)
                       values (current_tenant(), current_access(), %s, %s, %s, %s, %s)
                       on conflict (tenant_id, access, setup, question_hash) do nothing returning id""",
                    (ticket.setup, _question_hash(ticket.question), ticket.question, vector, Jsonb(_body(answer))),
                )
                row = await cursor.fetchone()
                if row is not None:
                    await connection.execute(
                        """insert into cache_depends (entry_id, document_id, version)
                           select %s, * from unnest(%s::uuid[], %s::integer[])""",
                        (row[0], list(versions), list(versions.values())),
                    )
                self._kept += 1
                if self._kept % _TRIM_EVERY == 1:
                    await connection.execute("select trim_cache(%s, %s)", (self.most, self.days))
        except psycopg.errors.ForeignKeyViolation:
            pass  # a document was deleted while the answer was being written

    async def _embedded(self, question: str) -> HalfVector | None:
        if self.embedder is None:
            return None
        try:
            (vector,) = await asyncio.to_thread(self.embedder.embed, [question])
        except ModelUnavailable:  # said where the search meets it
            return None
        return HalfVector(np.asarray(vector))


async def _setup_hash(connection: Connection, filters: Filters, setup: str) -> bytes:
    cursor = await connection.execute(
        """select id, epoch from collections where %(names)s::text[] is null or name = any(%(names)s) order by id""",
        {"names": list(filters.collections) or None},
    )
    return hashlib.sha256(repr((await cursor.fetchall(), filters, setup)).encode()).digest()


def _question_hash(question: str) -> bytes:
    return hashlib.sha256(" ".join(question.casefold().split()).encode()).digest()


async def _alike(connection: Connection, ticket: Ticket, vector: HalfVector) -> Recalled | None:
    """Return the answer to the cached question that is nearest to the asked one and says the same."""
    cursor = await connection.execute(
        """select question, body, 1 - (embedding <=> %(vector)s) from cache_entries
           where tenant_id = (select current_tenant()) and access = (select current_access())
           and setup = %(setup)s and embedding is not null
           order by embedding <=> %(vector)s limit %(alike)s""",
        {"vector": vector, "setup": ticket.setup, "alike": _ALIKE},
    )
    for question, body, cosine in await cursor.fetchall():
        if cosine >= SAME_COSINE and agree(ticket.question, question):
            recalled = await _read(connection, body, "semantic")
            if recalled is not None:
                return recalled
    return None


def _body(answer: Cacheable) -> dict[str, Any]:
    """Return an answer as it is stored: a sentence that is one quote as its span, other words as they are."""
    sentences: list[dict[str, Any]] = []
    for text, citations in answer.sentences:
        if len(citations) == 1 and citations[0].quote == text:
            cited = citations[0]
            sentences.append({"span": [str(cited.document_id), cited.start, cited.end], "sha256": cited.sha256})
        else:
            sentences.append({"text": text, "sha256": quote_hash(text)})
    evidence = {hit.passage.slot for hit in answer.evidence}
    hits = [*answer.ranked, *(hit for hit in answer.evidence if hit.passage.slot not in
                              {ranked.passage.slot for ranked in answer.ranked})]  # fmt: skip
    return {
        "sentences": sentences,
        "hits": [
            [hit.passage.slot, hit.passage.version, hit.score, hit.ranks, hit.passage.slot in evidence] for hit in hits
        ],
        "order": [hit.passage.slot for hit in answer.evidence],
        "facts": answer.facts,
    }


async def _read(connection: Connection, body: dict[str, Any], use: CacheUse) -> Recalled | None:
    """Read a cached answer's words; None if a passage or a quote is not there any more, or not visible."""
    passages = await by_slot(connection, [slot for slot, *_ in body["hits"]])
    hits: dict[int, Hit] = {}
    for slot, version, score, ranks, needed in body["hits"]:
        passage = passages.get(slot)
        if passage is not None and passage.version == version:
            hits[slot] = Hit(passage, score, ranks)
        elif needed:
            return None
    evidence = [hits[slot] for slot in body["order"]]
    sentences = [_sentence(stored, [hit.passage for hit in evidence]) for stored in body["sentences"]]
    if any(sentence is None for sentence in sentences):
        return None
    ranked = [hits[slot] for slot, *_ in body["hits"] if slot in hits]
    return Recalled(use, tuple(filter(None, sentences)), ranked, evidence, body["facts"])


def _sentence(stored: dict[str, Any], evidence: Sequence[Passage]) -> str | None:
    if "text" in stored:
        return str(stored["text"])
    document, start, end = stored["span"]
    for passage in evidence:
        if passage.document_id == UUID(document) and passage.start <= start and end <= passage.end:
            text = passage.text[start - passage.start : end - passage.start]
            return text if quote_hash(text) == stored["sha256"] else None
    return None


def settings_key(values: dict[str, Any]) -> str:
    """Return settings as one text that is the same for the same settings."""
    return json.dumps(values, sort_keys=True, default=str)
