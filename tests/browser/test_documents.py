from __future__ import annotations

from pathlib import Path

import psycopg
from playwright.sync_api import expect
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from tests.browser.visit import Visit

FACT = "The lighthouse at Skerry Point was painted ochre by Oduya and Sons in 1987."
QUESTION = "Who painted the lighthouse at Skerry Point?"


def _pdf(path: Path, *lines: str) -> Path:
    canvas = Canvas(str(path), pagesize=A4)
    canvas.setTitle("Skerry Point")
    for number, line in enumerate(lines):
        canvas.drawString(72, 760 - 18 * number, line)
    canvas.save()
    return path


def test_a_pdf_is_read_in_asked_about_and_forgotten(visit: Visit, tmp_path: Path, home: Path) -> None:
    pdf = _pdf(tmp_path / "skerry point.pdf", "About the lighthouse.", FACT, "It is forty metres tall.")
    job = visit.upload(pdf)
    expect(job).to_have_attribute("data-state", "done")
    expect(job).to_contain_text("skerry point.pdf")
    assert (home / "page").stat().st_mode & 0o077 == 0  # where it lay meanwhile
    assert [file for file in (home / "page").rglob("*") if file.is_file()] == []

    visit.view("Ask")
    turn = visit.ask(QUESTION)
    assert "Oduya and Sons" in visit.said(turn)
    turn.locator(".fn-chip").first.click()
    expect(visit.page.locator("#fn-panel mark")).to_contain_text("Oduya and Sons")
    visit.page.locator("#fn-panel .fn-picture img").wait_for()

    visit.delete_document("Skerry Point")
    visit.view("Ask")
    visit.page.get_by_role("button", name="New conversation").click()
    expect(visit.turn).to_have_count(0)
    assert "Oduya" not in visit.said(visit.ask(QUESTION))


def test_a_file_that_cannot_be_read_is_named_with_its_reason_and_the_others_are_read(
    visit: Visit, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7\nnot really")
    large = tmp_path / "large.txt"
    large.write_text("The same line again.\n" * 150_000)
    good = tmp_path / "good.md"
    good.write_text("# Ferry times\n\nThe ferry leaves at noon.\n")
    job = visit.upload(broken, large, good)
    expect(job).to_contain_text("1 of 3 files read in, 2 failed")
    expect(job.locator("li", has_text="broken.pdf").locator(".fn-file-reason")).to_contain_text("PDF")
    expect(job.locator("li", has_text="large.txt").locator(".fn-file-reason")).to_contain_text("the limit is 1")
    expect(job.locator("li", has_text="good.md")).to_have_attribute("data-state", "done")
    visit.delete_document("Ferry times")


def test_the_list_is_narrowed_by_words_and_type(visit: Visit) -> None:
    visit.view("Documents")
    rows = visit.page.locator(".fn-doc")
    rows.first.wait_for()
    visit.page.get_by_label("Search titles and names").fill("warranty")
    expect(rows).to_have_count(1)
    visit.page.get_by_label("Search titles and names").fill("no such thing")
    visit.page.get_by_text("No document fits").wait_for()
    visit.page.get_by_label("Search titles and names").fill("")
    visit.page.get_by_label("Type", exact=True).click()
    visit.page.get_by_role("option", name="pdf").click()
    expect(rows).to_have_count(2)


def test_a_document_is_opened_as_text_and_given_to_others(visit: Visit, stored: psycopg.Connection) -> None:
    panel = visit.open_document("Warranty Terms")
    panel.get_by_role("button", name="Show its text").click()
    [text] = stored.execute(
        """select string_agg(t.text, '' order by t.start_char)
           from document_texts t join documents d on d.id = t.document_id where d.title = 'Warranty Terms'"""
    ).fetchone() or ("",)
    assert panel.locator(".fn-stored").text_content() == text

    panel.get_by_label("People and groups").check()
    panel.get_by_label("Names").fill("ann, group:service")
    panel.get_by_role("button", name="Save access").click()
    panel.get_by_text("Access saved").wait_for()
    expect(panel.locator(".fn-facts")).to_contain_text("group service, ann, me")

    panel.get_by_label("Names").fill("group:")
    panel.get_by_role("button", name="Save access").click()
    expect(panel.get_by_role("alert")).to_contain_text("Unusable access")

    panel.get_by_label("Everyone").check()
    panel.get_by_role("button", name="Save access").click()
    expect(panel.locator(".fn-facts")).to_contain_text("everyone")


def test_a_collection_is_made_by_uploading_into_it_and_can_be_asked_alone(visit: Visit, tmp_path: Path) -> None:
    note = tmp_path / "tides.md"
    note.write_text("# Tides\n\nHigh water at Skerry Point is at seven in the morning.\n")
    visit.view("Documents")
    visit.page.get_by_role("button", name="Where they go and who may read them").click()
    visit.page.locator("#fn-upload-options").get_by_label("Collection").fill("harbour")
    visit.page.keyboard.press("Enter")
    visit.upload(note)
    expect(visit.page.locator(".fn-doc", has_text="Tides")).to_contain_text("in harbour")

    visit.view("Ask")
    visit.page.locator("#fn-collections").get_by_label("harbour").check()
    assert "27" not in visit.said(visit.ask("How many days of annual leave are there in the second year?"))
    assert "seven" in visit.said(visit.ask("When is high water at Skerry Point?"))
    visit.delete_document("Tides")
