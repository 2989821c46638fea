"""Who is at the page, and what other sites can make a browser do there: nothing."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from server.limits import Admission, Buckets
from server.page import PageUsers, PageWork
from server.problems import RefusedRequest
from server.sessions import Cookies, Session, session_secret
from settings import Settings
from state.identity import NotAuthenticated
from state.principal import Principal
from tests.server.conftest import Api

ADA = Principal("local", "ada", ("board",), can_write=True)
ELSEWHERE = {"Host": "footnote.example"}  # as a name that leads here, or from behind a proxy


def request(host: str, client: str, cookie: str = "", **headers: str) -> Request:
    named = {"host": host, "cookie": cookie, **headers}
    raw = [(name.encode(), value.encode()) for name, value in named.items()]
    return Request(
        {"type": "http", "scheme": "http", "path": "/", "headers": raw, "client": (client, 1), "query_string": b""}
    )


def users(**settings: Any) -> PageUsers:
    def nothing_open() -> Any:
        raise AssertionError("the local user is known without the database")

    return PageUsers(Settings.model_validate(settings), Cookies(b"secret", 1), nothing_open)


@pytest.mark.parametrize(
    ("host", "client", "settings"),
    [
        ("localhost:8000", "127.0.0.1", {}),
        ("127.0.0.1:8000", "127.0.0.1", {}),
        ("[::1]:8000", "::1", {"server_host": "::1"}),
        ("127.0.0.1", "::ffff:127.0.0.1", {"server_host": "localhost"}),
    ],
)
async def test_who_asks_from_this_machine_is_the_local_user(
    host: str, client: str, settings: Mapping[str, Any]
) -> None:
    who = users(**settings)
    assert await who.user(request(host, client)) == "local"
    assert who.principal_of(request(host, client)) == Principal("local", "local", can_write=True)


@pytest.mark.parametrize(
    ("host", "client", "settings"),
    [
        ("rebound.example:8000", "127.0.0.1", {}),
        ("localhost.rebound.example", "127.0.0.1", {}),
        ("127.0.0.1.rebound.example", "127.0.0.1", {}),
        ("localhost@rebound.example", "127.0.0.1", {}),
        ("", "127.0.0.1", {}),
        ("127.0.0.1:8000", "192.0.2.7", {}),
        ("127.0.0.1:8000", "127.0.0.1", {"server_host": "0.0.0.0"}),
        ("127.0.0.1:8000", "127.0.0.1", {"server_host": "192.0.2.1"}),
        ("127.0.0.1:8000", "127.0.0.1", {"trusted_proxies": ["127.0.0.1"]}),
    ],
)
async def test_anybody_else_must_sign_in(host: str, client: str, settings: Mapping[str, Any]) -> None:
    who = users(**settings)
    assert await who.user(request(host, client)) is None
    with pytest.raises(NotAuthenticated):
        who.principal_of(request(host, client))


def cookie_of(cookies: Cookies, scheme: str = "http") -> str:
    response = Response()
    asked = request("x", "192.0.2.7")
    asked.scope["scheme"] = scheme
    cookies.write(asked, response, Session(ADA, key=UUID(int=5)))
    return response.headers["set-cookie"]


def test_a_session_is_who_signed_in() -> None:
    cookies = Cookies(b"secret", 1)
    session = cookies.read(request("x", "192.0.2.7", cookie_of(cookies).partition(";")[0]))
    assert session and session.principal == ADA


def test_a_session_is_over_when_its_time_is_up_or_another_secret_signs() -> None:
    past = cookie_of(Cookies(b"secret", -1)).partition(";")[0]
    other = cookie_of(Cookies(b"other", 1)).partition(";")[0]
    for cookie in (past, other, "footnote=", "footnote=.", "footnote=e30.é"):
        assert Cookies(b"secret", 1).read(request("x", "192.0.2.7", cookie.encode().decode("latin-1"))) is None


def test_a_session_cannot_be_changed_by_who_holds_it() -> None:
    cookies = Cookies(b"secret", 1)
    body, _, signature = cookie_of(cookies).partition(";")[0].removeprefix("footnote=").rpartition(".")
    content = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    forged = base64.urlsafe_b64encode(json.dumps(content | {"user": "root"}).encode()).decode().rstrip("=")
    for cookie in (f"footnote={forged}.{signature}", f"footnote={body}.", f"footnote={body}.{signature[:-2]}"):
        assert cookies.read(request("x", "192.0.2.7", cookie)) is None


def test_scripts_and_other_sites_do_not_get_the_cookie() -> None:
    plain, secure = cookie_of(Cookies(b"secret", 1)), cookie_of(Cookies(b"secret", 1), "https")
    assert {"HttpOnly", "SameSite=strict", "Path=/", "Max-Age=3600"} <= set(plain.split("; "))
    assert secure.startswith("__Host-footnote=") and "Secure" in secure.split("; ")


def test_the_secret_of_sessions_stays_and_is_its_owners_to_read(home: Any, tmp_path: Any) -> None:
    secret = session_secret(tmp_path / "new")
    assert (len(secret), session_secret(tmp_path / "new")) == (32, secret)
    [file] = (tmp_path / "new").iterdir()
    assert file.stat().st_mode & 0o077 == 0


def test_the_page_is_there_for_this_machine_and_behind_a_sign_in_for_others(api: Api) -> None:
    assert "gradio" in httpx.get(f"{api.url}/").text
    refused = httpx.get(f"{api.url}/", headers=ELSEWHERE)
    assert (refused.status_code, refused.headers["location"]) == (303, "/login")
    assert httpx.get(f"{api.url}/config", headers=ELSEWHERE).status_code == 401
    assert httpx.post(f"{api.url}/gradio_api/queue/join", headers=ELSEWHERE, json={}).status_code == 401
    assert 'name="key"' in httpx.get(f"{api.url}/login", headers=ELSEWHERE).text


def test_a_key_signs_in_until_signing_out_or_its_end(api: Api) -> None:
    origin = {**ELSEWHERE, "Origin": "http://footnote.example"}
    with httpx.Client(base_url=api.url, headers=origin) as browser:
        for wrong in ("", "fn_wrong", api.keys["gone"]):
            refused = browser.post("/login", data={"key": wrong})
            assert (refused.status_code, "set-cookie" in refused.headers) == (401, False)
            assert not wrong or wrong not in refused.text
        welcome = browser.post("/login", data={"key": api.keys["ben"]})
        assert (welcome.status_code, welcome.headers["location"]) == (303, "/")
        cookie = welcome.headers["set-cookie"].partition(";")[0]
        assert api.keys["ben"] not in welcome.headers["set-cookie"]
        signed_in = {**origin, "Cookie": cookie}
        assert httpx.get(f"{api.url}/", headers=signed_in).status_code == 200
        assert httpx.get(f"{api.url}/login", headers=signed_in).headers["location"] == "/"
        assert "footnote=" in browser.post("/logout").headers["set-cookie"]
        # The API takes no cookies: nothing that a browser sends by itself.
        assert httpx.get(f"{api.url}/v1/documents", headers=signed_in).status_code == 401


def test_a_key_that_may_not_ask_does_not_sign_in(api: Api) -> None:
    refused = httpx.post(f"{api.url}/login", headers=ELSEWHERE, data={"key": api.keys["writer"]})
    assert (refused.status_code, "set-cookie" in refused.headers) == (403, False)
    assert "scope" in refused.text


def test_questions_of_the_page_count_for_the_key_and_take_a_place_each() -> None:
    cookies, admission = Cookies(b"secret", 1), Admission(1)
    who = PageUsers(Settings(), cookies, lambda: pytest.fail("no database is needed"))
    work = PageWork(who, Buckets(per_minute=60, burst=2), admission, 20.0)
    ada = request("footnote.example", "192.0.2.7", cookie_of(cookies).partition(";")[0])
    with work.place(ada) as seconds:
        assert (seconds, admission.running) == (20.0, 1)
        with pytest.raises(RefusedRequest, match="as many requests as it takes"), work.place(ada):
            pass
    assert admission.running == 0
    with pytest.raises(RefusedRequest, match="asked as often as you may"), work.place(ada):
        pass
    for _ in range(5):
        with work.place(request("127.0.0.1", "127.0.0.1")):  # the local user
            pass


def test_a_session_ends_with_its_key(api: Api) -> None:
    revoked = Session(Principal("local", "gone", can_write=True), key=UUID(api.ids["gone"]))
    response = Response()
    cookies = Cookies(session_secret(api.settings.home), 1)
    cookies.write(request("x", "192.0.2.7"), response, revoked)
    cookie = response.headers["set-cookie"].partition(";")[0]
    assert httpx.get(f"{api.url}/", headers={**ELSEWHERE, "Cookie": cookie}).status_code == 303


@pytest.mark.parametrize(
    "sent",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        {"Origin": "https://friend.example"},  # which may call the API, and not be at the page
    ],
)
def test_other_sites_can_send_the_page_nothing(api: Api, sent: dict[str, str]) -> None:
    for path in ("/gradio_api/queue/join", "/gradio_api/upload", "/login", "/logout"):
        refused = httpx.post(f"{api.url}{path}", headers=sent, content=b"{}")
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:footnote:problem:other-origin")
        assert "access-control-allow-credentials" not in refused.headers


def test_other_sites_can_read_nothing_of_the_page_and_still_link_to_it(api: Api) -> None:
    read = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert httpx.get(f"{api.url}/config", headers=read).status_code == 403
    assert httpx.get(f"{api.url}/config", headers={"Origin": "https://friend.example"}).status_code == 403
    follow = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert httpx.get(f"{api.url}/", headers=follow).status_code == 200


def test_only_scripts_of_the_page_itself_may_run(api: Api) -> None:
    policies = set()
    for encoding in ("identity", "gzip"):
        page = httpx.get(f"{api.url}/", headers={"Accept-Encoding": encoding})
        policy = page.headers["content-security-policy"]
        assert page.headers.get("content-encoding", "identity") == encoding
        nonce = re.search(r"script-src 'self' 'unsafe-eval' 'nonce-([\w-]{22})';", policy)
        assert nonce and "<script" in page.text
        assert page.text.count("<script") == page.text.count(f'<script nonce="{nonce[1]}"')
        policies.add(policy)
    assert len(policies) == 2  # a nonce counts once


def test_every_answer_has_security_headers(api: Api) -> None:
    for path in ("/", "/login", "/v1/documents", "/healthz", "/nothing"):
        headers = httpx.get(f"{api.url}{path}").headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-request-id"]
        assert "server" not in headers


def test_only_named_origins_may_call_the_api_from_a_browser(api: Api) -> None:
    def preflight(origin: str) -> httpx.Response:
        wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "Authorization"}
        return httpx.request("OPTIONS", f"{api.url}/v1/ask", headers={"Origin": origin, **wanted})

    allowed = preflight("https://friend.example")
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "https://friend.example")
    assert "access-control-allow-credentials" not in allowed.headers
    assert "access-control-allow-origin" not in preflight("https://evil.example").headers
