"""A real browser before the real page: Chromium of the system, driven by Playwright, and the page as a process."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

ROOT = Path(__file__).parents[1]
PHONE: ViewportSize = {"width": 375, "height": 740}
DESK: ViewportSize = {"width": 1280, "height": 860}
FIRST_QUESTION = "How many days of annual leave are there in the second year?"

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Nothing but the page may use the network or the processor; a sandbox is not to be had as root.
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def chromium() -> str | None:
    """Return the path of an installed Chromium, None where there is none."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


@contextmanager
def open_browser(executable: str) -> Iterator[Browser]:
    """Start a browser without a window; end it with all its pages."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def served_page(settings: Mapping[str, str], log: Path, *, seconds: float = 120.0) -> Iterator[str]:
    """Serve the page by `footnote serve` under ``settings`` (variables); yield its address once it answers.

    Raises `RuntimeError` with the end of its ``log`` if it does not start within so many ``seconds``.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = [f"{name}={value}" for name, value in settings.items()]
    command = [
        "env",
        *variables,
        sys.executable,
        "-c",
        "from cli.main import main; main()",
        "serve",
        "--port",
        str(port),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address, process, log, seconds)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(address: str, process: subprocess.Popen[Any], log: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(address, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError(f"The page did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-3000:]}")


def open_page(browser: Browser, address: str, *, dark: bool = False, phone: bool = False) -> Page:
    """Open the page in a context of its own, in light or dark, on a desk or a phone, and wait until it is usable."""
    return open_tab(open_context(browser, dark=dark, phone=phone), address)


def open_context(browser: Browser, *, dark: bool = False, phone: bool = False) -> BrowserContext:
    """Return a browser as someone new has it, in light or dark, on a desk or a phone."""
    return browser.new_context(
        color_scheme="dark" if dark else "light",
        viewport=PHONE if phone else DESK,
        has_touch=phone,
        accept_downloads=True,
    )


def open_tab(context: BrowserContext, address: str) -> Page:
    """Open the page in a tab, and wait until it is usable."""
    page = context.new_page()
    page.goto(address)
    page.get_by_role("textbox", name="Your question").wait_for()
    return page


@contextmanager
def page_over_samples(browser: Browser) -> Iterator[str]:
    """Serve the page in a folder of its own; yield its address once it has read the sample documents in."""
    with tempfile.TemporaryDirectory(prefix="footnote-page-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the embedded server runs as another user
        with served_page({"FOOTNOTE_HOME": str(folder / "home")}, folder / "log") as address:
            first = open_page(browser, address)
            first.locator(".fn-example").first.wait_for(timeout=120_000)
            first.context.close()
            yield address
