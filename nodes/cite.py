"""cite: find the characters of stored text that the sentence rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langgraph.runtime import Runtime

from nodes.desk import Desk, Desks
from state.answer import Citation, quote_hash
from state.evidence import Passage
from state.run import AskState, RunContext


@dataclass(frozen=True)
class Cite:
    """Neither raises nor degrades: a sentence without a source goes on without citations, to be dropped."""

    desks: Desks

    async def __call__(self, state: AskState, runtime: Runtime[RunContext]) -> dict[str, Any]:
        """Give the sentence in flight its citations; a template has none."""
        desk = self.desks[state["desk"]]
        sentence = desk.sentence
        if sentence is None or sentence.template:
            return {}
        for hit in desk.evidence:
            offset = hit.passage.text.find(sentence.text)
            if offset >= 0:
                start = hit.passage.start + offset
                number = _footnote_number(desk, hit.passage, start, start + len(sentence.text))
                sentence.citations = [cited(hit.passage, start, start + len(sentence.text), number)]
                break
        return {}


def cited(passage: Passage, start: int, end: int, n: int) -> Citation:
    """Cite characters ``start`` to ``end`` of the document, which lie in the passage."""
    quote = passage.text[start - passage.start : end - passage.start]
    return Citation(
        n=n,
        document_id=passage.document_id,
        version=passage.version,
        title=passage.title,
        source=passage.source,
        page=passage.first_page or None,
        start=start,
        end=end,
        quote=quote,
        sha256=quote_hash(quote),
    )


def _footnote_number(desk: Desk, passage: Passage, start: int, end: int) -> int:
    """Return the number of this span if it was cited before, else the next one."""
    known = [c for claim in desk.claims for c in claim.citations]
    for earlier in known:
        if (earlier.document_id, earlier.version, earlier.start, earlier.end) == (
            passage.document_id, passage.version, start, end
        ):  # fmt: skip
            return earlier.n
    return max((earlier.n for earlier in known), default=0) + 1
