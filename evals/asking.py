"""The application as evaluations ask it: with a set's own passages in a database of its own, or as the user has it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from evals.runs.evaluation import Conditions
from evals.sets.documents import given_documents, refuse_unread, shown
from graph.app import open_application
from graph.application import Application
from ingest.report import IngestReport
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
    """An open application, who asks, and the names of the passages' rows in the set by their documents.

    ``report`` tells how the set was read in, None where it is asked of what was there.
    """

    application: Application
    principal: Principal
    context: RunContext
    rows: dict[UUID, str]
    report: IngestReport | None = None

    async def ask(
        self, question: str, *, filters: Sequence[str] = (), mode: Mode | None = None, context: RunContext | None = None
    ) -> tuple[Answer, dict[str, Any]]:
        """Ask, and return the answer with the outputs that reports know."""
        given = context or self.context
        answer = await self.application.ask(self.principal, question, mode=mode, filters=filters, context=given)
        return answer, await self.outputs(answer)

    async def outputs(self, answer: Answer) -> dict[str, Any]:
        """Return the outputs of an answer that reports know."""
        receipt = await self.receipt(answer)
        return {
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

    def cited(self, answer: Answer) -> list[str]:
        """Return the rows of the set that an answer cites, in the order of its footnotes."""
        documents = (citation.document_id for claim in answer.claims for citation in claim.citations)
        return list(dict.fromkeys(self.rows.get(one, str(one)) for one in documents))

    def passages(self, receipt: Receipt | None) -> list[str]:
        """Return the rows of the set that were found, in their last order."""
        records = receipt.passages if receipt else []
        return list(dict.fromkeys(self.rows.get(one.document_id, str(one.document_id)) for one in records))


@asynccontextmanager
async def asking(conditions: Conditions, sources: Sequence[Source] | None) -> AsyncIterator[Asking]:
    """Open the application over some sources alone; with None over the documents given for such sets.

    Without those, it is asked over the database of the settings, as it is. Raises `UnreadableSet` if no document given
    can be read in.
    """
    configuration = conditions.settings
    principal = local_principal(configuration)
    found = Found(sources=list(sources)) if sources is not None else given_documents(conditions)
    if found is None:
        async with open_application(configuration, without=conditions.without) as application:
            yield Asking(application, principal, conditions.context, {})
        return
    async with open_application(configuration, conditions.connect, without=conditions.without) as application:
        report = await application.ingester(principal).ingest(found, COLLECTION)
        if sources is None:
            refuse_unread(report)
        rows = {document_id(principal.tenant, COLLECTION, one.uri): shown(one.uri, found) for one in found.sources}
        yield Asking(application, principal, conditions.context, rows, report)


def confidence_of(answer: Answer) -> float:
    """Return how probable a right answer is: an abstention's confidence is in there being none."""
    return 1.0 - answer.confidence.score if answer.abstained else answer.confidence.score
