"""Pictures of the page for the documentation: `.venv/bin/python scripts/screenshots.py` writes docs/images/page-*.png.

They are taken of the real page over samples/, in a database of their own that is gone afterwards.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from evals.browser import chromium, open_browser, open_page, page_over_samples  # noqa: E402

IMAGES = ROOT / "docs" / "images"
COMPARISON = "How do the Gannet WX-200 and the Storm Petrel WX-400 differ in wind range and accuracy?"
STEPS = "How do I replace the battery pack of a station?"
RATE = "How much does Fulmar pay per kilometre for my own car, and since when?"


def _ask(page: Page, question: str) -> None:
    box = page.get_by_role("textbox", name="Your question")
    box.fill(question)
    box.press("Enter")
    page.locator(".fn-turn[data-last][data-state=done]", has_text=question).wait_for()


def _first(page: Page) -> None:
    page.locator(".fn-example").first.wait_for()


def _answer(page: Page) -> None:
    _ask(page, COMPARISON)
    _ask(page, RATE)


def _source(page: Page) -> None:
    _ask(page, STEPS)
    page.locator(".fn-chip[data-cite*='\"page\": ']:not([data-cite*='\"page\": null'])").first.click()
    image = page.locator("#fn-panel .fn-picture img")
    image.wait_for()
    image.evaluate("image => image.scrollIntoView({ block: 'center' })")


def _how(page: Page) -> None:
    _ask(page, RATE)
    page.get_by_role("button", name="How this answer was made").click()
    page.locator(".fn-how").wait_for()
    page.locator(".fn-how").evaluate("panel => panel.scrollIntoView({ block: 'start' })")


def _documents(page: Page) -> None:
    page.get_by_role("tab", name="Documents").click()
    page.locator("#fn-document-list").get_by_role("button", name="Product Manual").click()
    page.locator("#fn-document .fn-facts-title").wait_for()


def _phone(page: Page) -> None:
    _ask(page, RATE)


def _unanswered(page: Page) -> None:
    _ask(page, "What was Fulmar's turnover in 2025?")


Scene = Callable[[Page], None]
SCENES: dict[str, tuple[Scene, bool, bool]] = {  # name: what is done first, dark, on a phone
    "page-first": (_first, False, False),
    "page-answer": (_answer, False, False),
    "page-answer-dark": (_answer, True, False),
    "page-source": (_source, False, False),
    "page-how": (_how, False, False),
    "page-no-answer": (_unanswered, False, False),
    "page-documents": (_documents, False, False),
    "page-phone": (_phone, False, True),
}


def _take(browser: Browser, address: str) -> None:
    for name, (scene, dark, phone) in SCENES.items():
        page = open_page(browser, address, dark=dark, phone=phone)
        page.emulate_media(reduced_motion="reduce")
        scene(page)
        page.mouse.move(0, 0)
        page.wait_for_timeout(600)  # for the list of conversations, which follows the answer
        picture = Image.open(BytesIO(page.screenshot()))
        # 256 colours are all that a page has but for edges of letters: a third of the size.
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(IMAGES / f"{name}.png", optimize=True)
        page.context.close()


def main() -> None:
    """Serve the page, and take all pictures."""
    executable = chromium()
    if executable is None:
        sys.exit("No Chromium is installed (apt-get install chromium).")
    with open_browser(executable) as browser, page_over_samples(browser) as address:
        _take(browser, address)


if __name__ == "__main__":
    main()
