"""Documents that do harm when they are parsed. The functions have names, so that they can be sent to a worker."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from state.documents import Block, ParsedDocument, Source


def source(name: str, parse: Callable[[], ParsedDocument]) -> Source:
    return Source(name, partial(bytes, name.encode()), parse, size=100)


def text(content: str) -> ParsedDocument:
    return ParsedDocument(content, "", "text/plain", (Block("paragraph", 0, len(content)),))


def parent(folder: str, content: str) -> ParsedDocument:
    """Leave a trace of which process parsed it, and whose child that is."""
    Path(folder, f"{os.getpid()}").write_text(str(os.getppid()))
    return text(content)


def crash() -> ParsedDocument:
    ctypes.string_at(0)
    raise AssertionError


def leave() -> ParsedDocument:
    os._exit(7)


def hang(folder: str) -> ParsedDocument:
    """Hang inside C code that holds the interpreter's lock."""
    trace = Path(folder, f".{os.getpid()}")
    trace.write_text(str(os.getppid()))
    trace.rename(Path(folder, f"{os.getpid()}"))  # whoever looks finds a whole one
    re.fullmatch(r"(a+)+b", "a" * 60)
    raise AssertionError


def devour() -> ParsedDocument:
    return text("".join("x" * 50_000_000 + str(number) for number in range(1000)))


def stubborn() -> ParsedDocument:
    """Cannot be answered with: the answer cannot be sent back."""
    document = text("Some text.")
    object.__setattr__(document, "pages", (lambda: None,))
    return document
