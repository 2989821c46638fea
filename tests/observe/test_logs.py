from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
import structlog

from graph.builder import Parts
from observe.logs import describe, logged_with, set_up_logging
from settings import Settings
from state.errors import InvalidQuestion, StoreUnavailable
from tests.flow.conftest import PRINCIPAL, Fakes
from tests.observe.conftest import application

log = logging.getLogger("footnote.tests")


Told = Callable[[], str]


@pytest.fixture(autouse=True)
def told(capsys: pytest.CaptureFixture[str]) -> Iterator[Told]:
    """What was logged since it was last asked for; afterwards loggers are as before."""
    loggers = [logging.getLogger(name) for name in (None, "footnote", "uvicorn", "langgraph_api")]
    before = [(logger, logger.level, list(logger.handlers)) for logger in loggers]
    yield lambda: capsys.readouterr().err
    logging.captureWarnings(False)
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def as_json(level: str = "info") -> None:
    set_up_logging(Settings.model_validate({"log_format": "json", "log_level": level}))


def test_a_line_has_time_level_logger_and_the_fields_given(told: Told) -> None:
    as_json()
    log.info("question", extra={"route": "hybrid", "seconds": 0.5})
    [line] = lines(told())
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "question", "level": "info", "logger": "footnote.tests", "route": "hybrid", "seconds": 0.5,
    }  # fmt: skip


async def test_request_and_thread_follow_the_work_into_tasks_and_threads(told: Told) -> None:
    as_json()

    async def work(name: str) -> None:
        with logged_with(request_id=name, thread_id=None):
            await asyncio.sleep(0)
            await asyncio.to_thread(log.info, name)

    await asyncio.gather(work("one"), work("two"))
    log.info("outside")
    written = lines(told())
    assert {line["event"]: line.get("request_id") for line in written} == {"one": "one", "two": "two", "outside": None}
    assert all("thread_id" not in line for line in written)


async def test_a_question_leaves_one_line_without_its_words(parts: Parts, fakes: Fakes, told: Told) -> None:
    as_json()
    thread = uuid4()
    with logged_with(request_id="r-1"):
        answer = await application(parts).ask(PRINCIPAL, "When did the bridge open?", thread=thread)
    text = told()
    [line] = lines(text)
    assert (line["event"], line["request_id"], line["thread_id"]) == ("question", "r-1", str(thread))
    assert (line["outcome"], line["route"], line["receipt"]) == ("answered", "hybrid", str(answer.receipt))
    assert (line["input_tokens"], line["output_tokens"], line["sentences"]) == (0, 0, 1)
    assert "bridge" not in text and "in 1932" not in text and PRINCIPAL.user not in text


async def test_a_question_that_fails_leaves_the_name_of_the_error(parts: Parts, fakes: Fakes, told: Told) -> None:
    as_json()
    fakes.broken["lexical"] = StoreUnavailable("The database on secret-host is gone.")
    with pytest.raises(StoreUnavailable):
        await application(parts).ask(PRINCIPAL, "When did the bridge open?")
    text = told()
    [line] = lines(text)
    assert (line["outcome"], line["error"]) == ("failed", "StoreUnavailable")
    assert "secret-host" not in text


def test_terminals_get_text_and_pipes_json(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up_logging(Settings(log_format="auto"))
    log.info("piped")
    assert lines(told())[0]["event"] == "piped"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    set_up_logging(Settings(log_format="auto"))
    log.info("typed", extra={"route": "hybrid"})
    text = told()
    assert "typed" in text and "route" in text and "{" not in text


def test_libraries_are_heard_from_warnings_on_at_any_level(told: Told) -> None:
    as_json("debug")
    logging.getLogger("openai._base_client").debug("Request options: %s", {"messages": "the whole prompt"})
    logging.getLogger("httpx").info("HTTP Request: GET http://x/?q=secret")
    logging.getLogger("psycopg.pool").warning("error connecting")
    log.debug("ours")
    assert [line["event"] for line in lines(told())] == ["error connecting", "ours"]


def test_what_slipped_into_a_line_is_hidden(told: Told) -> None:
    as_json()
    log.warning("refused %s of %s", "fn_3f9aKq0Zt7xYbW2mLd5s", "ann@example.org", extra={"question": "Was Ann fired?"})
    text = told()
    assert "fn_3f9" not in text and "ann@" not in text and "fired" not in text
    assert lines(text)[0]["event"] == "refused [hidden] of [hidden]"


def test_uvicorns_lines_lose_addresses_and_queries(told: Told) -> None:
    as_json()
    access = logging.getLogger("uvicorn.access")
    access.info('%s - "%s %s HTTP/%s" %d', "203.0.113.9:5000", "GET", "/v1/search?q=was+ann+fired", "1.1", 200)
    text = told()
    [line] = lines(text)
    assert (line["method"], line["path"], line["status"]) == ("GET", "/v1/search", 200)
    assert "203.0" not in text and "fired" not in text


def test_langgraphs_own_lines_go_the_same_way(told: Told) -> None:
    """Its server logs by structlog, through the standard library."""
    as_json()
    processors: list[Any] = [structlog.stdlib.add_log_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter]
    logger = structlog.wrap_logger(
        logging.getLogger("langgraph_api.server"), processors, wrapper_class=structlog.stdlib.BoundLogger
    )
    logger.info("POST /threads 200 5ms", path="/threads", query_string="q=ann", req_header={"x": "fn_3f9aKq0Zt7xYb"})
    text = told()
    assert lines(text)[0]["path"] == "/threads"
    assert "ann" not in text and "fn_3f9" not in text


def test_an_error_is_told_by_its_kind_and_place_not_by_its_words(told: Told) -> None:
    as_json()
    try:
        try:
            int("Was Ann fired?")
        except ValueError as error:
            raise StoreUnavailable("The database is down: start it.") from error
    except StoreUnavailable:
        log.exception("it failed")
    text = told()
    [line] = lines(text)
    assert "fired" not in text
    assert line["exception"].startswith("StoreUnavailable: The database is down: start it. (")
    assert ", caused by ValueError (" in line["exception"]
    assert "test_an_error_is_told" in line["exception"]


def test_describing_an_error_that_was_never_raised() -> None:
    assert describe(InvalidQuestion("Too long.")) == "InvalidQuestion: Too long. ()"


def test_setting_up_twice_gives_one_line(told: Told) -> None:
    as_json()
    as_json()
    log.info("once")
    assert len(lines(told())) == 1


def test_a_value_that_is_no_json_does_not_lose_the_line(told: Told) -> None:
    as_json()
    log.info("odd", extra={"at": {1: object()}, "more": {object()}})
    assert lines(told())[0]["event"] == "odd"
