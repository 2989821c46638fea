"""A real browser before the real server: one server for all tests here, a tab of its own for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

pytest.importorskip("playwright", reason="playwright is a development extra")
pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is a development extra")

from playwright.sync_api import Browser, BrowserContext

from evals.browser import chromium, open_browser, open_context, open_page, open_tab, served_page
from store.embedded import ServerAddress, drop_database
from tests.browser.visit import Visit
from tests.support import copy_database

DATABASE = "test_page"
Visiting = Callable[..., Visit]


@pytest.fixture(scope="package")
def executable() -> str:
    found = chromium()
    if found is None:
        pytest.skip("no Chromium is installed (apt-get install chromium)")
    return found


@pytest.fixture(scope="module")
def browser(executable: str) -> Iterator[Browser]:
    """One for each module: an event loop runs as long as it is open, which tests elsewhere would trip over."""
    with open_browser(executable) as opened:
        yield opened


@pytest.fixture(scope="package")
def database_of_page(server: ServerAddress, template: str) -> Iterator[str]:
    """Its connection string as a superuser, who sees everything and can lock it."""
    copy_database(server, template, DATABASE)
    yield server.conninfo(DATABASE, "postgres")
    drop_database(server, DATABASE)


@pytest.fixture(scope="package")
def address(
    executable: str, database_of_page: str, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The page, served over a database that was empty: the first tab saw the samples being read in."""
    settings = {
        "FOOTNOTE_HOME": str(home),
        "FOOTNOTE_DATABASE_NAME": str(conninfo_to_dict(database_of_page)["dbname"]),
        "FOOTNOTE_ALLOW_DOWNLOAD": "0",
        "FOOTNOTE_MAX_FILE_MB": "1",
    }
    with served_page(settings, tmp_path_factory.mktemp("log") / "server.log") as served:
        with open_browser(executable) as first:
            page = open_page(first, served)
            page.get_by_text("reading the sample documents").wait_for(timeout=20_000)
            page.locator(".fn-example").first.wait_for(timeout=60_000)
        yield served


@pytest.fixture(scope="module")
def contexts(browser: Browser) -> Callable[[bool, bool], BrowserContext]:
    """Return a context, dark or not, on a phone or not: kept, so that the page's files come from its cache."""

    @cache
    def context(dark: bool, phone: bool) -> BrowserContext:
        return open_context(browser, dark=dark, phone=phone)

    return context


@pytest.fixture
def visiting(address: str, contexts: Callable[[bool, bool], BrowserContext]) -> Iterator[Visiting]:
    """Open tabs; at the end none of them may have had a problem, and what the browser kept is gone."""
    visits: list[Visit] = []

    def visit(*, dark: bool = False, phone: bool = False, at: str = address) -> Visit:
        visits.append(Visit(open_tab(contexts(dark, phone), at)))
        return visits[-1]

    yield visit
    for one in visits:
        if not one.page.is_closed():
            one.page.evaluate("localStorage.clear()")
            one.page.close()
    assert [problem for one in visits for problem in one.problems] == []


@pytest.fixture
def visit(visiting: Visiting) -> Visit:
    return visiting()


@pytest.fixture
def stored(database_of_page: str) -> Iterator[psycopg.Connection]:
    """The database behind the page."""
    with psycopg.connect(database_of_page, autocommit=True) as connection:
        yield connection
