"""What the routes give to who may have it, and how they refuse."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.server.conftest import BRIDGE, QUESTION, Api, eventually

SENTENCE = "The bridge opened in 1932 after eight years of work."


def ask(client: httpx.Client, question: str = QUESTION, **more: Any) -> httpx.Response:
    return client.post("/v1/ask", json={"question": question, "prose": False, **more})


def upload(client: httpx.Client, name: str, text: str, **form: Any) -> Any:
    """Upload a text; return its job once that has ended."""
    sent = client.post("/v1/documents", files={"files": (name, text.encode())}, data=form)
    assert sent.status_code == 202, sent.text
    return eventually(lambda: _ended(client, sent.json()["id"]))


def _ended(client: httpx.Client, job: str) -> Any:
    now = client.get(f"/v1/jobs/{job}").json()
    return now if now["state"] != "running" else None


def test_an_answer_has_checked_footnotes_and_a_receipt_that_verifies(ada: httpx.Client) -> None:
    answer = ask(ada).json()
    assert answer["answer"] == f"{SENTENCE} [1]"
    [citation] = answer["claims"][0]["citations"]
    text = ada.get(f"/v1/documents/{citation['document_id']}/text").text
    assert text[citation["start"] : citation["end"]] == citation["quote"] == SENTENCE
    receipt = ada.get(f"/v1/receipts/{answer['receipt']}").json()
    assert receipt["asked"] == QUESTION
    assert ada.post(f"/v1/receipts/{answer['receipt']}/verify").json()["holds"] is True


def test_a_chat_model_writes_unless_told_not_to(ada: httpx.Client) -> None:
    assert ask(ada, prose=True, preset="minimal").json()["answer"].startswith("The bridge opened in 1932. [1]")


def test_a_question_within_a_conversation_is_understood_from_it(ada: httpx.Client) -> None:
    conversation = ada.post("/v1/conversations", json={}).json()["id"]
    ask(ada, conversation=conversation)
    ask(ada, "What does a car pay?", conversation=conversation)
    kept = ada.get(f"/v1/conversations/{conversation}").json()
    assert [turn["question"] for turn in kept["turns"]] == [QUESTION, "What does a car pay?"]
    assert kept["conversation"]["title"] == QUESTION


def test_conversations_are_listed_renamed_exported_and_deleted(ada: httpx.Client) -> None:
    info = ada.post("/v1/conversations", json={"title": "Bridges"}).json()
    place = f"/v1/conversations/{info['id']}"
    assert ada.patch(place, json={"title": "Old bridges"}).json()["title"] == "Old bridges"
    assert info["id"] in [one["id"] for one in ada.get("/v1/conversations").json()["conversations"]]
    ask(ada, conversation=info["id"])
    assert ada.get(f"{place}/export").json()["turns"][0]["question"] == QUESTION
    markdown = ada.get(f"{place}/export", params={"format": "markdown"})
    assert markdown.headers["content-type"].startswith("text/markdown")
    assert markdown.text.startswith("# Old bridges\n") and SENTENCE in markdown.text
    assert ada.delete(place).status_code == 204
    assert ada.get(place).status_code == 404


def test_a_conversation_needs_no_body_to_begin(ada: httpx.Client) -> None:
    assert ada.post("/v1/conversations").status_code == 201


def test_a_search_gives_passages_with_their_places(ada: httpx.Client) -> None:
    found = ada.post("/v1/search", json={"question": "opened 1932", "mode": "lexical", "k": 1}).json()
    [passage] = found["passages"]
    assert passage["text"] == ada.get(f"/v1/documents/{passage['document_id']}/text").text[
        passage["start"] : passage["end"]
    ]  # fmt: skip
    assert (passage["rank"], found["degraded"]) == (1, [])


def test_an_upload_is_read_in_asked_opened_to_others_and_deleted(ada: httpx.Client, ben: httpx.Client) -> None:
    job = upload(ada, "tunnel.md", "# The Tunnel\n\nThe tunnel was dug by 300 miners.\n", tags=["dug"])
    [file] = job["files"]
    assert (job["state"], file["name"], file["state"]) == ("done", "tunnel.md", "done")
    place = f"/v1/documents/{file['document_id']}"
    info = ada.get(place).json()
    assert (info["title"], info["access"], info["tags"]) == ("The Tunnel", ["user:ada"], ["dug"])
    who_dug = "Who dug the tunnel?"
    assert "300 miners" in ask(ada, who_dug).json()["answer"]
    assert "300 miners" not in ask(ben, who_dug).json()["answer"]
    assert ada.put(f"{place}/access", json={"access": ["user:ben"]}).json()["access"] == ["user:ada", "user:ben"]
    assert "300 miners" in ask(ben, who_dug).json()["answer"]
    assert ada.delete(place).status_code == 204
    assert ada.delete(place).status_code == 404
    assert "300 miners" not in ask(ben, who_dug).json()["answer"]


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_read(ada: httpx.Client) -> None:
    files = [("files", ("good.txt", b"A good file about lanterns.")), ("files", ("bad.pdf", b"no PDF at all"))]
    sent = ada.post("/v1/documents", files=files, data={"collection": "mixed"}).json()
    job = eventually(lambda: _ended(ada, sent["id"]))
    states = {file["name"]: file["state"] for file in job["files"]}
    assert (job["state"], states) == ("failed", {"good.txt": "done", "bad.pdf": "failed"})
    assert all(file["reason"] for file in job["files"] if file["state"] == "failed")
    assert job["id"] in [one["id"] for one in ada.get("/v1/jobs").json()["jobs"]]


def test_documents_are_listed_by_pages_and_collection(ada: httpx.Client) -> None:
    names = ("one", "two", "three")
    files = [("files", (f"{name}.txt", f"The page called {name} of a list.".encode())) for name in names]
    sent = ada.post("/v1/documents", files=files, data={"collection": "paged"}).json()
    eventually(lambda: _ended(ada, sent["id"]))
    first = ada.get("/v1/documents", params={"collection": "paged", "limit": 2}).json()
    rest = ada.get("/v1/documents", params={"collection": "paged", "limit": 2, "offset": first["next"]}).json()
    assert (len(first["documents"]), first["next"], len(rest["documents"]), rest["next"]) == (2, 2, 1, None)


def test_the_text_of_a_document_is_the_stored_text_exactly(ada: httpx.Client, api: Api) -> None:
    place = f"/v1/documents/{api.bridge}/text"
    whole = ada.get(place)
    assert whole.headers["content-type"] == "text/plain; charset=utf-8"
    assert ada.get(place, params={"start": 2, "end": 9}).text == whole.text[2:9]
    assert "opened in 1932" in whole.text and whole.text in BRIDGE
    assert ada.get(place, params={"version": 7}).status_code == 404


def test_the_latest_opinion_on_an_answer_counts(ada: httpx.Client) -> None:
    receipt = ask(ada).json()["receipt"]
    for thumb in ("up", "down"):
        given = {"receipt": receipt, "thumb": thumb, "reason": "as I see it"}
        assert ada.post("/v1/feedback", json=given).status_code == 204
    kept = [one for one in ada.get("/v1/feedback").json()["opinions"] if one["receipt"] == receipt]
    assert [one["thumb"] for one in kept] == ["down"]


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/v1/ask", {"question": "…"}, "invalid-question"),
        ("/v1/ask", {"question": "long " * 900}, "invalid-question"),
        ("/v1/ask", {"question": QUESTION, "filters": ["shelf=top"]}, "invalid-value"),
        ("/v1/ask", {"question": QUESTION, "filters": ["collection=a\0b"]}, "invalid-value"),
        ("/v1/ask/stream", {"question": "…"}, "invalid-question"),
        ("/v1/ask", {"question": QUESTION, "conversation": str(uuid4())}, "not-found"),
        ("/v1/ask/stream", {"question": QUESTION, "conversation": str(uuid4())}, "not-found"),
        ("/v1/ask", {"question": QUESTION, "k": 0}, "invalid-request"),
        ("/v1/ask", {"question": QUESTION, "surprise": 1}, "invalid-request"),
        ("/v1/search", {"question": "", "k": 1}, "invalid-question"),
        ("/v1/conversations", {"title": "two\nlines"}, "invalid-value"),
        ("/v1/feedback", {"receipt": str(uuid4()), "thumb": "up"}, "not-found"),
        ("/v1/feedback", {"receipt": str(uuid4()), "thumb": "sideways"}, "invalid-request"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_reason(
    ada: httpx.Client, path: str, body: dict[str, Any], kind: str
) -> None:
    refused = ada.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})
    problem = refused.json()
    assert refused.status_code == problem["status"] == (404 if kind == "not-found" else 422)
    assert refused.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"urn:footnote:problem:{kind}"
    assert problem["request_id"] == refused.headers["x-request-id"]
    assert "footnote threads" not in problem["detail"]


def test_a_problem_does_not_repeat_what_was_sent(ada: httpx.Client) -> None:
    refused = ada.post("/v1/ask", json={"question": ["my secret diary"]})
    assert (refused.status_code, "diary" in refused.text) == (422, False)
    assert refused.json()["errors"] == [{"at": ["body", "question"], "message": "Input should be a valid string"}]


@pytest.mark.parametrize("sent", [b"", b"{", b"[1]", b'"text"', b"\xff\xfe"])
def test_a_body_that_is_no_question_is_refused(ada: httpx.Client, sent: bytes) -> None:
    refused = ada.post("/v1/ask", content=sent, headers={"Content-Type": "application/json"})
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")


def test_paths_and_methods_that_are_none_are_problems_too(ada: httpx.Client) -> None:
    assert ada.get("/v1/nothing").json()["status"] == 404
    refused = ada.get("/v1/ask")
    assert (refused.json()["status"], refused.headers["allow"]) == (405, "POST")


def test_the_openapi_document_names_every_route_with_its_failures(api: Api) -> None:
    document = httpx.get(f"{api.url}/openapi.json").json()
    assert document["components"]["securitySchemes"]["api_key"]["scheme"] == "bearer"
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/v1/") and not path.startswith(("/v1/chat", "/v1/models")):
                assert {"401", "422", "429", "503"} <= set(operation["responses"]), (path, method)
    assert document["components"]["schemas"]["Problem"]["required"] == [
        "type", "title", "status", "detail", "request_id",
    ]  # fmt: skip
