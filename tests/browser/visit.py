"""A reader before the page: what they do, what they see, and what the browser complained of meanwhile."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Download, Locator, Page, Request, Response, expect

MILLISECONDS = 20_000  # that anything here may take


@dataclass
class Visit:
    """One tab. ``problems`` are console errors, failed requests and scripts that died: a good visit has none."""

    page: Page
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(MILLISECONDS)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.problems.append(f"script died: {error}"))
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.problems.append(f"console: {message.text}")

    def _failed(self, request: Request) -> None:
        if "ERR_ABORTED" not in (request.failure or ""):  # an event stream that the page itself closed
            self.problems.append(f"failed: {request.method} {request.url} {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.problems.append(f"{response.status}: {response.request.method} {response.url}")

    @property
    def box(self) -> Locator:
        return self.page.get_by_role("textbox", name="Your question")

    @property
    def turn(self) -> Locator:
        """The last question with its answer."""
        return self.page.locator(".fn-turn[data-last]")

    def submit(self, question: str) -> None:
        self.box.fill(question)
        self.box.press("Enter")

    def ask(self, question: str) -> Locator:
        """Ask, wait for the whole answer, and return its turn."""
        self.submit(question)
        answered = self.page.locator(".fn-turn[data-last][data-state='done']", has_text=question)
        answered.wait_for()
        return answered

    def said(self, turn: Locator) -> str:
        """What an answer says, without its marks."""
        return " ".join(turn.locator(".fn-text").all_inner_texts())

    def view(self, name: str) -> None:
        """Go to another part of the page."""
        tab = self.page.get_by_role("tab", name=name)
        if not tab.is_visible():  # where there is room for one only
            self.page.get_by_role("button", name="More tabs").click()
            tab = self.page.locator(".overflow-dropdown").get_by_role("button", name=name)
        tab.click()

    def cited(self, chip: Locator) -> dict[str, Any]:
        """Where a footnote points, as the page knows it."""
        place: dict[str, Any] = json.loads(chip.get_attribute("data-cite") or "")
        return place

    def upload(self, *files: Path) -> Locator:
        """Drop files, wait until they are read in or refused, and return how it went."""
        self.view("Documents")
        self.page.locator("#fn-upload input[type=file]").set_input_files(list(files))
        job = self.page.locator(".fn-job:not([data-state=running])", has_text=files[-1].name)
        job.wait_for()
        return job

    def open_document(self, title: str) -> Locator:
        """Open a document of the list; return its panel."""
        self.view("Documents")
        self.page.locator("#fn-document-list").get_by_role("button", name=title).click()
        panel = self.page.locator("#fn-document")
        expect(panel.locator(".fn-facts-title")).to_have_text(title)
        return panel

    def delete_document(self, title: str) -> None:
        panel = self.open_document(title)
        panel.get_by_role("button", name="Delete…").click()
        panel.get_by_role("button", name="Delete for good").click()
        expect(self.page.locator("#fn-document-list").get_by_role("button", name=title)).to_have_count(0)

    def downloaded(self, button: Locator) -> str:
        """Press what gives a file; return its text."""
        with self.page.expect_download() as waiting:
            button.click()
        download: Download = waiting.value
        return Path(download.path()).read_text(encoding="utf-8")

    def is_too_wide(self) -> bool:
        """Whether anything makes the page scroll sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
