from __future__ import annotations

import json

import psycopg
from playwright.sync_api import expect

from tests.browser.visit import Visit

LEAVE = "How many days of annual leave are there in the second year?"
COMPARISON = "How do the Gannet WX-200 and the Storm Petrel WX-400 differ in wind range and accuracy?"
IN_A_PDF = "How do I replace the battery pack of a station?"

_WATCH = """() => {
  window.__seen = [];
  new MutationObserver(() => {
    const turn = document.querySelector(".fn-turn[data-last]");
    const now = turn && `${turn.dataset.state} ${turn.querySelectorAll(".fn-sentence").length}`;
    if (now && now !== window.__seen.at(-1)) window.__seen.push(now);
  }).observe(document.body, { childList: true, subtree: true, attributes: true });
}"""


def _text_of(stored: psycopg.Connection, document: str, version: int) -> str:
    row = stored.execute(
        "select string_agg(text, '' order by start_char) from document_texts where document_id = %s and version = %s",
        (document, version),
    ).fetchone()
    assert row is not None
    return str(row[0])


def test_an_example_of_the_first_screen_is_answered_with_footnotes(visit: Visit) -> None:
    visit.page.locator(".fn-example").first.click()
    visit.page.locator(".fn-turn[data-state=done] .fn-chip").first.wait_for()
    assert "ERR-41" in visit.turn.inner_text()


def test_sentences_arrive_one_by_one(visit: Visit) -> None:
    visit.page.evaluate(_WATCH)
    visit.ask(COMPARISON)
    seen = visit.page.evaluate("window.__seen")
    working = [int(one.split()[1]) for one in seen if one.startswith("working")]
    assert working[:2] == [0, 1], seen
    assert working == sorted(working) and len(set(working)) >= 3, seen
    assert seen[-1] == f"done {max(working)}"


def test_a_footnote_opens_exactly_the_cited_characters(visit: Visit, stored: psycopg.Connection) -> None:
    turn = visit.ask(LEAVE)
    chip = turn.locator(".fn-chip").first
    place = visit.cited(chip)
    chip.click()
    mark = visit.page.locator("#fn-panel mark").text_content() or ""
    text = _text_of(stored, place["document_id"], place["version"])
    assert mark == text[place["start"] : place["end"]]
    assert mark in visit.said(turn)
    assert (visit.page.locator("#fn-panel .fn-passage").text_content() or "no passage") in text


def test_a_footnote_in_a_pdf_shows_its_page_with_the_words_marked(visit: Visit) -> None:
    turn = visit.ask(IN_A_PDF)
    chip = next(one for one in turn.locator(".fn-chip").all() if visit.cited(one)["page"])
    chip.click()
    image = visit.page.locator("#fn-panel .fn-picture img")
    image.wait_for()
    image.evaluate("image => image.decode()")
    width, height = image.evaluate("image => [image.naturalWidth, image.naturalHeight]")
    assert height > width > 500
    marked = image.evaluate(
        """image => {
          const canvas = document.createElement("canvas");
          [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
          const context = canvas.getContext("2d");
          context.drawImage(image, 0, 0);
          const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
          let coloured = 0;
          for (let at = 0; at < data.length; at += 4)
            if (data[at] > 200 && data[at] - data[at + 2] > 60) coloured += 1;
          return coloured;
        }"""
    )
    assert marked > 500


def test_escape_closes_the_source_and_gives_focus_back_to_the_footnote(visit: Visit) -> None:
    chip = visit.ask(LEAVE).locator(".fn-chip").first
    chip.focus()
    visit.page.keyboard.press("Enter")
    visit.page.locator("#fn-panel mark").wait_for()
    visit.page.keyboard.press("Escape")
    expect(visit.page.locator("#fn-panel")).to_be_hidden()
    expect(chip).to_be_focused()


def test_a_question_that_nothing_answers_is_told_so_with_what_comes_closest(visit: Visit) -> None:
    turn = visit.ask("What was Fulmar's turnover in 2025?")
    assert turn.locator(".fn-chip").count() == 0
    turn.locator(".fn-nearest .fn-source").first.click()
    visit.page.locator("#fn-panel mark").wait_for()


def test_a_question_that_is_stopped_stays_stopped_until_asked_again(visit: Visit, database_of_page: str) -> None:
    with psycopg.connect(database_of_page) as locking:
        locking.execute("lock table document_texts in access exclusive mode")
        visit.submit("Why was firmware v2.1.2 withdrawn?")
        visit.page.get_by_role("button", name="Stop this answer").click()
        expect(visit.turn).to_have_attribute("data-state", "stopped")
        locking.rollback()
    expect(visit.turn).to_contain_text("You stopped this answer.")
    expect(visit.turn.locator(".fn-sentence")).to_have_count(0)
    visit.turn.get_by_role("button", name="Ask again").click()
    visit.page.locator(".fn-turn[data-last][data-state=done] .fn-chip").first.wait_for()
    expect(visit.page.locator(".fn-turn")).to_have_count(1)


def test_an_answered_question_is_asked_anew_at_one_press(visit: Visit) -> None:
    first = visit.ask(LEAVE).get_attribute("data-receipt")
    visit.turn.get_by_role("button", name="Ask this again, anew").click()
    expect(visit.page.locator(".fn-turn")).to_have_count(2)
    expect(visit.turn).to_have_attribute("data-state", "done")
    assert "27" in visit.said(visit.turn) and visit.turn.get_attribute("data-receipt") != first
    visit.turn.get_by_role("button", name="How this answer was made").click()
    expect(visit.turn.locator(".fn-how")).to_contain_text("Answered anew, not from the cache.")


def test_a_follow_up_is_understood_from_the_conversation(visit: Visit) -> None:
    visit.ask("How many days of annual leave are there?")
    turn = visit.ask("And in the second year?")
    assert "27" in visit.said(turn)
    expect(visit.page.locator(".fn-turn")).to_have_count(2)


def test_an_opinion_is_kept_with_its_reason(visit: Visit, stored: psycopg.Connection) -> None:
    turn = visit.ask(LEAVE)
    receipt = turn.get_attribute("data-receipt")
    turn.get_by_role("button", name="This answer did not help").click()
    turn.get_by_label("What was wrong with it?").fill("it is about the second year")
    turn.get_by_role("button", name="Send").click()
    turn.get_by_text("Thank you").wait_for()
    kept = stored.execute("select thumb, reason from feedback where receipt_id = %s", (receipt,)).fetchall()
    assert kept == [("down", "it is about the second year")]


def test_how_an_answer_was_made_is_told_and_its_receipt_holds(visit: Visit) -> None:
    turn = visit.ask(LEAVE)
    turn.get_by_role("button", name="How this answer was made").click()
    turn.get_by_role("button", name="Verify").click()
    expect(turn.locator(".fn-verified")).to_contain_text("holds")
    receipt = json.loads(visit.downloaded(turn.get_by_role("button", name="receipt")))
    assert receipt["id"] == turn.get_attribute("data-receipt")
