"""The program that draws pages of PDFs; run with ``python -m tools.page_worker``, requests as input, answers as output.

It is a process of its own because a PDF is anybody's: what crashes pdfium, hangs in it or takes all memory ends this
process, and costs one picture. It ends when its input does, or when nothing has been asked for a while.
"""

from __future__ import annotations

import contextlib
import io
import json
import select
import signal
import sys
from collections.abc import Sequence
from typing import Any, BinaryIO, Final

from tools.page_marks import Box, CitedLine, mark_boxes

SCALE: Final = 2.0
"""Pixels a point."""
MOST_PIXELS: Final = 2600
"""Width or height of a picture; a page as large as a poster is drawn smaller."""
MAX_BYTES: Final = 1_000_000_000
"""Memory that this process may have in all."""
IDLE_SECONDS: Final = 120.0
DRAW_SECONDS: Final = 10
DRAWN, FAILED = b"+", b"-"
_MARK = (255, 226, 84)  # a text marker's yellow: multiplied with the page, so that the words stay black
_INK = (40, 40, 40)
_PADDING = 1.5  # points


def main() -> None:
    """Answer requests: ``length of header``, ``length of PDF`` (4 bytes each), a header in JSON, and the PDF."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    _limit_memory()
    while select.select([requests], [], [], IDLE_SECONDS)[0] and (request := _read(requests)) is not None:
        signal.alarm(DRAW_SECONDS)  # ends this process, however deep in pdfium it hangs
        header, pdf = request
        lines = [CitedLine(tuple(box), text, first, last) for box, text, first, last in header["lines"]]
        try:
            answer = DRAWN + draw_page(pdf, header["page"], lines, header["hidden"])
        except MemoryError:
            raise
        except Exception:
            # pdfium names few of the ways in which a PDF can be broken; the asking process tells that it is.
            answer = FAILED
        answers.write(len(answer).to_bytes(4, "big") + answer)
        answers.flush()
        signal.alarm(0)


def draw_page(pdf: bytes, number: int, lines: list[CitedLine], hidden: Sequence[Box]) -> bytes:
    """Return a page (from 1) of a PDF as PNG, with what is cited of its lines marked and ``hidden`` painted over."""
    import pypdfium2
    from PIL import Image, ImageChops

    with contextlib.closing(pypdfium2.PdfDocument(pdf)) as document, contextlib.closing(document[number - 1]) as page:
        with contextlib.closing(page.get_textpage()) as textpage:
            boxes = mark_boxes(textpage, lines)
        width, height = page.get_size()
        scale = min(SCALE, MOST_PIXELS / max(width, height, 1.0))
        picture = page.render(scale=scale).to_pil().convert("RGB")
        for box in boxes:
            place = _on_picture(page, box, picture.size)
            if place[0] < place[2] and place[1] < place[3]:
                part = picture.crop(place)
                picture.paste(ImageChops.multiply(part, Image.new("RGB", part.size, _MARK)), place)
        for box in hidden:
            picture.paste(_INK, _on_picture(page, box, picture.size))
    written = io.BytesIO()
    picture.save(written, "PNG", compress_level=1)
    return written.getvalue()


def _on_picture(page: Any, box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of a box in pixels; pdfium knows how the page is turned and cut."""
    import ctypes

    import pypdfium2.raw as raw

    corners = []
    for x, y in ((box[0] - _PADDING, box[1] - _PADDING), (box[2] + _PADDING, box[3] + _PADDING)):
        across, down = ctypes.c_int(), ctypes.c_int()
        raw.FPDF_PageToDevice(page, 0, 0, *size, 0, x, y, across, down)
        corners.append((min(max(across.value, 0), size[0]), min(max(down.value, 0), size[1])))
    (x1, y1), (x2, y2) = corners
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def _read(requests: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    lengths = requests.read(8)
    if len(lengths) < 8:
        return None
    header = json.loads(requests.read(int.from_bytes(lengths[:4], "big")))
    return header, requests.read(int.from_bytes(lengths[4:], "big"))


def _limit_memory() -> None:
    import resource

    with contextlib.suppress(ValueError, OSError):  # macOS knows the limit but does not take it
        resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))


if __name__ == "__main__":
    main()
