"""Opening web addresses without being led astray: public hosts only, redirects checked, one time limit over all.

A host is looked up once, its addresses are checked, and the connection goes to the very address that was checked: a
name that is answered differently the second time (DNS rebinding) leads nowhere else.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from threading import Thread
from typing import Any

import httpcore
import httpx

from state.errors import UnreadableDocument

Address = IPv4Address | IPv6Address
Allows = Callable[[Address], bool]

MOST_REDIRECTS = 5

_PORTS = {"http": 80, "https": 443}
_HEADERS = ((b"Accept", b"*/*"), (b"Accept-Encoding", b"gzip"), (b"User-Agent", b"footnote"))
_REDIRECTS = (301, 302, 303, 307, 308)
_GLOBAL_UNICAST = ip_network("2000::/3")  # RFC 4291, section 2.4: all that is assigned today
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last 32 bits
# Special blocks (protocol assignments, 6to4, documentation) that `ipaddress` calls global in some versions of Python.
_SPECIAL = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20")))


def is_public(address: Address) -> bool:
    """Say whether an address is global unicast: not of this machine, a private network, a group or a special use.

    IPv6 addresses that stand for an IPv4 one (mapped, NAT64) are judged by that; all other ways to embed one
    (6to4, Teredo, IPv4-compatible) are refused.
    """
    if isinstance(address, IPv6Address):
        embedded = IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else address.ipv4_mapped
        if embedded is not None:
            return is_public(embedded)
        if address not in _GLOBAL_UNICAST:
            return False
    return address.is_global and not address.is_multicast and not any(address in block for block in _SPECIAL)


def normal_url(url: str) -> str:
    """Return a URL in its normal form, without fragment and password: the same page has one name."""
    try:
        parsed = httpx.URL(url)
        return str(parsed.copy_with(fragment=None, userinfo=b"", raw_path=parsed.raw_path))
    except (httpx.InvalidURL, UnicodeError):
        return url.partition("#")[0]  # opening it will say what is wrong


def checked_url(url: str) -> httpx.URL:
    """Parse a URL, without its fragment.

    Raises:
        UnreadableDocument: it is damaged, not of the web, or holds a user name or password.
    """
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise UnreadableDocument(f"{normal_url(url)} is not a valid web address: check how it is written.") from error
    shown = normal_url(url)
    if parsed.scheme not in _PORTS or not parsed.host or (parsed.port or 80) > 65535:
        raise UnreadableDocument(f"{shown} is not a web address: write it like https://example.org/page.html.")
    if parsed.userinfo:
        raise UnreadableDocument(f"{shown} is not read with a user name or password: save it as a file and read that.")
    return httpx.URL(shown)


@contextmanager
def opened(url: str, deadline: float, allows: Allows) -> Iterator[tuple[httpx.URL, httpcore.Response]]:
    """Ask for a URL and yield where redirects led to, and the response with its body still to be read.

    ``deadline`` is a time of the monotonic clock, and bounds the reading of the body too.

    Raises:
        UnreadableDocument: the URL or one that it redirects to must not be read, or its host is unknown.
        TimeoutError, httpcore.TimeoutException: the deadline has come.
        httpcore.NetworkError, httpcore.ProtocolError: the server cannot be reached or understood.
    """
    here = checked_url(url)
    for _ in range(MOST_REDIRECTS + 1):
        target = httpcore.URL(scheme=here.raw_scheme, host=here.raw_host, port=here.port, target=here.raw_path)
        headers = [(b"Host", here.netloc), *_HEADERS]
        backend = _PinnedBackend(_allowed_addresses(here, deadline, allows), deadline)
        with (
            httpcore.ConnectionPool(network_backend=backend) as pool,
            pool.stream("GET", target, headers=headers) as response,
        ):
            location = next((value for name, value in response.headers if name.lower() == b"location"), None)
            if response.status not in _REDIRECTS or location is None:
                yield here, response
                return
        here = _redirected(here, location.decode("utf-8", "replace"))
    raise UnreadableDocument(f"{url} redirects more than {MOST_REDIRECTS} times: give the address that it leads to.")


def _redirected(url: httpx.URL, location: str) -> httpx.URL:
    try:
        target = checked_url(str(url.join(location)))
    except (httpx.InvalidURL, UnicodeError) as error:
        raise UnreadableDocument(f"{url} redirects to no valid address: open it in a browser to see why.") from error
    if (url.scheme, target.scheme) == ("https", "http"):
        raise UnreadableDocument(f"{url} redirects to {target}, which is not encrypted: give that one if you trust it.")
    return target


def _allowed_addresses(url: httpx.URL, deadline: float, allows: Allows) -> list[str]:
    addresses = _look_up(url, _left(deadline))
    if not all(allows(ip_address(address)) for address in addresses):
        raise UnreadableDocument(f"{url} is not read, {url.host} is no public host; save it as a file and read that.")
    return addresses


def _look_up(url: httpx.URL, timeout: float) -> list[str]:
    """Return a host's addresses. The system's resolver has no time limit, so it may be left behind in its thread."""
    answers: list[list[Any] | Exception] = []

    def ask() -> None:
        try:
            host, port = url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme]
            answers.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answers.append(error)

    thread = Thread(target=ask, daemon=True)
    thread.start()
    thread.join(timeout)
    if not answers:
        raise TimeoutError
    if isinstance(answers[0], Exception):
        raise UnreadableDocument(f"{url} cannot be read: there is no host {url.host}, or no network.") from answers[0]
    return list(dict.fromkeys(str(address[0]) for *_, address in answers[0]))


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


@dataclass(frozen=True, slots=True)
class _PinnedBackend(httpcore.NetworkBackend):
    """Connects to given addresses whatever the host's name is; TLS and the server are still told the name."""

    addresses: Sequence[str]
    deadline: float

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers; each gets an equal share of the time that is left."""
        backend = httpcore.SyncBackend()
        *others, last = self.addresses
        for number, address in enumerate(others):
            try:
                share = _left(self.deadline) / (len(self.addresses) - number)
                return _TimedStream(backend.connect_tcp(address, port, share), self.deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return _TimedStream(backend.connect_tcp(last, port, _left(self.deadline)), self.deadline)


@dataclass(frozen=True, slots=True)
class _TimedStream(httpcore.NetworkStream):
    """A connection that ends at a deadline, however busy a server that drips bytes keeps it."""

    stream: httpcore.NetworkStream
    deadline: float

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, _left(self.deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, _left(self.deadline))

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _TimedStream(self.stream.start_tls(ssl_context, server_hostname, _left(self.deadline)), self.deadline)

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)
