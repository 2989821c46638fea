"""A question set from one's own documents: questions with right answers and the spans that hold them, made and checked.

Without a chat model they are made by rules from statements, tables, lists and headings of English documents; with one,
it writes them from passages of any language. By rules, the same documents and seed give the same set.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

import numpy as np

from evals.answers import normalised
from evals.making.clauses import written
from evals.making.form import fault
from evals.making.pool import Pool
from evals.making.question import Kind, MadeQuestion
from evals.making.search import is_said_nowhere, unfair
from evals.making.unanswerable import unanswerable
from graph.application import Application
from state.errors import FootnoteError, NotFound
from state.evidence import Passage
from state.filters import Filters
from state.ports import ChatModel
from state.principal import Principal
from state.usage import Usage
from store.documents import document_text, list_documents

_SPARE_DOCUMENTS = 3  # documents looked at for each question wanted, as not every one gives some


class NoQuestions(FootnoteError):
    """No question could be made from the documents."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to make: how many questions, how many more that nothing answers, from which collection, by which seed."""

    count: int = 50
    unanswerable: int = 0
    collection: str | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Made:
    """The rows of a file of questions, of how many documents they are, and how many were left out, by the reason."""

    rows: list[dict[str, Any]]
    documents: int
    left_out: dict[str, int]
    usage: dict[str, int | float | None]


async def make_questions(
    application: Application, principal: Principal, wanted: Wanted, chat: ChatModel | None = None
) -> Made:
    """Make questions from what the principal may see, evenly over documents, then over kinds of question.

    Raises `NotFound` if there are no documents, `NoQuestions` if they give none, `ChatUnavailable`.
    """
    return await _Making(application, principal, wanted, chat).made()


class _Making:
    def __init__(self, application: Application, principal: Principal, wanted: Wanted, chat: ChatModel | None) -> None:
        self._application, self._principal, self._wanted, self._chat = application, principal, wanted, chat
        self._filters = Filters(collections=(wanted.collection,) if wanted.collection else ())
        self._chance = random.Random(wanted.seed)
        self._left_out: Counter[str] = Counter()
        self._kinds: Counter[Kind] = Counter()
        self._seen: set[str] = set()
        self._usage = Usage()
        self._texts: dict[UUID, str] = {}

    async def made(self) -> Made:
        pools = await self._pools(await self._documents())
        kept, well_formed = await self._drawn(pools)
        if not kept:
            reasons = ", ".join(f"{count} {reason}" for reason, count in self._left_out.most_common(3))
            raise NoQuestions(
                "No question could be made from these documents" + (f" ({reasons})" if reasons else "")
                + ": more text in whole sentences is needed, or a chat model (FOOTNOTE_CHAT_MODEL)."
            )  # fmt: skip
        kept += await self._unanswerable(well_formed)
        rows = [one.row(self._texts[one.passage.document_id], self._wanted.collection) for one in kept]
        used = {one.passage.document_id for one in kept}
        return Made(rows, len(used), dict(self._left_out.most_common()), self._usage.as_json())

    async def _documents(self) -> list[UUID]:
        """Return as many documents as may be needed, drawn from all that are no copies of others."""
        names = [self._wanted.collection] if self._wanted.collection else []
        async with self._application.database.session(self._principal) as connection:
            found = [one for one in await list_documents(connection, names) if one.duplicate_of is None]
        if not found:
            where = f"the collection {names[0]!r}" if names else "the database"
            raise NotFound(f"There is nothing to ask about in {where}: read documents in with `footnote ingest` first.")
        most = _SPARE_DOCUMENTS * self._wanted.count
        return [one.id for one in (found if len(found) <= most else self._chance.sample(found, most))]

    async def _pools(self, documents: Sequence[UUID]) -> list[Pool]:
        """Return the questions of each document, in the order of the documents' sources."""
        searcher, database = self._application.searcher, self._application.database
        filters = Filters(collections=self._filters.collections, documents=tuple(documents))
        async with database.session(self._principal) as connection:
            corpus = await searcher.corpora.corpus(connection, self._principal, filters)
        mask = corpus.lengths > 0 if corpus.allowed is None else corpus.allowed
        read = await searcher.read(self._principal, np.flatnonzero(mask).tolist())
        ordered = sorted(read.values(), key=lambda one: (one.source, str(one.document_id), one.start))
        usable: dict[UUID, list[Passage]] = {}
        for identity, group in groupby(ordered, key=lambda one: one.document_id):
            if passages := self._usable(list(group)):
                async with database.session(self._principal) as connection:
                    self._texts[identity] = await document_text(connection, identity, passages[0].version)
                usable[identity] = passages
        words = written(self._texts.values())
        return [Pool(some, words, self._chance, self._chat, self._usage) for some in usable.values()]

    def _usable(self, passages: list[Passage]) -> list[Passage]:
        if self._chat is None and passages[0].language not in ("en", ""):
            self._left_out["documents that are not in English"] += 1
            return []
        usable = [one for one in passages if not one.quarantined]
        if len(usable) < len(passages):
            self._left_out["passages that give orders"] += len(passages) - len(usable)
        return usable

    async def _drawn(self, pools: Sequence[Pool]) -> tuple[list[MadeQuestion], list[MadeQuestion]]:
        """Return the questions that passed every check, and all that are well-formed, one document after the other."""
        kept: list[MadeQuestion] = []
        well_formed: list[MadeQuestion] = []
        left = list(pools)
        while left and len(kept) < self._wanted.count:
            for pool in list(left):
                one = await self._next(pool, well_formed)
                if one is None:
                    left.remove(pool)
                elif len(kept) < self._wanted.count:
                    kept.append(one)
                    self._kinds[one.kind] += 1
        return kept, well_formed

    async def _next(self, pool: Pool, well_formed: list[MadeQuestion]) -> MadeQuestion | None:
        """Return a pool's next question that passes the checks; count those before it that do not."""
        while (one := await pool.draw(self._kinds)) is not None:
            reason = fault(one) or ("are asked twice" if normalised(one.question) in self._seen else "")
            self._seen.add(normalised(one.question))
            if not reason:
                well_formed.append(one)
                reason = await unfair(self._application.searcher, self._principal, self._filters, one)
            if not reason:
                return one
            self._left_out[reason] += 1
        return None

    async def _unanswerable(self, made: Sequence[MadeQuestion]) -> list[MadeQuestion]:
        kept: list[MadeQuestion] = []
        for one in unanswerable(made, self._chance):
            if len(kept) == self._wanted.unanswerable:
                break
            if fault(one) or normalised(one.question) in self._seen:
                continue
            self._seen.add(normalised(one.question))
            if await is_said_nowhere(self._application.searcher, self._principal, self._filters, one.question):
                kept.append(one)
            else:
                self._left_out["may be answered after all"] += 1
        return kept
