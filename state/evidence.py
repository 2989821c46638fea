"""What a search finds: passages with their place in the stored text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from state.documents import Span

Mode = Literal["lexical", "vector", "hybrid"]
LIVE = 0  # version of what another source than the documents said: it is not stored


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk as a searcher may see it; ``text == stored_text[start:end]``.

    ``sentences`` are spans of the stored text (subtract ``start`` to index ``text``).
    ``source`` is the document's URI; pages are 0 where the format has none, and each after the first begins at one of
    the ``page_starts``; ``slot`` is its number in posting lists.
    A ``quarantined`` one is never answered from; of others, `nodes.quarantine` may have blanked sentences.
    """

    chunk_id: int
    document_id: UUID
    version: int
    title: str
    source: str
    headings: tuple[str, ...]
    first_page: int
    last_page: int
    start: int
    end: int
    text: str
    sentences: tuple[Span, ...]
    language: str = ""
    slot: int = -1
    quarantined: bool = False
    page_starts: tuple[int, ...] = ()

    @property
    def context(self) -> str:
        """Title and heading path: embedded and searched with the text, never cited."""
        return embedding_context(self.title, self.headings)

    def page_at(self, place: int) -> int:
        """Return the page on which a character of the document is that lies in the passage; 0 without pages."""
        return self.first_page + sum(start <= place for start in self.page_starts)

    def sentence_texts(self) -> list[str]:
        """Return the sentences' texts, in order."""
        return [self.text[s.start - self.start : s.end - self.start] for s in self.sentences]


def embedding_context(title: str, headings: tuple[str, ...]) -> str:
    """Join a title and the headings below it that add something to it: ``Handbook > Leave > Sick leave``."""
    parts = [title, *(h for h in headings if h.casefold() != title.casefold())]
    return " > ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage with its score in one ranking, and its rank (from 1) in each stage that ranked it."""

    passage: Passage
    score: float
    ranks: dict[str, int] = field(default_factory=dict)
