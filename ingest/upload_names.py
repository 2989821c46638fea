"""Names of uploaded files: whatever a client calls them, they are names and never paths."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath

from state.errors import UnreadableDocument
from store.jobs import JobFile

UPLOAD = "upload://"
MAX_NAME = 200  # characters
_MAX_BYTES = 255  # of UTF-8: what file systems take, for whoever saves it under its name
_PARTING = re.compile(r"[/\\]")
# Controls, bidirectional overrides, joiners, lone surrogates, private use, unassigned; ends of lines and paragraphs.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean_name(name: str) -> str:
    """Return the name that a file gets: the last part of what a client sent, without what cannot be seen.

    Canonically equal names become one (NFC); a long one is cut, and told from others by the hash of all of it. Raises
    `UnreadableDocument` if nothing is left.
    """
    last = _PARTING.split(name)[-1]
    seen = "".join(c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c) not in _UNSEEN)
    words = " ".join(seen.split())
    if not (clean := words.rstrip(". ")):
        raise UnreadableDocument(f"A file called {_shown(name)} has no name that can be kept: rename it.")
    return _shortened(clean)


def named_files(names: Sequence[str]) -> list[JobFile]:
    """Return files that come together under the names that they get; of those with one name, the first is taken."""
    files: list[JobFile] = []
    taken: set[str] = set()
    for name in names:
        try:
            clean, reason = clean_name(name), ""
            if clean in taken:
                reason = f"Another file of this upload is called {clean} too: rename one of them."
        except UnreadableDocument as error:
            clean, reason = _shown(name), str(error)
        taken.add(clean)
        files.append(JobFile(name=clean, state="failed" if reason else "waiting", reason=reason))
    return files


def upload_uri(user: str, name: str) -> str:
    """Return where an uploaded file comes from: two users' files of one name are two documents."""
    return f"{UPLOAD}{user.replace('%', '%25').replace('/', '%2F')}/{name}"


def _shortened(name: str) -> str:
    if len(name) <= MAX_NAME and len(name.encode()) <= _MAX_BYTES:
        return name
    suffix = PurePosixPath(name).suffix
    suffix = suffix if len(suffix.encode()) <= 20 else ""
    end = f" {hashlib.sha256(name.encode()).hexdigest()[:8]}{suffix}"
    stem = name[: MAX_NAME - len(end)]
    while len((stem + end).encode()) > _MAX_BYTES:
        stem = stem[:-1]
    return stem.rstrip() + end


def _shown(name: str) -> str:
    return ascii(name if len(name) <= 40 else name[:40] + "...")[1:-1] or "(nothing)"
