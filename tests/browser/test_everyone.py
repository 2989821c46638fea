"""The page for everyone: on a phone, in the dark, by keyboard and screen reader, and with documents that mean harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import Visiting
from tests.browser.visit import Visit

LEAVE = "How many days of annual leave are there in the second year?"
SCRIPT = "window.__pwned = true"
HOSTILE = (
    f"<img src=x onerror='{SCRIPT}'><script>{SCRIPT}</script>"
    f"[click](javascript:{SCRIPT}) ![x](x' onerror='{SCRIPT}) ${{{SCRIPT}}} {{{{{SCRIPT}}}}} "
    "</mark></pre>\"'><b>bold</b>"
)


def _serious(visit: Visit) -> list[str]:
    found = Axe().run(visit.page).response["violations"]
    return [
        f"{one['id']}: {node['html'][:160]} {node.get('failureSummary', '')}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@pytest.mark.parametrize(
    ("dark", "phone"), [(False, False), (True, False), (False, True)], ids=["light", "dark", "phone"]
)
def test_nothing_of_the_page_is_in_anyones_way(visiting: Visiting, dark: bool, phone: bool) -> None:
    visit = visiting(dark=dark, phone=phone)
    assert visit.page.evaluate("document.body.classList.contains('dark')") is dark
    found = _serious(visit)
    turn = visit.ask(LEAVE)
    turn.get_by_role("button", name="How this answer was made").click()
    turn.locator(".fn-how").wait_for()
    turn.locator(".fn-chip").first.click()
    visit.page.locator("#fn-panel mark").wait_for()
    found += _serious(visit)
    visit.page.keyboard.press("Escape")
    assert not visit.is_too_wide()
    visit.open_document("Warranty Terms").get_by_role("button", name="Show its text").click()
    visit.page.locator(".fn-stored").wait_for()
    found += _serious(visit)
    assert not visit.is_too_wide()
    visit.view("Settings")
    visit.page.get_by_text("They are kept in this browser").wait_for()
    found += _serious(visit)
    assert not visit.is_too_wide()
    assert sorted(set(found)) == []


def test_everything_can_be_reached_on_a_phone(visiting: Visiting) -> None:
    visit = visiting(phone=True)
    visit.ask(LEAVE)
    visit.page.get_by_text("Conversations", exact=True).click()
    expect(visit.page.get_by_role("button", name="New conversation")).to_be_in_viewport()
    visit.page.locator("#fn-conversation-list").get_by_role("button", name=LEAVE[:30]).first.click()
    expect(visit.box).to_be_in_viewport()
    visit.turn.locator(".fn-chip").first.click()
    close = visit.page.get_by_role("button", name="Close the source")
    expect(close).to_be_in_viewport()
    close.click()
    for part in ("Documents", "Settings", "Ask"):
        visit.view(part)
    expect(visit.box).to_be_in_viewport()


def test_a_question_can_be_asked_and_its_source_read_by_keyboard_alone(visit: Visit) -> None:
    visit.page.keyboard.press("Tab")
    expect(visit.page.get_by_role("link", name="Skip to the question")).to_be_focused()
    visit.box.focus()
    visit.page.keyboard.type("How many days of annual leave\nare there?".replace("\n", " "))
    visit.page.keyboard.press("Shift+Enter")
    expect(visit.page.locator(".fn-turn")).to_have_count(0)
    visit.page.keyboard.press("Enter")
    visit.page.locator(".fn-turn[data-state=done]").wait_for()
    expect(visit.page.locator("#fn-announce")).to_contain_text("End of the answer")


def test_settings_are_kept_in_the_browser_and_hold_for_the_next_question(visit: Visit) -> None:
    visit.view("Settings")
    visit.page.get_by_label("By words").check()
    visit.page.wait_for_timeout(300)
    visit.page.reload()
    visit.box.wait_for()
    visit.view("Settings")
    expect(visit.page.get_by_label("By words")).to_be_checked()
    visit.view("Ask")
    turn = visit.ask(LEAVE)
    turn.get_by_role("button", name="How this answer was made").click()
    expect(turn.locator(".fn-how")).to_contain_text("lexical")


def test_two_tabs_ask_at_once_and_each_gets_its_own_answer(visiting: Visiting) -> None:
    one, other = visiting(), visiting()
    one.submit(LEAVE)
    other.submit("What does ERR-41 mean?")
    one.page.locator(".fn-turn[data-state=done]").wait_for()
    other.page.locator(".fn-turn[data-state=done]").wait_for()
    assert "27" in one.said(one.turn)
    assert "ERR-41" in other.turn.inner_text()
    expect(one.page.locator(".fn-turn")).to_have_count(1)


def test_no_script_of_a_document_or_a_question_runs(visit: Visit, tmp_path: Path) -> None:
    harm = tmp_path / "harm <b onmouseover=x>.md"
    harm.write_text(f"# Harm {HOSTILE}\n\nThe cormorant of Vik {HOSTILE} eats nine herrings a day.\n", encoding="utf-8")
    visit.upload(harm)
    panel_button = visit.page.locator(".fn-doc", has_text="Harm").first
    panel_button.click()
    visit.page.get_by_role("button", name="Show its text").click()
    expect(visit.page.locator(".fn-stored")).to_contain_text("onerror")
    visit.view("Ask")
    turn = visit.ask(f"How many herrings does the cormorant of Vik eat? {HOSTILE}")
    turn.locator(".fn-source").first.click()
    visit.page.locator("#fn-panel-body :is(mark, .fn-problem)").first.wait_for()
    expect(turn.locator("h2")).to_contain_text("<script>")
    assert visit.page.locator(".fn-turn :is(img, script, b, a[href])").count() == 0
    assert visit.page.locator("#fn-panel-body :is(script, b, a[href]), #fn-documents :is(script, b)").count() == 0
    visit.page.reload()
    visit.page.locator("#fn-conversation-list").get_by_text("How many herrings").first.click()
    visit.turn.wait_for()
    visit.page.wait_for_timeout(200)
    assert visit.page.evaluate("window.__pwned") is None
