from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from state.principal import Principal
from ui.bridge import server_functions
from ui.shared import Page

ME = Principal("local", "me")


class Book:
    """Keeps opinions."""

    def __init__(self) -> None:
        self.given: list[tuple[Any, ...]] = []

    async def give(self, principal: Principal, receipt: UUID, thumb: str, reason: str, correction: str) -> None:
        self.given.append((principal, receipt, thumb, reason, correction))


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def functions(book: Book) -> dict[str, Any]:
    application: Any = SimpleNamespace(feedback=book)
    page = Page(lambda: application, lambda request: ME, lambda request: nullcontext(60.0))
    return {function.__name__: function for function in server_functions(page)}


@pytest.mark.parametrize("name", ["how", "verify", "receipt"])
@pytest.mark.parametrize("asked", [None, "", "x", {"id": 1}, ["<b>"], "../../etc/passwd"])
async def test_what_is_no_id_is_no_receipt(functions: dict[str, Any], name: str, asked: Any) -> None:
    assert (await functions[name](asked, SimpleNamespace()))["problem"] == "There is no such receipt."


@pytest.mark.parametrize("name", ["source", "picture"])
@pytest.mark.parametrize("asked", [None, "x", {}, {"n": 1, "document_id": "<b>", "version": 1, "start": 0, "end": 1}])
async def test_what_points_nowhere_is_no_source(functions: dict[str, Any], name: str, asked: Any) -> None:
    assert (await functions[name](asked, SimpleNamespace()))["problem"] == "That does not point at any text."


async def test_an_opinion_is_kept_for_who_asks_whatever_else_is_sent(functions: dict[str, Any], book: Book) -> None:
    sent = {"receipt": str(UUID(int=3)), "thumb": "<b>", "reason": 7, "correction": "1932", "user": "someone"}
    assert "problem" not in await functions["opinion"](sent, SimpleNamespace())
    assert book.given == [(ME, UUID(int=3), "down", "7", "1932")]
