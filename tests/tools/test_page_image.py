from __future__ import annotations

import asyncio
import io
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pypdfium2
import pytest
from PIL import Image, ImageChops
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from ingest import parsing
from ingest.uploads import Upload, Uploads
from models.tokenizer import ModelTokenCounter
from settings import Settings
from state.errors import NotFound, UnreadableDocument
from state.principal import Principal
from store.database import Database
from store.documents import document_text
from tests.ingest.reader import HashingEmbedder
from tests.support import CardFinder, Library
from tools import page_drawer, page_image, page_worker
from tools.document_access import set_document_access
from tools.page_drawer import PageDrawer
from tools.page_marks import CitedLine, mark_boxes
from tools.screening import Screen

drawn = partial(page_image.page_image, screen=Screen(CardFinder()))
ANN = Principal("local", "ann", can_write=True)
BOB = Principal("local", "bob", can_write=True)
FONT, SIZE, LEFT = "Helvetica", 12, 72
LINES = (
    "The harbour bridge opened in 1932. It is painted grey, and",
    "nobody remembers why. A car pays 4 euros in each direction.",
    "Bicycles cross free of charge on every day of the week.",
)
TOPS = (700, 684, 668)
PAGE = (595, 842)
Box = tuple[float, float, float, float]


def pdf(*pages: tuple[str, ...], change: Callable[[Any], None] = lambda _: None) -> bytes:
    """Return a PDF with lines of text at known places; ``change`` is done to each of its pages."""
    written = io.BytesIO()
    canvas = Canvas(written, pagesize=PAGE)
    for lines in pages:
        canvas.setFont(FONT, SIZE)
        for line, top in zip(lines, TOPS, strict=False):
            canvas.drawString(LEFT, top, line)
        canvas.showPage()
    canvas.save()
    document = pypdfium2.PdfDocument(written.getvalue())
    for page in document:
        change(page)
    changed = io.BytesIO()
    document.save(changed)
    return changed.getvalue()


def place_of(words: str) -> list[Box]:
    """Return where words stand on the page, in points, a box for each line."""
    boxes: list[Box] = []
    text = " ".join(LINES)
    start = text.index(words)
    offset = 0
    for line, top in zip(LINES, TOPS, strict=True):
        first, last = max(start - offset, 0), min(start + len(words) - offset, len(line))
        if first < last:
            left = LEFT + stringWidth(line[:first], FONT, SIZE)
            boxes.append((left, top, LEFT + stringWidth(line[:last].rstrip(), FONT, SIZE), top + SIZE * 0.7))
        offset += len(line) + 1
    return boxes


def marked(picture: bytes, plain: bytes) -> list[Box]:
    """Return the boxes by which two pictures differ, in points from the bottom left, from the top down."""
    with Image.open(io.BytesIO(picture)) as one, Image.open(io.BytesIO(plain)) as other:
        assert one.size == other.size
        difference = ImageChops.difference(one, other).convert("L").point(lambda value: 255 if value else 0)
    boxes, height = [], difference.height
    rows = [bool(difference.crop((0, y, difference.width, y + 1)).getbbox()) for y in range(height)]
    y = 0
    while True in rows[y:]:
        top = rows.index(True, y)
        y = rows.index(False, top)
        left, _, right, _ = difference.crop((0, top, difference.width, y)).getbbox() or (0, 0, 0, 0)
        boxes.append((left / 2, (height - y) / 2, right / 2, (height - top) / 2))
    return boxes


@pytest.fixture
async def taker(
    database: Database, counter: ModelTokenCounter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Uploads]:
    monkeypatch.setattr(parsing, "_is_harmless", lambda _: True)  # parsed in this process, which is quicker
    taker = Uploads(database, HashingEmbedder(), counter, Settings(home=tmp_path / "home"))
    yield taker
    await taker.close()
    page_image._pictures.kept.clear()
    page_image._pictures.size = 0


async def uploaded(taker: Uploads, database: Database, content: bytes, principal: Principal = ANN) -> tuple[UUID, str]:
    """Upload a PDF; return its document's id and stored text."""
    job = await taker.begin(principal, [Upload("bridge.pdf", content)])
    while job.state == "running":
        await asyncio.sleep(0.05)
        job = await taker.job(principal, job.id)
    [file] = job.files
    assert file.document_id is not None, file.reason
    async with database.session(principal) as connection:
        return file.document_id, await document_text(connection, file.document_id)


async def test_the_cited_characters_are_marked_and_nothing_else(taker: Uploads, database: Database) -> None:
    document, text = await uploaded(taker, database, pdf(LINES))
    plain = await drawn(database, ANN, document, 1, 1, 0, 0)
    for words in (
        "opened in 1932", "It is painted grey, and nobody remembers why.", "A car pays 4 euros in each direction.",
        "free", " ".join(LINES),
    ):  # fmt: skip
        start = text.index(words)
        boxes = marked(await drawn(database, ANN, document, 1, None, start, start + len(words)), plain)
        wanted = place_of(words)
        assert len(boxes) == len(wanted)
        for box, (left, bottom, right, top) in zip(boxes, wanted, strict=True):
            assert box == pytest.approx((left - 1.5, bottom - 2, right + 1.5, top + 2), abs=2.5), words


async def test_a_line_that_holds_what_answers_may_not_show_is_painted_over(taker: Uploads, database: Database) -> None:
    document, _ = await uploaded(taker, database, pdf(("The toll is paid by", "card 4111 1111 1111 1111 only.", "So.")))
    everything = Screen(CardFinder(), {"card": "allow"})
    plain = await page_image.page_image(database, ANN, document, 1, 1, 0, 0, everything)
    [box] = marked(await drawn(database, ANN, document, 1, 1, 0, 0), plain)
    assert box[0] < LEFT < box[2] and box[1] < TOPS[1] < box[3]
    assert box[2] - box[0] > stringWidth("card 4111 1111 1111 1111 only.", FONT, SIZE) - 3


async def test_of_a_span_over_two_pages_each_page_has_its_part(taker: Uploads, database: Database) -> None:
    document, text = await uploaded(taker, database, pdf(LINES[:1], LINES[1:]))
    assert "and nobody" in " ".join(text.split())
    start, end = text.index("It is painted"), text.index(" A car")
    first = await drawn(database, ANN, document, 1, None, start, end)
    assert first == await drawn(database, ANN, document, 1, 1, start, end)
    [box] = marked(first, await drawn(database, ANN, document, 1, 1, 0, 0))
    assert box[0] == pytest.approx(place_of("It is painted")[0][0] - 1.5, abs=2)
    second = await drawn(database, ANN, document, 1, 2, start, end)
    [box] = marked(second, await drawn(database, ANN, document, 1, 2, 0, 0))
    assert box[2] == pytest.approx(LEFT + stringWidth("nobody remembers why.", FONT, SIZE) + 1.5, abs=2)


def _turned(page: Any) -> None:
    page.set_rotation(90)


def _cut(page: Any) -> None:
    page.set_cropbox(50, 600, 550, 800)


@pytest.mark.parametrize(("change", "size"), [(_turned, (1684, 1190)), (_cut, (1000, 400))])
async def test_marks_are_in_place_on_pages_that_are_turned_or_cut(
    taker: Uploads, database: Database, change: Callable[[Any], None], size: tuple[int, int]
) -> None:
    document, text = await uploaded(taker, database, pdf(LINES, change=change))
    start = text.index("free of charge")
    picture = await drawn(database, ANN, document, 1, 1, start, start + len("free of charge"))
    with Image.open(io.BytesIO(picture)) as image:
        assert image.size == size
    boxes = marked(picture, await drawn(database, ANN, document, 1, 1, 0, 0))
    left, bottom, right, top = place_of("free of charge")[0]
    turned, cut = (bottom, PAGE[0] - right, top, PAGE[0] - left), (left - 50, bottom - 600, right - 50, top - 600)
    expected = turned if change is _turned else cut
    [box] = boxes
    assert box == pytest.approx(expected, abs=4)


async def test_a_picture_is_for_whoever_may_see_the_document_now_and_quick_the_second_time(
    taker: Uploads, database: Database
) -> None:
    document, _ = await uploaded(taker, database, pdf(LINES))
    picture = await drawn(database, ANN, document, 1, 1, 0, 10)
    for stranger in (BOB, Principal("other", "ann")):
        with pytest.raises(NotFound):
            await drawn(database, stranger, document, 1, 1, 0, 10)
    await set_document_access(database, ANN, document, ["user:bob"])
    started = time.perf_counter()
    assert await drawn(database, BOB, document, 1, 1, 0, 10) == picture
    assert time.perf_counter() - started < 0.3
    await set_document_access(database, ANN, document, [])
    with pytest.raises(NotFound):
        await drawn(database, BOB, document, 1, 1, 0, 10)
    for wrong in ((document, 2, 1), (document, 1, 2), (UUID(int=0), 1, 1)):
        with pytest.raises(NotFound):
            await drawn(database, ANN, *wrong, 0, 10)


async def test_pages_of_a_file_on_disk_are_drawn_while_it_is_the_one_that_was_read(
    database: Database, counter: ModelTokenCounter, local: Principal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsing, "_is_harmless", lambda _: True)
    library = Library(database, HashingEmbedder(), counter, local, tmp_path / "library")
    path = library.folder / "bridge.pdf"
    path.write_bytes(pdf(LINES))
    await library.read_in()
    async with database.session(local) as connection:
        row = await (await connection.execute("select id from documents")).fetchone()
    assert row is not None
    assert (await drawn(database, BOB, row[0], 1, 1, 4, 11)).startswith(b"\x89PNG")
    path.write_bytes(pdf(LINES[:1]))
    with pytest.raises(NotFound, match="upload it once more"):
        await drawn(database, BOB, row[0], 1, 1, 0, 12)
    path.unlink()
    with pytest.raises(NotFound, match=re.escape("bridge.pdf")):
        await drawn(database, BOB, row[0], 1, 1, 0, 12)


@pytest.fixture
def drawer() -> Iterator[PageDrawer]:
    made = PageDrawer()
    yield made
    made.close()


def popen(program: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", program], cwd=page_drawer._ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


def test_what_cannot_be_drawn_is_told_by_name_and_the_next_page_is_drawn(drawer: PageDrawer) -> None:
    good = pdf(LINES)
    for broken, page in ((b"%PDF-1.4 nothing", 1), (good[: len(good) // 2], 1), (good, 7), (b"", 1)):
        with pytest.raises(UnreadableDocument, match=rf"Page {page} of plan\.pdf"):
            drawer.draw(broken, page, [], [], "plan.pdf")
    assert drawer.draw(good, 1, [], [], "plan.pdf").startswith(b"\x89PNG")


def test_a_process_that_was_killed_is_replaced(drawer: PageDrawer) -> None:
    drawer.draw(pdf(LINES), 1, [], [], "plan.pdf")
    first = drawer._process
    assert first is not None
    os.kill(first.pid, 9)
    first.wait()
    assert drawer.draw(pdf(LINES), 1, [], [], "plan.pdf").startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("instead", "constant"),
    [("lambda *_: time.sleep(60)", "DRAW_SECONDS = 1"), ("lambda *_: bytes(2_000_000_000)", "SCALE = 2"),
     ("lambda *_: os.abort()", "SCALE = 2")],
)  # fmt: skip
def test_a_pdf_that_hangs_devours_or_crashes_costs_one_picture(
    drawer: PageDrawer, monkeypatch: pytest.MonkeyPatch, instead: str, constant: str
) -> None:
    program = f"import os, time; from tools import page_worker as w; w.draw_page = {instead}; w.{constant}; w.main()"

    def started(self: PageDrawer) -> subprocess.Popen[bytes]:
        return popen(program)

    with monkeypatch.context() as patch:
        patch.setattr(PageDrawer, "_started", started)
        begun = time.monotonic()
        with pytest.raises(UnreadableDocument, match="too much time or memory"):
            drawer.draw(b"x", 1, [], [], "plan.pdf")
        assert time.monotonic() - begun < 5
    assert drawer.draw(pdf(LINES), 1, [], [], "plan.pdf").startswith(b"\x89PNG")


def test_an_idle_process_ends_and_the_next_page_starts_another(
    drawer: PageDrawer, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "from tools import page_worker as w; w.IDLE_SECONDS = 0.0; w.main()"

    def started(self: PageDrawer) -> subprocess.Popen[bytes]:
        monkeypatch.undo()
        process = popen(program)
        process.wait()
        return process

    monkeypatch.setattr(PageDrawer, "_started", started)
    drawer._process = drawer._started()
    assert drawer.draw(pdf(LINES), 1, [], [], "plan.pdf").startswith(b"\x89PNG")


def test_a_poster_is_drawn_smaller() -> None:
    written = io.BytesIO()
    canvas = Canvas(written, pagesize=(14_000, 7_000))
    canvas.drawString(100, 100, "A poster")
    canvas.save()
    with Image.open(io.BytesIO(page_worker.draw_page(written.getvalue(), 1, [], []))) as image:
        assert image.size == (page_worker.MOST_PIXELS, page_worker.MOST_PIXELS // 2)


def test_where_the_page_says_something_else_the_share_of_the_line_is_marked() -> None:
    class Nothing:
        def count_chars(self) -> int:
            return 0

    box = (100.0, 10.0, 200.0, 20.0)
    assert mark_boxes(Nothing(), [CitedLine(box, "0123456789", 2, 5)]) == [(120.0, 10.0, 150.0, 20.0)]
    assert mark_boxes(Nothing(), [CitedLine(box, "אבגדהוזחטי", 0, 5)]) == [(150.0, 10.0, 200.0, 20.0)]
    assert mark_boxes(Nothing(), [CitedLine(box, "0123456789", 0, 10)]) == [box]
