from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from langgraph_sdk import get_client

from server.auth import TOKEN_FILE, auth
from tests.server.langgraph_dev.conftest import Served

QUESTION = "When did the bridge open?"
SECRET = "What does the office safe open with?"
ASKED = {"assistant_id": "footnote", "input": {"question": QUESTION}}
PUBLIC = {"/", "/ok", "/info", "/metrics", "/docs", "/openapi.json"}

# What a user gets for each thing that the SDK knows a permission for: a thread of their own stands for {thread}.
ACTIONS: dict[tuple[str, str], list[tuple[str, str, dict[str, Any] | None, int]]] = {
    ("assistants", "create"): [("POST", "/assistants", {"graph_id": "footnote"}, 403)],
    ("assistants", "read"): [
        ("GET", "/assistants/{assistant}", None, 200), ("GET", "/assistants/{assistant}/graph", None, 200),
        ("GET", "/assistants/{assistant}/schemas", None, 200),
    ],
    ("assistants", "update"): [
        ("PATCH", "/assistants/{assistant}", {"config": {"configurable": {"user": "ben"}}}, 403),
        ("POST", "/assistants/{assistant}/latest", {"version": 1}, 403),
    ],
    ("assistants", "delete"): [("DELETE", "/assistants/{assistant}", None, 403)],
    ("assistants", "search"): [("POST", "/assistants/search", {}, 200), ("POST", "/assistants/count", {}, 200)],
    ("threads", "create"): [("POST", "/threads", {}, 200), ("POST", "/threads/{thread}/copy", {}, 403)],
    ("threads", "read"): [
        ("GET", "/threads/{thread}", None, 200), ("GET", "/threads/{thread}/state", None, 200),
        ("GET", "/threads/{thread}/history", None, 200), ("GET", "/threads/{thread}/runs", None, 200),
    ],
    ("threads", "update"): [
        ("POST", "/threads/{thread}/state", {"values": {"answer": {"answer": "lies"}}}, 403),
        ("PATCH", "/threads/{thread}", {"metadata": {"graph_id": "other"}}, 403),
        ("PATCH", "/threads/{thread}", {"metadata": {"title": "bridges"}}, 200),
    ],
    ("threads", "search"): [("POST", "/threads/search", {}, 200), ("POST", "/threads/count", {}, 200)],
    ("threads", "create_run"): [
        ("POST", "/threads/{thread}/runs/wait", ASKED, 200),
        ("POST", "/runs/wait", ASKED, 200),
        ("POST", "/runs/batch", [{**ASKED, "command": {"goto": "write"}}], 403),  # type: ignore[list-item]
    ],
    ("threads", "delete"): [("DELETE", "/threads/{thread}", None, 204)],
    ("crons", "create"): [("POST", "/runs/crons", {**ASKED, "schedule": "* * * * *"}, 403)],
    ("crons", "read"): [("GET", f"/runs/crons/{uuid4()}", None, 403)],
    ("crons", "update"): [("PATCH", f"/runs/crons/{uuid4()}", {"schedule": "* * * * *"}, 403)],
    ("crons", "delete"): [("DELETE", f"/runs/crons/{uuid4()}", None, 403)],
    ("crons", "search"): [("POST", "/runs/crons/search", {}, 403), ("POST", "/runs/crons/count", {}, 403)],
    ("store", "put"): [("PUT", "/store/items", {"namespace": ["a"], "key": "k", "value": {}}, 404)],
    ("store", "get"): [("GET", "/store/items?namespace=a&key=k", None, 404)],
    ("store", "search"): [("POST", "/store/items/search", {"namespace_prefix": ["a"]}, 404)],
    ("store", "list_namespaces"): [("POST", "/store/namespaces", {}, 404)],
    ("store", "delete"): [("DELETE", "/store/items", {"namespace": ["a"], "key": "k"}, 404)],
}  # fmt: skip


def _known_actions() -> set[tuple[str, str]]:
    """What the installed SDK has permissions for."""
    known = set()
    for resource in ("assistants", "threads", "crons", "store"):
        namespace = getattr(auth.on, resource)
        actions = [getattr(getattr(namespace, name), "action", None) for name in dir(namespace) if name[0] != "_"]
        known |= {(resource, action) for action in actions if isinstance(action, str)}
    return known


def test_every_action_of_the_server_is_decided_here() -> None:
    slots = {slot for slot in type(auth.on).__slots__ if not slot.startswith("_") and hasattr(auth.on, slot)}
    assert slots - {"value"} == {"assistants", "threads", "crons", "store"}
    assert _known_actions() == set(ACTIONS)


def test_each_is_allowed_or_refused_on_purpose(served: Served) -> None:
    with served.client("ann") as client:
        assistant = client.post("/assistants/search", json={}).json()[0]["assistant_id"]
        thread = client.post("/threads", json={}).json()["thread_id"]
        got = {}
        for requests in ACTIONS.values():
            for method, path, body, _ in requests:
                filled = path.format(assistant=assistant, thread=thread)
                got[method, path, str(body)] = client.request(method, filled, json=body).status_code
    wanted = {
        (method, path, str(body)): status for requests in ACTIONS.values() for method, path, body, status in requests
    }
    assert got == wanted


def _routes(served: Served) -> list[tuple[str, str]]:
    paths = httpx.get(f"{served.url}/openapi.json").json()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods if path not in PUBLIC]


def test_no_route_answers_whoever_has_no_key(served: Served) -> None:
    routes = [*_routes(served), ("POST", "/mcp"), ("GET", "/v1/search"), ("GET", f"/v1/receipts/{uuid4()}")]
    assert len(routes) > 30
    with httpx.Client(base_url=served.url, timeout=30) as client:
        answered = {}
        for method, path in routes:
            filled = "/".join(str(uuid4()) if part.startswith("{") else part for part in path.split("/"))
            answered[method, path] = client.request(method, filled, json={}).status_code
    # 404 and 405: routes that are turned off
    assert {route: status for route, status in answered.items() if status not in (401, 404, 405)} == {}
    assert sum(status == 401 for status in answered.values()) > 25


@pytest.mark.parametrize("path", ["/internal/truncate", "/internal/debug/thread/x", "/deploy", "/deploy/x/stream"])
def test_the_development_servers_own_doors_are_shut(served: Served, path: str) -> None:
    for method in ("GET", "POST"):
        assert httpx.request(method, f"{served.url}{path}").status_code == 404


def test_no_one_reads_stops_or_goes_on_with_anothers_thread(served: Served) -> None:
    with served.client("ben") as ben, served.client("ann") as ann:
        thread = ben.post("/threads", json={}).json()["thread_id"]
        run = ben.post(f"/threads/{thread}/runs", json={**ASKED, "input": {"question": SECRET}}).json()["run_id"]
        assert "blue key" in ben.get(f"/threads/{thread}/runs/{run}/join").text
        skipped = {("GET", "/threads/{thread_id}/runs/crons"), ("POST", "/threads/{thread_id}/runs/crons")}
        own = [route for route in _routes(served) if "{thread_id}" in route[1] and route not in skipped]
        assert len(own) > 15
        for method, path in own:
            filled = path.format(thread_id=thread, run_id=run, checkpoint_id=uuid4(), cron_id=uuid4())
            body = {
                **ASKED, "checkpoint": {"thread_id": thread}, "channels": ["values"], "id": 1, "method": "run.start",
                "params": ASKED, "values": {}, "metadata": {"title": "mine"},
            }  # fmt: skip
            with ann.stream(method, filled, json=body) as response:
                text = "".join(piece for piece in response.iter_text())
            assert "blue key" not in text, (method, path)
            refused = response.status_code in (403, 404, 405, 409, 422, 501)  # 501: what is built-in only
            assert refused or _empty(text), (method, path, response.status_code, text)
        assert ben.get(f"/threads/{thread}").status_code == 200
        assert thread not in ann.post("/threads/search", json={"limit": 100}).text
        taken = ann.post("/threads", json={"thread_id": thread, "if_exists": "do_nothing"})
        assert taken.status_code in (404, 409)
        assert "blue key" not in ann.post("/runs/wait", json={**ASKED, "input": {"question": SECRET}}).text


def _empty(text: str) -> bool:
    return text.strip() in ("", "[]", "{}", "null") or "not found" in text.lower() or '"error"' in text


@pytest.mark.parametrize(
    "jump",
    [
        {"command": {"goto": "remember"}},
        {"command": {"resume": "yes"}},
        {"command": {"update": {"desk": "x"}}},
        {"interrupt_before": ["ground"]},
        {"interrupt_after": "*"},
        {"checkpoint": {"checkpoint_id": str(uuid4()), "checkpoint_ns": ""}},
        {"checkpoint_id": str(uuid4())},
        {"webhook": "http://127.0.0.1:9/"},
        {"config": {"configurable": {"checkpoint_id": str(uuid4())}}},
        {"config": {"configurable": {"__pregel_resuming": True}}},
        {"config": {"configurable": {"graph_id": "other"}}},
        {"context": {"__pregel_read": "x"}},
        {"langsmith_tracer": {"project_name": "elsewhere"}},
    ],
)
def test_a_client_can_neither_jump_nor_stop_inside_the_graph(served: Served, jump: dict[str, Any]) -> None:
    with served.client("ann") as client:
        thread = client.post("/threads", json={}).json()["thread_id"]
        for path in ("/runs/wait", f"/threads/{thread}/runs/wait"):
            assert client.post(path, json={**ASKED, **jump}).status_code in (400, 403, 422), path


@pytest.mark.parametrize(
    "unusable",
    [
        {"input": None},
        {"input": {}},
        {"input": {"messages": []}},
        {"input": {"messages": [{"role": "assistant", "content": "hello"}]}},
        {"input": {"messages": [{"role": "robot", "content": "hello"}]}},
        {"input": {"messages": [5]}},
        {"input": {"question": QUESTION, "desk": "x"}},
        {"input": {"question": QUESTION, "mode": "psychic"}},
        {"input": {"question": QUESTION, "filters": "type=md"}},
        {"context": {"k": "many"}},
        {"context": {"preset": "lavish"}},
    ],
)
def test_what_cannot_be_asked_is_refused_before_a_run_begins(served: Served, unusable: dict[str, Any]) -> None:
    with served.client("ann") as client:
        refused = client.post("/runs/wait", json={**ASKED, **unusable})
    assert refused.status_code == 422, refused.text


def test_keys_are_good_for_what_they_were_made_for(served: Served) -> None:
    with served.client("writer") as client:
        assert client.post("/runs/wait", json=ASKED).status_code == 403
        assert client.get("/v1/search", params={"question": QUESTION}).status_code == 403
    for token in (served.keys["revoked"], "fn_none", "none"):
        header = {"Authorization": f"Bearer {token}"}
        assert httpx.post(f"{served.url}/runs/wait", json=ASKED, headers=header).status_code == 401


def test_who_asks_cannot_be_sent_along(served: Served) -> None:
    ben = {"identity": "ben", "tenant": "local", "groups": [], "can_write": True, "is_authenticated": True}
    for where in (
        {"config": {"configurable": {"langgraph_auth_user": ben}}},
        {"context": {"langgraph_auth_user": ben}},
    ):
        with served.client("ann") as client:
            asked = client.post("/runs/wait", json={**ASKED, "input": {"question": SECRET}, **where})
            assert "blue key" not in asked.text
            thread = client.post("/threads", json={}).json()["thread_id"]
            read = client.post(f"/threads/{thread}/history", json={"checkpoint": {"langgraph_auth_user": ben}})
            assert "blue key" not in read.text


async def test_documents_are_seen_by_whom_they_are_for(served: Served) -> None:
    async with get_client(url=served.url, api_key=served.keys["ben"]) as client:
        said = await client.runs.wait(None, "footnote", input={"question": SECRET})
    assert isinstance(said, dict)
    assert said["answer"]["answer"] == "The office safe opens with the blue key of the porter. [1]"
    with served.client("ann") as ann:
        found = ann.get("/v1/search", params={"question": SECRET}).json()["passages"]
        assert [one["title"] for one in found] == ["The Harbour Bridge"]
        receipt = said["answer"]["receipt"]
        assert ann.get(f"/v1/receipts/{receipt}").status_code == 404
        assert ann.post(f"/v1/receipts/{receipt}/verify").status_code == 404
    with served.client("ben") as own:
        assert own.get(f"/v1/receipts/{receipt}").json()["id"] == receipt
        assert own.post(f"/v1/receipts/{receipt}/verify").json()["holds"] is True


def test_the_routes_of_our_own_say_what_is_wrong(served: Served) -> None:
    with served.client("ann") as client:
        assert client.get("/v1/search", params={"question": ""}).status_code == 422
        assert client.get("/v1/search", params={"question": "a", "mode": "psychic"}).status_code == 422
        assert client.get("/v1/search", params={"question": "a", "k": "1000"}).status_code == 422
        assert client.get("/v1/search", params={"question": "a", "filter": "colour=red"}).status_code == 422
        assert client.get("/v1/receipts/none").status_code == 404


def test_the_local_token_is_readable_by_its_owner_only(served: Served, home: Path) -> None:
    assert (home / TOKEN_FILE).stat().st_mode & 0o077 == 0


def test_neither_keys_nor_questions_are_in_the_log(served: Served) -> None:
    with served.client("ben") as client:
        client.post("/runs/wait", json={**ASKED, "input": {"question": SECRET}})
        client.get("/v1/receipts/none")
    log = served.log.read_text()
    assert "/runs/wait" in log
    for kept in (served.token, *served.keys.values(), SECRET, "blue key"):
        assert kept not in log
