from __future__ import annotations

import gzip
import hashlib
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any

import httpcore
import pytest

from ingest.sources import find_sources
from ingest.web import web_source
from ingest.web_connection import Address, is_public
from state.documents import Source
from state.errors import UnreadableDocument

PAGE = "<title>Leave | Acme</title><main><h1>Leave</h1><p>Staff have <a href='b.html'>30 days</a>.</p></main>"


class Request(BaseHTTPRequestHandler):
    """Answers by the server's table of paths; what is not in it is missing."""

    server: Site

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Host"]))
        self.server.packings.append(self.headers["Accept-Encoding"])
        answer = self.server.answers.get(self.path)
        if answer is None:
            self.send_error(404)
            return
        try:
            answer(self)
        except OSError:
            self.close_connection = True  # the client has had enough

    def log_message(self, *_: Any) -> None:
        pass


Answer = Callable[[Request], None]


class Site(ThreadingHTTPServer):
    """A web server on loopback."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, str]] = []
        self.packings: list[str] = []
        self.closing = threading.Event()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.server_port}{path}"

    def put(self, path: str, body: str | bytes, media_type: str = "text/html", status: int = 200, **more: str) -> str:
        data = body.encode() if isinstance(body, str) else body

        def answer(request: Request) -> None:
            request.send_response(status)
            headers = {"Content-Length": str(len(data)), "Content-Type": media_type, **more}
            for name, value in headers.items():
                if value:
                    request.send_header(name.replace("_", "-"), value)
            request.end_headers()
            request.wfile.write(data)

        self.answers[path] = answer
        return self.url(path)

    def redirect(self, path: str, location: str) -> str:
        return self.put(path, "", status=302, Location=location)

    def drip(self, path: str, start: bytes, piece: bytes, pause: float) -> str:
        """Answer with raw bytes and then one piece after another until the client goes."""

        def answer(request: Request) -> None:
            request.wfile.write(start)
            while not self.closing.wait(pause):
                request.wfile.write(piece)

        self.answers[path] = answer
        return self.url(path)


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    thread.join()
    server.server_close()


def loopback(address: Address) -> bool:
    return address.is_loopback


def source(url: str, *, max_bytes: int = 10_000, timeout: float = 5) -> Source:
    return web_source(url, max_bytes=max_bytes, timeout=timeout, allows=loopback)


def refusal(url: str, **limits: Any) -> str:
    with pytest.raises(UnreadableDocument) as caught:
        source(url, **limits).content_hash()
    message = str(caught.value)
    assert message.endswith(".")
    return message


def test_a_page_is_read_with_its_title_text_and_links(site: Site) -> None:
    page = source(site.put("/leave.html", PAGE))
    assert page.content_hash() == hashlib.sha256(PAGE.encode()).digest()
    document = page.parse()
    assert (document.title, document.text) == ("Leave", "Leave\n\nStaff have 30 days.")
    (link,) = document.hyperlinks
    assert (document.text[link.start : link.end], link.target) == ("30 days", "b.html")


def test_hashing_and_parsing_fetch_a_page_once(site: Site) -> None:
    page = source(site.put("/a", PAGE))
    page.content_hash()
    page.content_hash()
    page.parse()
    assert len(site.asked) == 1


def test_a_page_is_not_kept_after_it_was_parsed(site: Site) -> None:
    page = source(site.put("/a", PAGE))
    page.content_hash()
    page.parse()
    site.put("/a", "<h1>Changed</h1>")
    assert page.parse().title == "Changed"


def test_a_page_is_not_fetched_before_it_is_asked_for(site: Site) -> None:
    source(site.put("/a", PAGE))
    assert site.asked == []


def test_a_uri_has_no_fragment_and_one_form() -> None:
    uris = {source(url).uri for url in ("https://example.org", "HTTPS://Example.ORG/#a", "https://example.org:443/")}
    assert uris == {"https://example.org/"}


def test_web_addresses_are_found_beside_files_and_each_once(tmp_path: Any) -> None:
    (tmp_path / "a.txt").write_text("a")
    found = find_sources(
        [str(tmp_path), "https://example.org/a#x", "https://example.org/a", "HTTP://example.org/b"],
        max_bytes=10,
        tags=("t",),
    )
    assert [item.uri for item in found.sources] == [
        str(tmp_path / "a.txt"), "https://example.org/a", "http://example.org/b",
    ]  # fmt: skip
    assert (found.roots, found.failed) == ([str(tmp_path)], [])
    assert all(item.tags == ("t",) for item in found.sources)


@pytest.mark.parametrize(
    ("path", "media_type", "body", "text"),
    [
        ("/a.php", "text/html; charset=utf-8", "<p>One <b>page</b></p>", "One page"),
        ("/readme.md", "text/html", "<p>*One* page</p>", "*One* page"),
        ("/readme.md", "text/plain", "One *page*", "One page"),
        ("/v1.2", "text/html", "<p>One page</p>", "One page"),
        ("/", "text/html", "<p>One page</p>", "One page"),
        ("/api?id=1", "application/json", '{"a": "One page"}', "a: One page"),
        ("/list.php", "text/csv", "a,b\n1,2\n", "a: 1; b: 2"),
        ("/file", "", "<!doctype html><p>One page</p>", "One page"),
        ("/notes", "text/plain", "One <b>page</b>", "One <b>page</b>"),
    ],
)
def test_content_type_and_address_tell_how_to_read(
    site: Site, path: str, media_type: str, body: str, text: str
) -> None:
    assert source(site.put(path, body, media_type)).parse().text == text


@pytest.mark.parametrize("name", ['attachment; filename="list.csv"', "attachment; filename*=UTF-8''m%C3%A4rz.csv"])
def test_the_name_of_a_download_tells_how_to_read_it(site: Site, name: str) -> None:
    url = site.put("/download", "a,b\n1,2\n", "application/octet-stream", Content_Disposition=name)
    assert source(url).parse().text == "a: 1; b: 2"


@pytest.mark.parametrize(
    ("path", "body"),
    [("/a.txt", "Привет"), ("/a.html", "<p>Привет"), ("/b.html", "<meta charset=windows-1251><p>Привет")],
)
def test_the_server_tells_the_character_set(site: Site, path: str, body: str) -> None:
    kind = "text/plain" if path.endswith("txt") else "text/html"
    url = site.put(path, body.encode("windows-1251"), f"{kind}; charset=windows-1251")
    assert source(url).parse().text == "Привет"


def test_an_unknown_character_set_is_left_to_the_loader(site: Site) -> None:
    assert source(site.put("/a.txt", "Grüße", "text/plain; charset=nonsense")).parse().text == "Grüße"


def test_packed_pages_are_unpacked(site: Site) -> None:
    url = site.put("/a.html", gzip.compress(PAGE.encode()), Content_Encoding="gzip")
    assert source(url).content_hash() == hashlib.sha256(PAGE.encode()).digest()


@pytest.mark.parametrize("packed", [gzip.compress(b"text")[:-3], gzip.compress(b"text") + b"x", b"not packed"])
def test_a_damaged_packing_is_said(site: Site, packed: bytes) -> None:
    assert "damaged" in refusal(site.put("/a", packed, Content_Encoding="gzip"))


def test_packings_that_were_not_asked_for_are_refused(site: Site) -> None:
    assert "packed as br" in refusal(site.put("/a", b"...", Content_Encoding="br"))
    assert site.packings == ["gzip"]


def test_a_gzip_bomb_is_not_unpacked(site: Site) -> None:
    url = site.put("/a", gzip.compress(bytes(20_000_000), compresslevel=1), Content_Encoding="gzip")
    tracemalloc.start()
    message = refusal(url, max_bytes=500_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "more than 0.5 MB" in message
    assert peak < 5_000_000


def test_a_body_of_exactly_the_limit_is_read_and_one_byte_more_is_not(site: Site) -> None:
    source(site.put("/a.txt", "x" * 100, "text/plain"), max_bytes=100).content_hash()
    assert "more than 0.0001 MB" in refusal(site.put("/b.txt", "x" * 101, "text/plain"), max_bytes=100)
    packed = gzip.compress(b"x" * 100)
    source(site.put("/c.txt", packed, "text/plain", Content_Encoding="gzip"), max_bytes=100).content_hash()


def test_an_endless_body_is_cut_off(site: Site) -> None:
    url = site.drip("/a", b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 50_000, 0)
    assert "more than 1 MB" in refusal(url, max_bytes=1_000_000)


def test_a_large_body_is_refused_by_its_stated_length(site: Site) -> None:
    url = site.drip("/a", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", b"", 0.05)
    assert "more than 0.01 MB" in refusal(url)


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"", b""),
    ],
)
def test_a_server_that_drips_does_not_hold_us(site: Site, start: bytes, piece: bytes) -> None:
    url = site.drip("/a", start, piece, 0.02)
    started = time.monotonic()
    message = refusal(url, timeout=0.3)
    assert time.monotonic() - started < 1
    assert "within 0.3 s" in message and "FOOTNOTE_URL_TIMEOUT" in message


def test_a_resolver_that_hangs_does_not_hold_us(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: release.wait(5) and [])
    started = time.monotonic()
    assert "within 0.2 s" in refusal("http://slow.example/", timeout=0.2)
    assert time.monotonic() - started < 1
    release.set()


def test_redirects_are_followed_and_the_uri_stays(site: Site) -> None:
    url = site.redirect("/old", "/new/page.html#top")
    site.put("/new/page.html", PAGE)
    page = source(url)
    assert (page.parse().title, page.uri) == ("Leave", url)


def test_as_many_redirects_as_allowed_are_followed_and_no_more(site: Site) -> None:
    site.put("/0", PAGE)
    for number in range(1, 7):
        site.redirect(f"/{number}", f"/{number - 1}")
    assert source(site.url("/5")).parse().title == "Leave"
    assert "more than 5 times" in refusal(site.url("/6"))


def test_a_redirect_loop_ends(site: Site) -> None:
    assert "more than 5 times" in refusal(site.redirect("/a", "/a"))


@pytest.mark.parametrize(
    "location",
    [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00::1]/",
        "http://0xa000001/",
        "//10.1/",
    ],
)
def test_a_redirect_to_a_refused_address_is_refused(site: Site, location: str) -> None:
    assert "no public host" in refusal(site.redirect("/a", location))


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("file:///etc/passwd", "is not a web address"),
        ("ftp://127.0.0.1/", "is not a web address"),
        ("http://u:p@127.0.0.1/", "password"),
        ("http://127.0.0.1:port/", "no valid address"),
    ],
)
def test_a_redirect_to_what_is_not_read_is_refused(site: Site, location: str, reason: str) -> None:
    assert reason in refusal(site.redirect("/a", location))


def test_a_redirect_from_an_encrypted_page_to_an_open_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = [b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/b\r\n\r\n"]
    monkeypatch.setattr("ingest.web_connection._PinnedBackend", lambda *_: httpcore.MockBackend(answer))
    assert "redirects to http://127.0.0.1/b, which is not encrypted" in refusal("https://127.0.0.1/a")


def test_a_name_that_changes_its_address_after_the_check_leads_nowhere_else(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, answers = socket.getaddrinfo, iter(["127.0.0.1", "10.0.0.1"])
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *args, **kwargs: real(next(answers) if host == "rebind.example" else host, *args, **kwargs),
    )
    site.put("/a.html", PAGE)
    assert source(site.url("/a.html", "rebind.example")).parse().title == "Leave"
    assert site.asked == [("/a.html", f"rebind.example:{site.server_port}")]
    assert next(answers) == "10.0.0.1"


def test_a_host_with_one_refused_address_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    both = [(0, 0, 0, "", (address, 80)) for address in ("127.0.0.1", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    assert "no public host" in refusal(site.put("/a", PAGE))
    assert site.asked == []


def test_the_next_address_is_tried_when_one_does_not_answer(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    both = [(0, 0, 0, "", (address, 80)) for address in ("127.0.0.9", "127.0.0.1")]
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *rest, **more: both if host == "two" else real(host, *rest, **more)
    )
    site.put("/a", PAGE)
    assert source(site.url("/a", "two")).parse().title == "Leave"


def test_proxies_of_the_environment_are_not_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert source(site.put("/a", PAGE)).parse().title == "Leave"


def test_tls_is_told_the_host_by_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        hello: list[bytes] = []

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                hello.append(connection.recv(4096))

        thread = threading.Thread(target=answer)
        thread.start()
        message = refusal(f"https://localhost:{server.getsockname()[1]}/")
        thread.join()
    assert b"localhost" in hello[0]
    assert "cannot be read from its server" in message


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "signing in"), (403, "signing in"), (404, "does not exist"), (410, "any more"), (429, "try again later"),
        (500, "server failed (500)"), (503, "server failed (503)"), (204, "status 204"), (304, "status 304"),
        (418, "status 418"),
    ],
)  # fmt: skip
def test_a_page_that_is_not_given_is_reported_with_the_reason(site: Site, status: int, reason: str) -> None:
    url = site.put("/a", "", status=status)
    assert reason in refusal(url) and url in refusal(url)


@pytest.mark.parametrize("media_type", ["image/png", "video/mp4", "audio/mpeg", "font/woff2"])
def test_what_has_no_text_is_refused_by_its_type(site: Site, media_type: str) -> None:
    assert media_type in refusal(site.put("/a", "x", media_type))


def test_a_wrong_content_type_does_not_hide_what_a_file_is(site: Site) -> None:
    page = source(site.put("/a.pdf", PAGE, "application/pdf"))
    with pytest.raises(UnreadableDocument, match=r"a\.pdf is not a PDF file"):
        page.parse()


@pytest.mark.parametrize("url", ["http://[::1", "http://host:port/", "http://a\x01b/", "http://\udcff/"])
def test_a_damaged_address_is_said_to_be_so(url: str) -> None:
    assert "is not a valid web address" in refusal(url)


@pytest.mark.parametrize("url", ["http://", "http:///path", "http://127.0.0.1:99999/"])
def test_an_address_without_a_host_or_with_an_impossible_port_is_refused(url: str) -> None:
    assert "is not a web address" in refusal(url)


@pytest.mark.parametrize("url", ["http://a..b/", f"http://{'a' * 70}.example/", "http://.example/"])
def test_an_impossible_host_is_said_to_be_unknown(url: str) -> None:
    assert "there is no host" in refusal(url)


def test_passwords_are_refused_and_not_repeated() -> None:
    url = "https://anna:secret@example.org/a"
    assert source(url).uri == "https://example.org/a"
    message = refusal(url)
    assert "password" in message and "secret" not in message


def test_a_server_that_is_not_there_or_speaks_no_http_is_said(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    assert "cannot be read from its server" in refusal(f"http://127.0.0.1:{port}/")
    assert "cannot be read from its server" in refusal(site.drip("/a", b"SSH-2.0-x\r\n\r\n", b"\n", 0.01))


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.1.2.3", "169.254.169.254",
        "172.16.0.1", "172.31.255.255", "192.0.0.9", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
        "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:0:10.0.0.1", "64:ff9b::10.0.0.1",
        "64:ff9b::169.254.169.254", "64:ff9b:1::8.8.8.8", "100::1", "2001::1", "2001:db8::1", "2002:a00:1::1",
        "2002:808:808::1", "3fff::1", "4000::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0",
        "fec0::1", "ff02::1", "ff0e::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "8.8.8.8", "100.63.255.255", "172.32.0.1", "2606:4700::1111", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8"],
)
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "[::1]", "[::ffff:127.0.0.1]",
        "[::]", "0xa9fea9fe", "127.0.0.1.", "①②⑦.0.0.1",
    ],
)  # fmt: skip
def test_no_spelling_of_a_private_host_is_asked(site: Site, host: str) -> None:
    page = web_source(site.url("/a", host), max_bytes=100, timeout=5)
    with pytest.raises(UnreadableDocument, match=r"no public host|no host|not a valid"):
        page.content_hash()
    assert site.asked == []
