"""From bytes to text: byte order marks, UTF-8, else the likeliest legacy encoding."""

from __future__ import annotations

import codecs
import re

from state.errors import UnreadableDocument

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_SAMPLE = 64_000


def decode(data: bytes, name: str) -> str:
    """Return the text of a file. Raises `UnreadableDocument` when it is binary."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return _checked(data.decode(encoding), name)
            except UnicodeDecodeError as error:
                raise UnreadableDocument(
                    f"{name} begins as {encoding} text but is damaged: save it again as UTF-8."
                ) from error
    try:
        return _checked(data.decode("utf-8"), name)
    except UnicodeDecodeError:
        return _checked(_decode_legacy(data, name), name)


def _decode_legacy(data: bytes, name: str) -> str:
    from charset_normalizer import from_bytes

    best = None if b"\x00" in data[:_SAMPLE] else from_bytes(data[:_SAMPLE]).best()
    if best is None:
        raise UnreadableDocument(f"{name} is not text in any known encoding: save it as UTF-8 or convert it to PDF.")
    return data.decode(best.encoding, errors="replace")


def _checked(text: str, name: str) -> str:
    """Refuse text that is mostly control characters: binary that happens to decode."""
    sample = text[:_SAMPLE]
    if len(_CONTROLS.findall(sample)) > 0.02 * len(sample) + 1:
        raise UnreadableDocument(f"{name} is binary data, not text: convert it to a supported format first.")
    return text
