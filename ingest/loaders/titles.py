"""A document's title: from its metadata if that is sane, else its first heading, else its file name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from state.documents import Block

MAX_TITLE = 200
_PLACEHOLDER = re.compile(
    r"(?i)^(untitled\b.*|microsoft (word|powerpoint|excel) -.*|(word|powerpoint|excel) (document|presentation)|"
    r"(document|presentation|slide|book|title|layout|print|index|home|page|null|none|unknown|unspecified)\s*\d*|"
    r"\(?(anonymous|unspecified|untitled)\)?|no title|new document|"
    r".*\.(docx?|pptx?|xlsx?|pdf|odt|indd|tex|dvi|ps|rtf|txt|html?|qxd|fm)|"
    r"(file|https?):.*|[\W\d_]*)$"
)
_WORD_BREAKS = re.compile(r"[_\s]+|(?<=[a-z]{2})-(?=[a-zA-Z]{2})")


def choose_title(metadata: str, text: str, blocks: Sequence[Block], path: Path) -> str:
    """Return the best title to be had; never empty."""
    stated = " ".join(metadata.split())
    if stated and len(stated) <= MAX_TITLE and not _PLACEHOLDER.match(stated) and stated != path.name:
        return stated
    heading = next((b for b in blocks if b.kind == "heading" and b.level == 1), None)
    if heading is None and blocks and blocks[0].kind == "heading":
        heading = blocks[0]
    if heading is not None:
        return _shorten(text[heading.start : heading.end])
    return readable_name(path)


def readable_name(path: Path) -> str:
    """Turn ``returns-policy_2024.md`` into ``returns policy 2024``."""
    return _shorten(" ".join(_WORD_BREAKS.sub(" ", path.stem).split()) or path.name)


def _shorten(title: str) -> str:
    title = " ".join(title.split())
    return title if len(title) <= MAX_TITLE else title[:MAX_TITLE].rsplit(" ", 1)[0] + " …"
