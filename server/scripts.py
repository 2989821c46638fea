"""Scripts of the page: only those that the page itself brings may run, none that got into it with a text."""

from __future__ import annotations

import gzip
import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Gradio compiles its components' own code, which takes 'unsafe-eval'. Nothing is loaded from, or sent to, elsewhere.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
_SCRIPT = re.compile(rb"<script\b")


class Scripts:
    """Marks the scripts in the page's HTML with a number for this answer alone, without which a browser runs none.

    What Gradio writes into its scripts has no ``<`` in it, so each one found here is the page's own.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request for the page on, and its HTML back with its scripts marked."""
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != "/":
            await self._app(scope, receive, send)
            return
        packed = "gzip" in Headers(scope=scope).get("accept-encoding", "")
        plain = [header for header in scope["headers"] if header[0] != b"accept-encoding"]
        start: Message = {}
        pieces: list[bytes] = []

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            pieces.append(message.get("body", b""))
            if not message.get("more_body", False):
                body = _marked(start, b"".join(pieces), packed)
                await send(start)
                await send({"type": "http.response.body", "body": body})

        await self._app({**scope, "headers": plain}, receive, answer)


def _marked(start: Message, body: bytes, packed: bool) -> bytes:
    """Return the body with its scripts marked, and put the headers right."""
    headers = MutableHeaders(scope=start)
    nonce = secrets.token_urlsafe(16)
    headers["Content-Security-Policy"] = _POLICY.format(nonce=nonce)
    body = _SCRIPT.sub(f'<script nonce="{nonce}"'.encode(), body)
    if packed:
        body = gzip.compress(body, 5)
        headers["Content-Encoding"] = "gzip"
        headers.add_vary_header("Accept-Encoding")
    headers["Content-Length"] = str(len(body))
    return body
