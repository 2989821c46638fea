"""Sources beside the documents: which to ask, and how what they say becomes passages."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from uuid import NAMESPACE_URL, uuid5

from state.evidence import LIVE, Hit, Passage
from state.ports import Source
from text.languages import detect_language
from text.normalise import clean_text
from text.sentences import sentences
from text.topics import content_words

_MOST_CHARS = 4_000  # of one passage


def chosen(question: str, sources: Sequence[Source]) -> list[Source]:
    """Return the sources that know about what a question is about, by the words they have in common.

    One that does not say what it is about is asked every question.
    """
    asked = set(content_words(question))
    return [
        source
        for source in sources
        if not source.fallback and (not source.about or asked & set(content_words(source.about)))
    ]


def live_passage(source: str, uri: str, title: str, text: str) -> Passage:
    """Make a passage of what a source said; its ``source`` begins with the source's name."""
    said = clean_text(text).strip()[:_MOST_CHARS]
    language = detect_language(said)
    identity = f"{source}:{uri}"
    digest = hashlib.sha256(f"{identity}\0{said}".encode()).digest()
    return Passage(
        chunk_id=-int.from_bytes(digest[:6], "big"),  # stored ones are positive
        document_id=uuid5(NAMESPACE_URL, identity),
        version=LIVE,
        title=title or uri,
        source=identity,
        headings=(),
        first_page=0,
        last_page=0,
        start=0,
        end=len(said),
        text=said,
        sentences=tuple(sentences(said, language)),
        language=language,
    )


def as_hits(source: str, passages: Sequence[Passage], k: int) -> list[Hit]:
    """Return the passages that say something as hits, in their order, each with its rank in the source."""
    told = [passage for passage in passages if passage.sentences][:k]
    return [Hit(passage, 1 / rank, {source: rank}) for rank, passage in enumerate(told, start=1)]
