"""Finding what to read in: files, folders, globs and web addresses, as sources with stable URIs."""

from __future__ import annotations

import fnmatch
import glob
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import takewhile
from pathlib import Path

from ingest.loaders import load
from settings import settings
from state.documents import ParsedDocument, Source
from state.errors import UnreadableDocument

_SKIPPED_NAMES = ("*~", "~$*", "Thumbs.db", "desktop.ini")
_BAD_NAME = "its name is not valid UTF-8: rename it"


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
    """Find the files under ``paths`` (files, folders, globs) and web addresses, each once, in a stable order."""
    found = Found()
    seen: set[str] = set()
    for path in paths:
        if path.lower().startswith(("http://", "https://")):
            _add_web_source(found, seen, path, max_bytes, tags)
            continue
        matches = _matches(path)
        if not matches:
            found.failed.append((path, "nothing matches this pattern"))
        for match in matches:
            if not os.path.exists(match):
                found.failed.append((path, "there is no such file or folder"))
                continue
            root = os.path.abspath(match)  # the same file has one URI, however the path to it was written
            found.roots.append(root)
            for file in _files(root, found):
                if file in seen:
                    continue
                seen.add(file)
                if _is_unicode(file):
                    found.sources.append(file_source(Path(file), max_bytes=max_bytes, tags=tags))
                else:
                    found.failed.append((os.fsencode(file).decode("utf-8", "backslashreplace"), _BAD_NAME))
    return found


def _add_web_source(found: Found, seen: set[str], url: str, max_bytes: int, tags: tuple[str, ...]) -> None:
    from ingest.web import web_source  # httpx, which files do not need

    source = web_source(url, max_bytes=max_bytes, timeout=settings().url_timeout, tags=tags)
    if source.uri not in seen:
        seen.add(source.uri)
        found.sources.append(source)


def _matches(path: str) -> list[str]:
    """Return what a path stands for: itself, or what a glob finds without passing through links to folders."""
    path = os.path.expanduser(path)
    if not glob.has_magic(path) or os.path.lexists(path):
        return [path]
    parts = Path(path).parts
    fixed = len(list(takewhile(lambda part: not glob.has_magic(part), parts)))

    def passes_link(match: str) -> bool:
        steps = Path(match).parts
        folders = (Path(*steps[:count]) for count in range(fixed + 1, len(steps) + 1))
        return any(folder.is_symlink() and folder.is_dir() for folder in folders)

    return sorted(match for match in glob.glob(path, recursive=True) if not passes_link(match))


def _files(root: str, found: Found) -> Iterator[str]:
    """Yield files below ``root``: no hidden ones, no editor leftovers, links to folders not followed."""
    if not os.path.isdir(root):
        yield root
        return

    def unreadable(error: OSError) -> None:
        found.failed.append((str(error.filename), f"the folder cannot be read: {error.strerror}"))

    for folder, folders, names in os.walk(root, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and not any(fnmatch.fnmatch(name, pattern) for pattern in _SKIPPED_NAMES):
                yield os.path.join(folder, name)


def _is_unicode(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:  # undecodable bytes of a name come as lone surrogates
        return False
    return True


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
    _check(path, max_bytes)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise UnreadableDocument(f"{path.name} cannot be read: {error.strerror}.") from error


def _parse_file(path: Path, max_bytes: int) -> ParsedDocument:
    _check(path, max_bytes)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableDocument(f"{path.name} cannot be read: {error.strerror}.") from error
    return load(path, data)


def _check(path: Path, max_bytes: int) -> None:
    """Refuse what is too large, and what is no file: opening a pipe would wait for ever."""
    try:
        status = path.stat()
    except OSError as error:
        raise UnreadableDocument(f"{path.name} cannot be read: {error.strerror}.") from error
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableDocument(f"{path.name} is not a file but a pipe, socket or device.")
    if status.st_size > max_bytes:
        raise UnreadableDocument(
            f"{path.name} has {status.st_size / 1e6:.0f} MB, the limit is {max_bytes / 1e6:.0f}: "
            "split it, or raise FOOTNOTE_MAX_FILE_MB."
        )
