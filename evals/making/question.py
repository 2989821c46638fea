"""A question made from a passage, before and after it has been checked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from state.answer import quote_hash
from state.evidence import Passage

Kind = Literal["number", "date", "person", "definition", "list", "table", "heading", "written", "unanswerable"]


@dataclass(frozen=True, slots=True)
class MadeQuestion:
    """A question, its right answers, and the span of the document that answers it.

    ``passage`` is the first one that the span lies in. An unanswerable question has no answers, and an empty span.
    """

    question: str
    answers: tuple[str, ...]
    passage: Passage
    start: int
    end: int
    kind: Kind

    def row(self, stored: str, collection: str | None) -> dict[str, Any]:
        """Return it as a line of a file of questions; ``stored`` is the document's text. Its ``id`` never changes."""
        known = f"{self.passage.source}\0{self.start}\0{self.question}"
        row: dict[str, Any] = {
            "id": hashlib.sha256(known.encode()).hexdigest()[:12],
            "question": self.question,
            "answers": list(self.answers),
            "class": self.kind,
        }
        if collection:
            row["collection"] = collection
        if self.answers:
            row["span"] = {
                "document": self.passage.source, "version": self.passage.version, "start": self.start,
                "end": self.end, "sha256": quote_hash(stored[self.start : self.end]),
            }  # fmt: skip
        return row
