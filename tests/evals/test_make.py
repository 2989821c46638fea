from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from evals.make import Made, Wanted, make_questions
from evals.making.clauses import clause, written
from evals.making.statements import questions_of
from evals.sets.questions import read_question_sets
from evals.sets.rows import UnreadableSet
from graph.app import open_application
from models.chat import open_chat
from settings import Settings
from state.answer import quote_hash
from state.errors import NotFound
from state.principal import Principal, local_principal
from store.database import Database
from store.documents import document_text, list_documents
from tests.chat_server import Reply, chat_server
from tests.cli.conftest import footnote
from tests.support import Library

__all__ = ["footnote"]

WRITTEN = written(
    ["The full-time staff, and Members of the Harbour Club, pay a fee for parcels and calibration at the club."]
)
FERRY = """# Ferry guide

## Tickets

A day ticket for the Skerry ferry costs €12.50. Bicycles travel free of charge.

## Timetable

The Skerry ferry leaves Port Merrin at 07:30. The crossing takes 45 minutes. It sails every day.

## Groups

Groups of the Skerry ferry get a discount. “Group” means ten or more people who travel together.
"""
CLUB = """# Harbour club rules

## Membership

The harbour club was founded in 1921. Members of the harbour club pay 80 euros a year.

## Boats

| Boat | Length in metres | Berth |
|---|---|---|
| HC-12 | 9.5 | north pier |
| HC-17 | 11.2 | south pier |
"""


@pytest.mark.parametrize(
    ("statement", "question", "answer"),
    [
        ("Full-time staff have 27 days of paid leave in a calendar year.",
         "How many days of paid leave do full-time staff have in a calendar year?", "27 days"),
        ("A day ticket costs €12.50.", "How much does a day ticket cost?", "€12.50"),
        ("The refund is paid within 5 working days after the return.",
         "Within how many working days is the refund paid after the return?", "5 working days"),
        ("Calibration records are kept for ten years, because authorities ask for them.",
         "For how many years are calibration records kept?", "ten years"),
        ("The delivery to Norway takes six days.", "How long does the delivery to Norway take?", "six days"),
        ("The station sends a reading every 10 seconds.", "How often does the station send a reading?",
         "every 10 seconds"),
        ("Harbour Care was founded in 2009 by two sailors.", "When was Harbour Care founded by two sailors?", "2009"),
        ("On 3 May 2026, the quay was closed for boats.", "When was the quay closed for boats?", "3 May 2026"),
        ("The quay was designed by Aoife Brennan.", "Who was the quay designed by?", "Aoife Brennan"),
        ("ERR-23 means that the hub has no contact.", "What does ERR-23 mean?", "the hub has no contact"),
        ("“Gust” means the highest wind speed of an hour.", "What does “Gust” mean?",
         "the highest wind speed of an hour"),
        ("The starter kit contains four batteries and a key.", "What does the starter kit contain?",
         "four batteries and a key"),
        ("118 stations were calibrated in February.", "How many stations were calibrated in February?", "118 stations"),
    ],
)  # fmt: skip
def test_a_statement_becomes_a_question_with_its_own_words_as_the_answer(
    statement: str, question: str, answer: str
) -> None:
    made = {asked.question: asked.answers for asked in questions_of(statement, WRITTEN)}
    assert answer in made.get(question, ()), made


@pytest.mark.parametrize(
    "statement",
    [
        "If you are ill, tell your lead within 3 days.",
        "It takes 45 minutes.",
        "The lock does not fit doors of 70 mm.",
        "Hand in the report within 30 days.",
        "Using your own car is paid at €0.38 per kilometre.",
        "The price rose from 1,240 euros to 1,290 euros.",
        "The hub, which serves eight stations, has no battery.",
        "Which station is right for me?",
    ],
)
def test_what_is_not_understood_becomes_no_question(statement: str) -> None:
    assert list(questions_of(statement, WRITTEN)) == []


def test_a_first_word_keeps_its_capital_only_if_it_is_a_name() -> None:
    known = written(["We went to Skerry by ferry with all parcels."])
    statements = ("Parcels arrive in May.", "Skerry has a pier.", "The Hub has two ports.")
    subjects = [found.subject for text in statements if (found := clause(text, known))]
    assert subjects == ["parcels", "Skerry", "the Hub"]


@pytest.fixture
def make(library: Library, database: Database, settings_of_tests: Settings) -> Callable[..., Made]:
    """Make questions about two documents, in the test's own database."""
    library.write(ferry=FERRY, club=CLUB)

    @asynccontextmanager
    async def connect(_: Settings) -> Any:
        yield database

    async def made(wanted: Wanted | None = None, principal: Principal | None = None, **changes: Any) -> Made:
        await library.read_in("harbour")
        configuration = settings_of_tests.model_copy(update=changes)
        chat, _ = open_chat(configuration)
        async with open_application(configuration, connect) as application:
            who = principal or local_principal(configuration)
            return await make_questions(application, who, wanted or Wanted(collection="harbour"), chat)

    return made  # type: ignore[return-value]


async def test_questions_are_drawn_evenly_with_spans_that_hold_their_answers(make: Any, database: Database) -> None:
    made = await make()
    asked = {row["question"]: row for row in made.rows}
    assert asked["How much does a day ticket for the Skerry ferry cost?"]["answers"] == ["€12.50"]
    assert asked["What is listed under berth for HC-12?"]["answers"] == ["north pier"]
    assert {"number", "table", "heading", "date"} <= {row["class"] for row in made.rows}
    assert made.documents == 2
    first, second = (Path(row["span"]["document"]).name for row in made.rows[:2])
    assert {first, second} == {"club.md", "ferry.md"}
    async with database.session(Principal("local", "local")) as connection:
        documents = {one.source: one.id for one in await list_documents(connection)}
        for row in made.rows:
            span = row["span"]
            quote = (await document_text(connection, documents[span["document"]]))[span["start"] : span["end"]]
            assert quote_hash(quote) == span["sha256"]
            assert any(answer in quote for answer in row["answers"]), row


async def test_the_same_documents_and_seed_give_the_same_file(make: Any) -> None:
    few = Wanted(count=4, unanswerable=2, collection="harbour", seed=3)
    one, same = await make(few), await make(few)
    assert one.rows == same.rows
    assert [row["question"] for row in (await make(Wanted(4, 2, "harbour", 5))).rows] != [
        row["question"] for row in one.rows
    ]


async def test_unanswerable_ones_are_marked_and_name_what_is_nowhere(make: Any) -> None:
    made = await make(Wanted(unanswerable=3, collection="harbour"))
    rows = [row for row in made.rows if row["class"] == "unanswerable"]
    assert rows and all(row["answers"] == [] and "span" not in row for row in rows)
    assert not any("HC-12" in row["question"] or "HC-17" in row["question"] for row in rows if "HC-" in row["question"])


async def test_only_what_its_user_may_see_is_asked_about(make: Any) -> None:
    with pytest.raises(NotFound, match="There is nothing to ask about"):
        await make(principal=Principal("other", "eve"))


async def test_a_model_writes_questions_whose_answers_are_looked_up(make: Any) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        prompt = str(body["messages"][-1]["content"])
        if "day ticket" not in prompt:
            return Reply('{"questions": []}')
        evidence = "A day ticket for the Skerry ferry costs €12.50."
        return Reply(json.dumps({"questions": [
            {"question": "What must I pay to cross to the Skerry and back?", "answer": "€12.50", "evidence": evidence},
            {"question": "What does a week on the ferry cost?", "answer": "€60", "evidence": evidence},
            {"question": "What does the passage say about bicycles on the Skerry ferry?", "answer": "free of charge",
             "evidence": "Bicycles travel free of charge."},
            {"question": "Does a ticket for the Skerry ferry cost €12.50 or more?", "answer": "€12.50",
             "evidence": evidence},
        ]}))  # fmt: skip

    async with chat_server() as server:
        server.decide = answer
        made = await make(
            chat_model="openai:made",
            chat_base_url=server.url,
            chat_api_key=SecretStr("x"),
            wanted=Wanted(5, 0, "harbour"),
        )
        assert [(row["question"], row["answers"]) for row in made.rows] == [
            ("What must I pay to cross to the Skerry and back?", ["€12.50"])
        ]
    assert made.rows[0]["span"]["sha256"] == quote_hash("A day ticket for the Skerry ferry costs €12.50.")
    assert made.left_out == {"does not stand alone": 1, "gives its answer away": 1}
    assert made.usage["model_calls"]


def test_a_made_file_is_read_with_its_spans_and_its_collection(tmp_path: Path) -> None:
    span = {"document": "/a.md", "version": 1, "start": 3, "end": 9, "sha256": "0"}
    row = {"id": "1", "question": "What?", "answers": ["x"], "class": "table", "collection": "harbour", "span": span}
    (tmp_path / "made.jsonl").write_text(json.dumps(row) + "\n")
    (example,) = read_question_sets([tmp_path / "made.jsonl"], with_answers=True)["made"].examples
    assert example.inputs == {"question": "What?", "filters": ["collection=harbour"]}
    assert example.reference["span"] == {"document": "/a.md", "version": 1, "start": 3, "end": 9}
    (tmp_path / "made.jsonl").write_text(json.dumps({**row, "span": {"document": "/a.md", "start": "3"}}) + "\n")
    with pytest.raises(UnreadableSet, match="span of row 1"):
        read_question_sets([tmp_path / "made.jsonl"], with_answers=True)


def test_the_command_says_where_there_is_nothing_to_ask_about(footnote: Any, tmp_path: Path) -> None:
    outcome = footnote("eval", "make", "--collection", "nowhere", "--out", str(tmp_path / "made.jsonl"))
    assert outcome.status == 1
    assert "There is nothing to ask about in the collection 'nowhere'" in outcome.err
    assert not (tmp_path / "made.jsonl").exists()
