"""The page with a chat model behind it: what it writes is checked before it is seen, and takes its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from psycopg.conninfo import conninfo_to_dict

from settings import Settings
from tests.browser.conftest import Visiting
from tests.browser.visit import MILLISECONDS
from tests.chat_server import ChatServer, Reply, chat_server_beside
from tests.server.conftest import eventually
from tests.server.running import running_server

QUESTION = "How many days of annual leave do full-time employees have?"
# Of Gradio's own, in the process of the tests here.
pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
PROSE = (
    "Employees who work full-time have 27 days of paid annual leave in a calendar year. [1] "
    "Everyone else gets a free boat from the harbour master. [1]"
)


@pytest.fixture(scope="module")
def model() -> Iterator[ChatServer]:
    with chat_server_beside(Reply(PROSE)) as served:
        yield served


@pytest.fixture(scope="module")
def page_with_model(address: str, database_of_page: str, home: Path, model: ChatServer) -> Iterator[str]:
    """The page over the same database as the other one, which takes one question at a time."""
    name = conninfo_to_dict(database_of_page)["dbname"]
    values = {
        "home": home, "database_name": name, "allow_download": False, "cache": False, "max_questions": 1,
        "chat_model": "openai:writer", "chat_base_url": model.url, "chat_api_key": "none", "chat_retries": 0,
    }  # fmt: skip
    with running_server(Settings.model_validate(values), page=True) as served:
        yield served


def test_what_a_model_writes_is_shown_with_its_source_as_far_as_that_says_it(
    visiting: Visiting, page_with_model: str
) -> None:
    visit = visiting(at=page_with_model)
    turn = visit.ask(QUESTION)
    said = visit.said(turn)
    assert "Employees who work full-time have 27 days" in said
    assert "free boat" not in said
    turn.locator(".fn-chip").first.click()
    expect(visit.page.locator("#fn-panel mark")).to_contain_text("27 days of paid annual leave")
    visit.page.keyboard.press("Escape")
    turn.get_by_role("button", name="How this answer was made").click()
    expect(turn.locator(".fn-how")).to_contain_text("of a chat model; ")
    expect(turn.locator(".fn-how")).to_contain_text("1 sentence that the sources did not support")


def test_a_question_that_finds_no_place_is_told_so_and_can_be_asked_again(
    visiting: Visiting, page_with_model: str, model: ChatServer
) -> None:
    one, other = visiting(at=page_with_model), visiting(at=page_with_model)
    model.left.clear()
    model.reply, before = Reply(PROSE, stall=60), model.reply
    try:
        before_it = len(model.requests)
        one.submit(QUESTION)
        eventually(lambda: len(model.requests) > before_it, seconds=20)
        other.submit(QUESTION)
        refused = "working on as many requests as it takes (1)"
        expect(other.turn).to_contain_text(refused, timeout=MILLISECONDS)
    finally:
        model.reply = before
    one.page.close()  # who leaves gives the place back
    eventually(lambda: model.left, seconds=20)
    other.turn.get_by_role("button", name="Ask again").click()
    expect(other.turn).to_have_attribute("data-state", "done", timeout=MILLISECONDS)
    assert "27 days" in other.said(other.turn)
