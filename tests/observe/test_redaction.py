from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.redaction import HIDDEN, redacted, redacted_fields

KEY = "fn_3f9aKq0Zt7xYbW2mLd5s"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"key {KEY} was refused", KEY),
        (f"x-key={KEY}", KEY),
        ("Authorization: Bearer abc.def-123", "abc.def-123"),
        ("authorization=basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("Bearer%20tok3n.value", "tok3n.value"),
        ("no mailbox ann.o'neil+x@mail.example.co.uk", "ann.o'neil"),
        ("/users?mail=ann%40example.org", "ann"),
        ("paid with 4111 1111 1111 1111 today", "1111"),
        ("paid with 4111-1111-1111-1111", "1111"),
        ("amex 378282246310005.", "378282246310005"),
        ("to DE89 3704 0044 0532 0130 00", "0532"),
        ("IBAN GB82WEST12345698765432", "98765432"),
        ("ssn 078-05-1120", "078-05"),
        ("connecting to postgresql://app:hunter2@db:5432/x", "hunter2"),
        ("GET http://search.example/api?q=who+was+fired&n=3", "fired"),
        ('"GET /v1/search?q=who+was+fired HTTP/1.1"', "fired"),
        ("openai key sk-proj-abcdefghijklmnopqrstuvwx", "sk-proj-abcdefghijkl"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSF"),
        ("password=Tr0ub4dor&3x", "Tr0ub4dor"),
    ],
)
def test_what_opens_doors_or_names_people_is_hidden(text: str, secret: str) -> None:
    assert secret not in redacted(text)
    assert HIDDEN in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "question",
        "The database did not answer within 5 seconds.",
        "receipt 38426c08-3441-41dd-b461-1bc8f93e62c3 of 2026-11-21T19:51:56.973392Z",
        "order 4111 1111 1111 1112 has no check digit of a card",
        "/v1/receipts/{id} in 0.123 s",
        "server.app.create:17 < uvicorn.main:3",
    ],
)
def test_ordinary_messages_stay_as_they_are(text: str) -> None:
    assert redacted(text) == text


def test_fields_that_hold_words_are_hidden_whatever_they_say() -> None:
    nasty = {
        "question": "Was Ann fired?", "query_string": b"q=x", "messages": ["Hello"], "Authorization": "x",
        "document_title": "Letter to Ann", "kwargs": {"a": 1}, "api_key": "short", "body": {"text": "x"},
    }  # fmt: skip
    assert redacted_fields(nasty) == dict.fromkeys(nasty, HIDDEN)


def test_numbers_identifiers_and_nested_values_are_kept() -> None:
    fields = {"input_tokens": 12, "route": "hybrid", "ids": ["a", 1, None], "answer": None, "at": {"path": "/v1/ask"}}
    assert redacted_fields(fields) == fields
    assert redacted_fields({"at": {"question": "x", "list": [f"use {KEY}"]}}) == {
        "at": {"question": HIDDEN, "list": [f"use {HIDDEN}"]}
    }


def test_long_values_are_cut_and_odd_ones_told_by_their_text() -> None:
    class Odd:
        def __str__(self) -> str:
            return f"odd {KEY}"

    cut = redacted_fields({"a": "x " * 5000, "b": Odd(), "c": b"raw"})
    assert len(cut["a"]) < 2010
    assert (cut["b"], cut["c"]) == (f"odd {HIDDEN}", HIDDEN)


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_key_is_found_in_any_surroundings(before: str, after: str) -> None:
    assert KEY not in redacted(f"{before} {KEY} {after}")


@pytest.mark.parametrize("piece", ["fn_", "a@", "4111 ", "Bearer ", "://a:", "/a?", "DE89 ", "1-"])
def test_no_text_makes_it_slow(piece: str) -> None:
    started = time.perf_counter()
    redacted(piece * 20_000)
    assert time.perf_counter() - started < 1.5
