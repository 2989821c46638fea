from __future__ import annotations

import json

from playwright.sync_api import Locator, expect

from tests.browser.visit import Visit

LEAVE = "How many days of annual leave are there in the second year?"


def _row(visit: Visit, title: str) -> Locator:
    return visit.page.locator("#fn-conversation-list li", has_text=title).first


def _menu(visit: Visit, title: str, action: str) -> Locator:
    row = _row(visit, title)
    row.locator("summary").click()
    return row.get_by_role("button", name=action)


def _renamed(visit: Visit, title: str) -> None:
    """Ask something, and give the conversation a title of its own."""
    visit.ask(LEAVE)
    current = visit.page.locator("#fn-conversation-list li:has([aria-current])")
    current.locator("summary").click()
    current.get_by_role("button", name="Rename").click()
    current.get_by_label("Title of the conversation").fill(title)
    visit.page.keyboard.press("Enter")
    expect(_row(visit, title).locator("[aria-current]")).to_be_visible()


def test_a_conversation_is_renamed_and_found_again_in_another_tab(visit: Visit) -> None:
    _renamed(visit, "Days off")
    said = visit.said(visit.turn)
    visit.page.reload()
    _row(visit, "Days off").get_by_role("button", name="Days off").first.click()
    expect(visit.turn.locator(".fn-chip").first).to_be_visible()
    assert visit.said(visit.turn) == said
    visit.turn.locator(".fn-chip").first.click()
    visit.page.locator("#fn-panel mark").wait_for()


def test_a_conversation_is_gone_on_with(visit: Visit) -> None:
    _renamed(visit, "To go on with")
    visit.page.reload()
    _row(visit, "To go on with").get_by_role("button", name="To go on with").first.click()
    visit.turn.wait_for()
    visit.ask("And in the first year?")
    expect(visit.page.locator(".fn-turn")).to_have_count(2)
    expect(_row(visit, "To go on with")).to_contain_text("2 questions")


def test_a_conversation_is_exported_as_markdown_and_as_json(visit: Visit) -> None:
    _renamed(visit, "To take away")
    markdown = visit.downloaded(_menu(visit, "To take away", "Export as Markdown"))
    assert markdown.startswith("# To take away\n\n## How many days of annual leave")
    assert "[^1-1]: " in markdown
    exported = json.loads(visit.downloaded(_menu(visit, "To take away", "Export as JSON")))
    assert exported["title"] == "To take away"
    assert exported["turns"][0]["question"] == LEAVE


def test_a_conversation_is_deleted_only_when_that_is_meant(visit: Visit) -> None:
    _renamed(visit, "To be deleted")
    _menu(visit, "To be deleted", "Delete…").click()
    _row(visit, "To be deleted").get_by_role("button", name="Keep").click()
    expect(_row(visit, "To be deleted")).to_be_visible()
    _menu(visit, "To be deleted", "Delete…").click()
    _row(visit, "To be deleted").get_by_role("button", name="Delete", exact=True).click()
    expect(visit.page.locator("#fn-conversation-list li", has_text="To be deleted")).to_have_count(0)
    visit.page.locator(".fn-example").first.wait_for()
