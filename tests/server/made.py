"""Made-up parts of answers."""

from __future__ import annotations

from uuid import UUID

from state.answer import Citation, Claim, quote_hash

DOCUMENT = UUID(int=7)


def citation(n: int, quote: str, *, title: str = "Handbook", page: int | None = None) -> Citation:
    """A footnote to the beginning of a document."""
    return Citation(
        n=n,
        document_id=DOCUMENT,
        version=1,
        title=title,
        source="handbook.md",
        page=page,
        start=0,
        end=len(quote),
        quote=quote,
        sha256=quote_hash(quote),
    )


def claim(text: str, *citations: Citation) -> Claim:
    """A sentence that its citations support."""
    return Claim(text=text, verdict="supported", score=1.0, citations=list(citations))
