"""Asking a receipt's question again, in the way that it was asked, to see what has changed."""

from __future__ import annotations

import dataclasses
from uuid import UUID

from pydantic import TypeAdapter

from graph.application import Application
from state.answer import Receipt
from state.errors import StoreUnavailable
from state.principal import Principal
from state.replay import Replay, compare
from state.run import RunContext

_FILTERS = {
    "collections": "collection", "documents": "document", "types": "type", "sources": "source", "tags": "tag",
    "languages": "language", "after": "after", "before": "before",
}  # fmt: skip


async def replay(application: Application, principal: Principal, receipt: Receipt) -> Replay:
    """Ask again with the receipt's settings, without the cache and without a deadline; compare the receipts.

    Raises what asking raises, and `StoreUnavailable` when the new receipt could not be kept.
    """
    known = {field.name for field in dataclasses.fields(RunContext)}
    chosen = {name: value for name, value in receipt.settings.items() if name in known}
    context = TypeAdapter(RunContext).validate_python({**chosen, "cache": False, "deadline": None})
    answer = await application.ask(
        principal,
        receipt.question,
        mode=receipt.settings.get("mode"),
        filters=_filters(receipt),
        context=context,
    )
    if answer.receipt is None:
        raise StoreUnavailable("The question was asked again, but its receipt could not be kept to compare.")
    again = await application.receipts.get(principal, answer.receipt)
    ids: list[UUID] = [passage.document_id for one in (receipt, again) for passage in one.passages]
    return compare(receipt, again, await application.receipts.sources(principal, ids))


def _filters(receipt: Receipt) -> list[str]:
    given = receipt.settings.get("filters") or {}
    return [
        f"{_FILTERS[key]}={value}"
        for key, values in given.items()
        for value in (values if isinstance(values, list) else [values])
    ]
