"""The application as evaluations ask it: with a set's own passages in a database of its own, or as the user has it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from evals.runs.evaluation import Conditions
from evals.scratch import scratch_database
from graph.app import open_application
from graph.application import Application
from ingest.sources import Found
from state.answer import Answer, Receipt
from state.documents import Source
from state.evidence import Mode
from state.principal import Principal, local_principal
from state.run import RunContext
from store.targets import document_id

COLLECTION = "eval"


@dataclass(frozen=True)
class Asking:
    """An open application, who asks, and the names of the passages' rows in the set by their documents."""

    application: Application
    principal: Principal
    context: RunContext
    rows: dict[UUID, str]

    async def ask(
        self, question: str, *, filters: Sequence[str] = (), mode: Mode | None = None, context: RunContext | None = None
    ) -> tuple[Answer, dict[str, Any]]:
        """Ask, and return the answer with the outputs that reports know."""
        given = context or self.context
        answer = await self.application.ask(self.principal, question, mode=mode, filters=filters, context=given)
        receipt = await self.receipt(answer)
        return answer, {
            "answer": answer.answer,
            "abstained": answer.abstained,
            "confidence": confidence_of(answer),
            "route": answer.route,
            "degraded": answer.degraded,
            "passages": self.passages(receipt),
            "timings": answer.timings,
            "receipt": receipt.model_dump(mode="json") if receipt else None,
        }

    async def receipt(self, answer: Answer) -> Receipt | None:
        """Return how an answer was made; None if it has no receipt."""
        return await self.application.receipts.get(self.principal, answer.receipt) if answer.receipt else None

    def passages(self, receipt: Receipt | None) -> list[str]:
        """Return the rows of the set that were found, in their last order."""
        records = receipt.passages if receipt else []
        return list(dict.fromkeys(self.rows.get(one.document_id, str(one.document_id)) for one in records))


@asynccontextmanager
async def asking(conditions: Conditions, sources: Sequence[Source] | None) -> AsyncIterator[Asking]:
    """Open the application over some sources alone; with None over the database of the settings, as it is."""
    configuration = conditions.settings
    principal = local_principal(configuration)
    if sources is None:
        async with open_application(configuration) as application:
            yield Asking(application, principal, conditions.context, {})
        return
    async with open_application(configuration, scratch_database) as application:
        await application.ingester(principal).ingest(Found(sources=list(sources)), COLLECTION)
        rows = {document_id(principal.tenant, COLLECTION, source.uri): source.uri for source in sources}
        yield Asking(application, principal, conditions.context, rows)


def confidence_of(answer: Answer) -> float:
    """Return how probable a right answer is: an abstention's confidence is in there being none."""
    return 1.0 - answer.confidence.score if answer.abstained else answer.confidence.score
