"""Who a request is from: keys, their scopes, and that what is another's does not exist."""

from __future__ import annotations

import logging
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.server.conftest import QUESTION, Api, eventually

ROUTES = [
    ("POST", "/v1/ask"),
    ("POST", "/v1/ask/stream"),
    ("POST", "/v1/search"),
    ("POST", "/v1/documents"),
    ("GET", "/v1/documents"),
    ("GET", "/v1/documents/{document}"),
    ("GET", "/v1/documents/{document}/text"),
    ("DELETE", "/v1/documents/{document}"),
    ("PUT", "/v1/documents/{document}/access"),
    ("GET", "/v1/jobs"),
    ("GET", "/v1/jobs/{job}"),
    ("GET", "/v1/conversations"),
    ("POST", "/v1/conversations"),
    ("GET", "/v1/conversations/{conversation}"),
    ("PATCH", "/v1/conversations/{conversation}"),
    ("DELETE", "/v1/conversations/{conversation}"),
    ("GET", "/v1/conversations/{conversation}/export"),
    ("GET", "/v1/receipts/{receipt}"),
    ("POST", "/v1/receipts/{receipt}/verify"),
    ("POST", "/v1/feedback"),
    ("GET", "/v1/feedback"),
]
OF_ONE = [(method, path) for method, path in ROUTES if "{" in path]
BODIES: dict[str, Any] = {"PUT": {"access": ["*"]}, "PATCH": {"title": "Mine now"}}


@pytest.fixture(scope="module")
def of_ada(api: Api) -> dict[str, str]:
    """One of each thing that only Ada may see."""
    with api.as_user("ada") as ada:
        sent = ada.post("/v1/documents", files={"files": ("diary.txt", b"The diary says that the cat is called Momo.")})
        job = eventually(lambda: _done(ada, sent.json()["id"]))
        conversation = ada.post("/v1/conversations", json={"title": "Private"}).json()["id"]
        asked = {"question": "What is the cat called?", "prose": False, "conversation": conversation}
        answer = ada.post("/v1/ask", json=asked).json()
        assert "Momo" in answer["answer"]
    return {
        "document": job["files"][0]["document_id"],
        "job": job["id"],
        "conversation": conversation,
        "receipt": answer["receipt"],
    }


def _done(client: httpx.Client, job: str) -> Any:
    found = client.get(f"/v1/jobs/{job}").json()
    return found if found["state"] == "done" else None


def test_the_routes_here_are_all_there_are(api: Api) -> None:
    paths = httpx.get(f"{api.url}/openapi.json").json()["paths"]
    found = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    others = {
        route for route in found if not route[1].startswith("/v1/") or route[1].startswith(("/v1/chat", "/v1/models"))
    }
    assert found - others == set(ROUTES)


@pytest.mark.parametrize(("method", "path"), OF_ONE)
def test_what_is_anothers_is_not_there(
    ben: httpx.Client, ada: httpx.Client, of_ada: dict[str, str], method: str, path: str
) -> None:
    refused = ben.request(method, path.format(**of_ada), json=BODIES.get(method))
    assert (refused.status_code, refused.json()["type"]) == (404, "urn:footnote:problem:not-found")
    missing = {name: str(uuid4()) for name in of_ada}
    nowhere = ben.request(method, path.format(**missing), json=BODIES.get(method))
    # Word for word as if it did not exist, but for the id that was asked for.
    hidden = refused.json()["detail"]
    for name, identity in of_ada.items():
        hidden = hidden.replace(identity, missing[name])
    assert hidden == nowhere.json()["detail"]
    assert ada.get("/v1/conversations/" + of_ada["conversation"]).json()["conversation"]["title"] == "Private"


def test_another_can_neither_ask_in_a_conversation_nor_rate_its_answers(
    ben: httpx.Client, of_ada: dict[str, str]
) -> None:
    for path in ("/v1/ask", "/v1/ask/stream"):
        asked = ben.post(path, json={"question": QUESTION, "conversation": of_ada["conversation"]})
        assert asked.status_code == 404
    assert ben.post("/v1/feedback", json={"receipt": of_ada["receipt"], "thumb": "up"}).status_code == 404


def test_lists_and_searches_hold_ones_own_only(ben: httpx.Client, of_ada: dict[str, str]) -> None:
    seen = "".join(ben.get(f"/v1/{what}").text for what in ("documents", "jobs", "conversations", "feedback"))
    assert not any(identity in seen for identity in of_ada.values())
    assert "Momo" not in ben.post("/v1/search", json={"question": "diary cat Momo"}).text
    named = [f"document={of_ada['document']}"]
    assert "Momo" not in ben.post("/v1/search", json={"question": "cat", "filters": named}).text


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_nothing_is_answered_without_a_good_key(api: Api, of_ada: dict[str, str], method: str, path: str) -> None:
    place = api.url + path.format(**of_ada)
    for given in ({}, {"Authorization": f"Bearer {api.keys['gone']}"}, {"Authorization": f"Basic {api.keys['ada']}"}):
        refused = httpx.request(method, place, headers=given)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert refused.json()["type"] == "urn:footnote:problem:not-authenticated"


@pytest.mark.parametrize(
    ("method", "path"),
    [(method, path) for method, path in ROUTES if "jobs" in path or (method != "GET" and "documents" in path)],
)
def test_a_key_for_asking_does_not_write(reader: httpx.Client, of_ada: dict[str, str], method: str, path: str) -> None:
    files = {"files": ("x.txt", b"text")} if (method, path) == ("POST", "/v1/documents") else None
    refused = reader.request(method, path.format(**of_ada), json=BODIES.get(method), files=files)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:footnote:problem:missing-scope")


def test_a_revoked_key_ends_at_once(api: Api) -> None:
    with api.as_user("gone") as client:
        assert client.get("/v1/documents").status_code == 401


def test_wrong_keys_do_not_lock_good_ones_out(api: Api, ada: httpx.Client) -> None:
    wrong = {"Authorization": "Bearer fn_" + "A" * 64}
    assert {httpx.get(f"{api.url}/v1/documents", headers=wrong).status_code for _ in range(40)} == {401}
    assert ada.get("/v1/documents").status_code == 200


def test_no_log_line_holds_a_key_a_question_or_a_document(
    api: Api, ada: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        asked = {"question": "What is the cat called, by chance?", "prose": False}
        request = ada.post("/v1/ask", json=asked).headers["x-request-id"]
        ada.get("/v1/documents", params={"collection": "chance"})
        httpx.get(f"{api.url}/v1/documents", headers={"Authorization": "Bearer fn_wrong-key"})
    ours = [record for record in caplog.records if record.name.startswith(("footnote", "uvicorn.error"))]
    told = "\n".join(f"{record.getMessage()} {vars(record)}" for record in ours)
    assert "/v1/ask" in [getattr(record, "route", None) for record in ours]
    assert not [word for word in (api.keys["ada"][3:], "wrong-key", "by chance", "chance", "Momo") if word in told]
    assert request


def test_a_request_id_is_taken_over_if_it_is_a_plain_word(api: Api) -> None:
    assert httpx.get(f"{api.url}/healthz", headers={"X-Request-Id": "order-66"}).headers["x-request-id"] == "order-66"
    for unusable in ("two words", "x" * 65, "<b>"):
        given = httpx.get(f"{api.url}/healthz", headers={"X-Request-Id": unusable}).headers["x-request-id"]
        assert len(given) == 32 and given.isalnum()
