from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from evals.answers import Answers
from evals.feedback import NoFeedback, feedback_questions
from evals.runs.evaluation import Conditions
from evals.runs.example import Example
from graph.app import open_application
from graph.application import Application
from settings import Settings
from state.principal import Principal
from store.database import Database
from tests.support import Library

BRIDGE = """# The Harbour Bridge

The bridge opened in 1932 after eight years of work. A car pays 4 euros in each direction. The bridge is painted grey.
"""
LOCAL = Principal("local", "local", can_write=True)


@pytest.fixture
async def application(library: Library, database: Database, settings_of_tests: Settings) -> AsyncIterator[Application]:
    @asynccontextmanager
    async def connect(_: Settings) -> AsyncIterator[Database]:
        yield database

    library.write(bridge=BRIDGE)
    await library.read_in()
    async with open_application(settings_of_tests, connect) as opened:
        yield opened


async def test_thumbs_and_corrections_become_questions_with_right_answers(application: Application) -> None:
    up = await application.ask(LOCAL, "When did the bridge open?")
    wrong = await application.ask(LOCAL, "What does a car pay on the bridge, ann@example.org asks?")
    unsaid = await application.ask(LOCAL, "Which colour is the bridge painted?")
    assert up.receipt and wrong.receipt and unsaid.receipt
    await application.feedback.give(LOCAL, up.receipt, "up")
    await application.feedback.give(LOCAL, wrong.receipt, "down", "That was last year.", "5 euros")
    await application.feedback.give(LOCAL, unsaid.receipt, "down", "No.")
    given = await feedback_questions(application, LOCAL)
    assert given.left_out == {"thumbs down without a correction: nobody said what is right": 1}
    first, second = given.rows
    assert (first["question"], first["verdict"], first["receipt"]) == (
        "When did the bridge open?",
        "up",
        str(up.receipt),
    )
    assert first["answers"] == [claim.text for claim in up.claims]
    assert (second["answers"], second["reason"], second["verdict"]) == (["5 euros"], "That was last year.", "down")
    assert "ann@example.org" not in second["question"] and "[e-mail address hidden]" in second["question"]
    with pytest.raises(NoFeedback, match="no opinion yet"):
        await feedback_questions(application, Principal("local", "ann"))


async def test_a_right_answer_that_is_personal_is_kept_only_if_asked_for(application: Application) -> None:
    answer = await application.ask(LOCAL, "Who looks after the bridge?")
    assert answer.receipt
    await application.feedback.give(LOCAL, answer.receipt, "down", "", "Write to ann@example.org")
    with pytest.raises(NoFeedback):
        await feedback_questions(application, LOCAL)
    (row,) = (await feedback_questions(application, LOCAL, masked=False)).rows
    assert row["answers"] == ["Write to ann@example.org"]


def test_what_was_down_is_right_once_it_holds_the_correction() -> None:
    evaluation = Answers(Conditions())
    example = Example("1", {"question": "?"}, {"answers": ["5 euros"], "verdict": "down"})
    outputs = {
        "sentences": ["A car pays 5 euros."], "quotes": [True], "abstained": False, "places": [], "verdicts": [],
        "whole": {}, "cited": [], "cited_passages": [],
    }  # fmt: skip
    assert evaluation.score(example, outputs)["was down, now right"] == 1.0
    assert evaluation.score(example, {**outputs, "sentences": ["A car pays 4 euros."]})["was down, now right"] == 0.0
