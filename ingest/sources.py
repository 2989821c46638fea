"""Finding what to read in: files, folders, globs and web addresses, as sources with stable URIs."""

from __future__ import annotations

import fnmatch
import glob
import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BufferedReader
from itertools import takewhile
from pathlib import Path

from ingest.loaders import load
from settings import settings
from state.documents import ParsedDocument, Source
from state.errors import UnreadableDocument

_SKIPPED_NAMES = ("*~", "~$*", "Thumbs.db", "desktop.ini")
_REPEATED_STARS = re.compile(r"(?<![^/])(?:\*\*/+)+(?=\*\*(?:/|$))")  # find no more than one, in exponential time
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
            found.failed.append((_shown(path), "nothing matches this pattern"))
        for match in matches:
            if not os.path.exists(match):
                found.failed.append((_shown(path), "there is no such file or folder"))
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
                    found.failed.append((_shown(file), _BAD_NAME))
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
    path = _REPEATED_STARS.sub("", path)
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
        found.failed.append((_shown(str(error.filename)), f"the folder cannot be read: {error.strerror}"))

    for folder, folders, names in os.walk(root, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and not any(fnmatch.fnmatch(name, pattern) for pattern in _SKIPPED_NAMES):
                yield os.path.join(folder, name)


def _is_unicode(path: str) -> bool:
    return _shown(path) == path


def _shown(path: str) -> str:
    """Return a path that can be printed: undecodable bytes of a name, which come as lone surrogates, are escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def file_source(path: Path, *, max_bytes: int, tags: tuple[str, ...] = (), uri: str = "") -> Source:
    """Return a file as a source. Nothing is read until it is asked for.

    One that only lies at ``path`` for now has a ``uri`` of its own, which ends in its name.
    """
    try:
        status = path.stat()
        size, modified = status.st_size, datetime.fromtimestamp(status.st_mtime, UTC)
    except OSError:
        size, modified = 0, None  # reading it will say what is wrong
    except (ValueError, OverflowError):  # a time that no calendar holds
        size, modified = status.st_size, None
    file = _File(path, max_bytes, Path(uri.rsplit("/", 1)[-1] or path))
    return Source(
        uri=uri or str(path), content_hash=file.content_hash, parse=file.parse, size=size, modified=modified, tags=tags
    )


@dataclass(slots=True)
class _File:
    """A file to be hashed, then read: what is read must be what was hashed."""

    path: Path
    max_bytes: int
    called: Path
    digest: bytes | None = None

    def content_hash(self) -> bytes:
        with self._opened() as file:
            self.digest = hashlib.file_digest(file, "sha256").digest()
        return self.digest

    def parse(self) -> ParsedDocument:
        with self._opened() as file:
            data = file.read(self.max_bytes + 1)
        if len(data) > self.max_bytes:
            raise self._too_large(len(data))
        if self.digest not in (None, hashlib.sha256(data).digest()):
            raise UnreadableDocument(f"{self.called.name} was changed while it was being read: read it in again.")
        return load(self.called, data)

    @contextmanager
    def _opened(self) -> Iterator[BufferedReader]:
        """Open the file, refusing what is too large and what is no file: opening a pipe would wait for ever."""
        try:
            status = self.path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableDocument(f"{self.called.name} is not a file but a pipe, socket or device.")
            if status.st_size > self.max_bytes:
                raise self._too_large(status.st_size)
            with self.path.open("rb") as file:
                yield file
        except OSError as error:
            raise UnreadableDocument(f"{self.called.name} cannot be read: {error.strerror}.") from error

    def _too_large(self, size: int) -> UnreadableDocument:
        return UnreadableDocument(
            f"{self.called.name} has {size / 1e6:.0f} MB, the limit is {self.max_bytes / 1e6:.0f}: "
            "split it, or raise FOOTNOTE_MAX_FILE_MB."
        )
