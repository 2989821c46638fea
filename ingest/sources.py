"""Finding what to read in: files, folders and globs, as sources with stable URIs."""

from __future__ import annotations

import fnmatch
import glob
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from ingest.loaders import load
from state.documents import ParsedDocument, Source
from state.errors import UnreadableDocument

_SKIPPED_NAMES = ("*~", "~$*", "Thumbs.db", "desktop.ini")


@dataclass(slots=True)
class Found:
    """Sources under the paths asked for.

    ``roots`` are the folders and files searched: a stored document under one of them that was not found again is
    gone. ``failed`` holds (path, reason) for paths that cannot be searched at all.
    """

    sources: list[Source] = field(default_factory=list)
    roots: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)


def find_sources(paths: Iterable[str], *, max_bytes: int, tags: tuple[str, ...] = ()) -> Found:
    """Find the files under ``paths`` (files, folders, globs), each once, in a stable order."""
    found = Found()
    seen: set[str] = set()
    for path in paths:
        matches = sorted(glob.glob(path, recursive=True)) if glob.has_magic(path) and not os.path.exists(path) else [path]
        if not matches:
            found.failed.append((path, "nothing matches this pattern"))
        for match in matches:
            root = Path(match).expanduser().absolute()
            if not root.exists():
                found.failed.append((path, "there is no such file or folder"))
                continue
            found.roots.append(str(root))
            for file in _files(root, found):
                uri = str(file)
                if uri not in seen:
                    seen.add(uri)
                    found.sources.append(file_source(file, max_bytes=max_bytes, tags=tags))
    return found


def _files(root: Path, found: Found) -> Iterator[Path]:
    """Yield files below ``root``: no hidden ones, no editor leftovers, links to folders not followed."""
    if not root.is_dir():
        yield root
        return

    def unreadable(error: OSError) -> None:
        found.failed.append((str(error.filename), f"the folder cannot be read: {error.strerror}"))

    for folder, folders, names in os.walk(root, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and not any(fnmatch.fnmatch(name, pattern) for pattern in _SKIPPED_NAMES):
                yield Path(folder, name)


def file_source(path: Path, *, max_bytes: int, tags: tuple[str, ...] = ()) -> Source:
    """Return a file as a source. Nothing is read until it is asked for."""
    try:
        status = path.stat()
        size, modified = status.st_size, datetime.fromtimestamp(status.st_mtime, UTC)
    except OSError:
        size, modified = 0, None  # reading it will say what is wrong
    return Source(
        uri=str(path),
        content_hash=partial(_hash_file, path, max_bytes),
        parse=partial(_parse_file, path, max_bytes),
        size=size,
        modified=modified,
        tags=tags,
    )


def _hash_file(path: Path, max_bytes: int) -> bytes:
    _refuse_large(path, max_bytes)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise UnreadableDocument(f"{path.name} cannot be read: {error.strerror}.") from error


def _parse_file(path: Path, max_bytes: int) -> ParsedDocument:
    _refuse_large(path, max_bytes)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableDocument(f"{path.name} cannot be read: {error.strerror}.") from error
    return load(path, data)


def _refuse_large(path: Path, max_bytes: int) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise UnreadableDocument(f"{path.name} cannot be read: {error.strerror}.") from error
    if size > max_bytes:
        raise UnreadableDocument(
            f"{path.name} has {size / 1e6:.0f} MB, the limit is {max_bytes / 1e6:.0f}: "
            "split it, or raise FOOTNOTE_MAX_FILE_MB."
        )
