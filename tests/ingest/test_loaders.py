from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import docx
import openpyxl
import pptx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from ingest.loaders import EXTENSIONS, load
from state.documents import ParsedDocument
from state.errors import UnreadableDocument


def blocks(document: ParsedDocument) -> list[tuple[str, str]]:
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


def read(name: str, content: str | bytes) -> ParsedDocument:
    return load(Path(name), content.encode() if isinstance(content, str) else content)


def pdf(*pages: Sequence[tuple[float, float, str, int]], title: str = "", password: str = "") -> bytes:
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=A4, encrypt=StandardEncryption(password) if password else None)
    canvas.setTitle(title)
    for page in pages:
        for x, y, text, size in page:
            canvas.setFont("Helvetica-Bold" if size > 12 else "Helvetica", size)
            canvas.drawString(x, y, text)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def test_markdown_leaves_no_mark_up_in_the_text() -> None:
    document = read(
        "a.md", "# Pay\n\nIt is **high**, see [the *list*](pay.html).\n\n- one\n\n1. two\n\n```py\nx  = 1\n```\n"
    )
    assert blocks(document) == [
        ("heading", "Pay"), ("paragraph", "It is high, see the list."), ("list_item", "one"), ("list_item", "1. two"),
        ("code", "x  = 1"),
    ]  # fmt: skip
    (link,) = document.hyperlinks
    assert (document.text[link.start : link.end], link.target) == ("the list", "pay.html")


def test_a_table_row_can_be_quoted_alone() -> None:
    document = read("a.md", "| Part | Price |\n|---|---|\n| KX-200 | 5 EUR |\n| KX-300 | |\n")
    assert document.text == "Part: KX-200; Price: 5 EUR\nPart: KX-300"


def test_front_matter_gives_the_title() -> None:
    document = read("a.md", "---\ntitle: Leave policy\ntags: [x]\n---\n\nText.\n")
    assert (document.title, document.text) == ("Leave policy", "Text.")


def test_html_is_read_without_scripts_navigation_and_tags() -> None:
    page = "<title>Pay | Acme</title><nav>Home</nav><main><h1>Pay</h1><p>A &lt;b&gt; <b>c</b>.</p><script>x</script>"
    document = read("a.html", page)
    assert blocks(document) == [("heading", "Pay"), ("paragraph", "A <b> c.")]
    assert document.title == "Pay"


def test_cells_that_span_rows_are_repeated_in_each() -> None:
    document = read("a.html", "<table><tr><th>A<th>B<tr><td rowspan=2>x<td>1<tr><td>2</table>")
    assert document.text == "A: x; B: 1\nA: x; B: 2"


def test_a_fact_box_reads_as_labels_and_values() -> None:
    document = read("a.html", "<table><tr><th>Founded<td>1975<tr><th>Owner<td><ul><li>Ann<li>Bob</ul></table>")
    assert document.text == "Founded: 1975\nOwner: Ann, Bob"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found_by_looking(delimiter: str) -> None:
    assert (
        read("a.csv", delimiter.join(["Name", "Age"]) + "\n" + delimiter.join(["Ann", "30"])).text
        == "Name: Ann; Age: 30"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_are_told_apart(encoding: str) -> None:
    text = "Die Grüße der Bürgermeisterin aus Köln waren für alle Gäste schön."
    assert read("a.txt", text.encode(encoding)).text == text


def test_hard_wrapped_text_is_joined_and_lists_are_kept() -> None:
    wrapped = "This line was wrapped by an editor at about sixty characters\nand goes on here.\n\n- first\n- second\n"
    assert blocks(read("a.txt", wrapped)) == [
        ("paragraph", "This line was wrapped by an editor at about sixty characters and goes on here."),
        ("list_item", "first"), ("list_item", "second"),
    ]  # fmt: skip


def test_json_records_become_lines_and_prose_becomes_paragraphs() -> None:
    long = "A long text. " * 20
    document = read("a.json", json.dumps([{"id": 7, "who": {"name": "Ann"}, "note": long}]))
    assert blocks(document) == [("table_row", "id: 7; who.name: Ann"), ("paragraph", long.strip())]


def test_a_notebook_is_its_cells() -> None:
    cells = [{"cell_type": "markdown", "source": ["# Note\n"]}, {"cell_type": "code", "source": "print(1)"}]
    assert blocks(read("a.ipynb", json.dumps({"cells": cells}))) == [("heading", "Note"), ("code", "print(1)")]


def test_source_code_is_cut_where_a_part_begins() -> None:
    document = read("tool.py", "import os\n\n\ndef a():\n    x = 1\n\n    return x\n\n\ndef b():\n    pass\n")
    assert [text.split("\n")[0] for _, text in blocks(document)] == ["import os", "def a():", "def b():"]


def test_an_email_is_its_headers_and_body() -> None:
    document = read("a.eml", "From: ann@example.org\nSubject: Hello there\n\nHow are you?\n")
    assert (document.title, document.text) == (
        "Hello there",
        "From: ann@example.org\nSubject: Hello there\n\nHow are you?",
    )


def test_a_word_document_keeps_headings_lists_and_tables() -> None:
    file = io.BytesIO()
    word = docx.Document()
    word.add_heading("Leave", 1)
    word.add_paragraph("You have 25 days.")
    table = word.add_table(2, 2)
    for cell, text in zip(table._cells, ["Kind", "Days", "Sick", "10"], strict=True):
        cell.text = text
    word.save(file)
    document = read("a.docx", file.getvalue())
    assert blocks(document) == [
        ("heading", "Leave"),
        ("paragraph", "You have 25 days."),
        ("table_row", "Kind: Sick; Days: 10"),
    ]


def test_slides_are_pages() -> None:
    file = io.BytesIO()
    slides = pptx.Presentation()
    for title in ("First", "Second"):
        slide = slides.slides.add_slide(slides.slide_layouts[5])
        slide.shapes.title.text = title
    slides.save(file)
    document = read("a.pptx", file.getvalue())
    assert [(page.number, document.text[page.start : page.end].strip()) for page in document.pages] == [
        (1, "First"),
        (2, "Second"),
    ]


def test_a_workbook_has_a_heading_a_sheet() -> None:
    file = io.BytesIO()
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = "Prices"
    for row in (["Prices of 2024"], [], ["Part", "Price"], ["KX-200", 5.0]):
        sheet.append(row)
    workbook.save(file)
    assert blocks(read("a.xlsx", file.getvalue())) == [
        ("heading", "Prices"), ("paragraph", "Prices of 2024"), ("table_row", "Part: KX-200; Price: 5"),
    ]  # fmt: skip


def test_pdf_lines_become_paragraphs_and_large_ones_headings() -> None:
    page = [
        (72, 780, "Leave policy", 20), (72, 750, "Every employee has twenty-five days of leave a year, and may", 10),
        (72, 738, "take them at any time.", 10), (72, 700, "Ask your manager first.", 10),
    ]  # fmt: skip
    document = read("a.pdf", pdf(page))
    assert blocks(document) == [
        ("heading", "Leave policy"),
        ("paragraph", "Every employee has twenty-five days of leave a year, and may take them at any time."),
        ("paragraph", "Ask your manager first."),
    ]


def test_running_headers_and_page_numbers_are_left_out_and_sentences_run_on() -> None:
    pages = [
        [(72, 820, "Acme internal", 8), (72, 400, text, 10), (300, 20, str(number), 8)]
        for number, text in enumerate(["The rule holds for all who", "work here for a year.", "The end."], 1)
    ]
    document = read("a.pdf", pdf(*pages))
    assert document.text == "The rule holds for all who work here for a year.\n\nThe end."
    assert [document.text[page.start : page.end] for page in document.pages] == [
        "The rule holds for all who ", "work here for a year.\n\n", "The end.",
    ]  # fmt: skip


def test_pdf_lines_have_boxes_on_their_page() -> None:
    document = read("a.pdf", pdf([(72, 700, "Some words here.", 10)]))
    (page,) = document.pages
    ((start, end, left, bottom, right, top),) = page.lines
    assert document.text[start:end] == "Some words here."
    assert 70 < left < right < page.width and 690 < bottom < top < 715


def test_columns_of_a_pdf_table_become_labelled_rows() -> None:
    rows = [("Part", "Price", "Stock"), ("KX-200", "5", "12"), ("KX-300", "6", "0")]
    page = [(72 + 120 * x, 700 - 14 * y, cell, 10) for y, row in enumerate(rows) for x, cell in enumerate(row)]
    assert read("a.pdf", pdf(page)).text == "Part: KX-200; Price: 5; Stock: 12\nPart: KX-300; Price: 6; Stock: 0"


@pytest.mark.parametrize(
    ("metadata", "title"),
    [("Leave policy", "Leave policy"), ("Microsoft Word - x.doc", "staff leave"), ("untitled", "staff leave")],
)
def test_a_title_from_metadata_must_be_sane(metadata: str, title: str) -> None:
    assert read("staff_leave.pdf", pdf([(72, 700, "words", 10)], title=metadata)).title == title


def bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"\x00" * 5_000_000)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.txt", b"", "is empty"),
        ("a.md", b" \n\n", "no text in it"),
        ("a.pdf", b"\x89PNG\r\n\x1a\n....", "PNG image"),
        ("a.pdf", b"%PDF-1.4 rubbish", "damaged PDF"),
        ("scan.pdf", pdf([]), "run OCR"),
        ("a.pdf", pdf([(9, 9, "x", 9)], password="secret"), "is encrypted"),
        ("a.docx", b"PK\x03\x04rubbish", "broken archive"),
        ("a.docx", bomb(), "zip bomb"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "is encrypted"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Office format"),
        ("a.bin", bytes(range(256)), "not text"),
        ("a.json", b"{", "not valid JSON"),
        ("a.json", b"[" * 100_000, "nested too deeply"),
        ("a.json", b"[" * 99 + b"]" * 99, "levels deep"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name_with_the_reason(name: str, data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableDocument, match=reason) as refusal:
        read(name, data)
    assert name in str(refusal.value)


def check(document: ParsedDocument) -> None:
    assert document.title and document.text.strip()
    assert all(a.end < b.start for a, b in pairwise(document.blocks))
    for block in document.blocks:
        assert document.text[block.start : block.end].strip()
    assert all(0 <= link.start < link.end <= len(document.text) for link in document.hyperlinks)
    if document.pages:
        assert (document.pages[0].start, document.pages[-1].end) == (0, len(document.text))
        assert all(a.end == b.start for a, b in pairwise(document.pages))


def check_read_or_refused(name: str, data: bytes) -> None:
    message = name
    try:
        check(read(name, data))
    except UnreadableDocument as refusal:
        message = str(refusal)
    assert name in message


_MARKS = st.text(alphabet=st.sampled_from('|-\n #*ab.<>/td="{}[]:1é`,;&()\x00\u00ad'), max_size=120).map(str.encode)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(EXTENSIONS)), st.binary(max_size=80) | _MARKS)
def test_whatever_the_bytes_a_file_is_read_or_refused(extension: str, data: bytes) -> None:
    check_read_or_refused("file" + extension, data)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1500), st.integers(0, 255), st.booleans())
def test_a_damaged_pdf_is_read_or_refused(place: int, byte: int, cut: bool) -> None:
    whole = pdf([(72, 700, "Some words here.", 10)])
    data = whole[:place] if cut else whole[:place] + bytes([byte]) + whole[place + 1 :]
    check_read_or_refused("file.pdf", data)
