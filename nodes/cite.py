"""cite: find the characters of stored text that the sentence rests on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import regex
from langgraph.runtime import Runtime

from nodes.desk import Clause, Desk, Desks
from nodes.quarantine import touch
from state.answer import Citation, quote_hash
from state.documents import Span
from state.errors import ModelUnavailable
from state.evidence import Passage
from state.ports import Aligner
from state.run import AskState, RunContext
from text.claims import parse_marks, split_claims

# A sentence that begins so says of whom only with the sentence before it, which is quoted with it.
_POINTS_BACK = regex.compile(r"(?:it|its|they|their|he|his|she|her|this|these|those|that|such)\b", regex.IGNORECASE)


@dataclass(frozen=True)
class Cite:
    """Degrades: without the embedding model only verbatim sentences find their source, noted.

    A sentence, or a clause of it, without a source goes on without citations, to be repaired or dropped.
    """

    desks: Desks
    aligner: Aligner

    async def __call__(self, state: AskState, runtime: Runtime[RunContext]) -> dict[str, Any]:
        """Give the sentence in flight its clauses and their citations; a template has none.

        Marks of a chat model (``[2]``: the second passage of the evidence) are taken out of the text. They are hints:
        what a clause rests on is looked for in all the evidence.
        """
        desk = self.desks[state["desk"]]
        sentence = desk.sentence
        if sentence is None or sentence.template:
            return {}
        passages = [hit.passage for hit in desk.evidence]
        marked = parse_marks(sentence.text, known=len(passages))
        spans = _verbatim(sentence.text, passages) or _verbatim(marked.text, passages)
        footnotes = _Footnotes(desk)
        if spans:
            citation = footnotes.cite(*spans[0])
            sentence.text, sentence.clauses = citation.quote, [Clause(citation.quote, [citation])]
            sentence.citations = footnotes.made
            return {}
        sentence.text = marked.text
        clauses = [(marked.text[span.start : span.end], marked.numbers(span)) for span in split_claims(marked.text)]
        try:
            for text, numbers in clauses:
                hints = {number - 1 for number in numbers}
                places = await asyncio.to_thread(self.aligner.align, text, passages, hints)
                cited_spans = _spans(passages, places)
                sentence.clauses.append(Clause(text, [footnotes.cite(*place) for place in cited_spans]))
        except ModelUnavailable as error:
            sentence.clauses = [Clause(text, []) for text, _ in clauses]
            return {"degraded": [f"sentences were not aligned with their sources: {error}"]}
        sentence.citations = footnotes.made
        return {}


def _verbatim(text: str, passages: Sequence[Passage]) -> list[tuple[Passage, Span]]:
    """Return where a text stands word for word: its first place, or none."""
    for passage in passages:
        offset = passage.text.find(text) if text else -1
        if offset >= 0:
            return [(passage, Span(passage.start + offset, passage.start + offset + len(text)))]
    return []


def _spans(passages: Sequence[Passage], places: Sequence[tuple[int, int]]) -> list[tuple[Passage, Span]]:
    """Return the characters of sentences, best first: neighbours in one span, with what a pronoun points back to."""
    spans: list[tuple[Passage, Span]] = []
    chosen = set(places)
    for row, column in places:
        passage, texts = passages[row], passages[row].sentence_texts()
        if column and _POINTS_BACK.match(texts[column]):
            chosen.add((row, column - 1))
    for row, column in places:
        if (row, column) not in chosen:
            continue  # it is part of a span already
        passage, first, last = passages[row], column, column
        while (row, first - 1) in chosen and touch(passage, first - 1):
            first -= 1
        while (row, last + 1) in chosen and touch(passage, last):
            last += 1
        chosen -= {(row, at) for at in range(first, last + 1)}
        spans.append((passage, Span(passage.sentences[first].start, passage.sentences[last].end)))
    return spans


def cited(passage: Passage, start: int, end: int, n: int) -> Citation:
    """Cite characters ``start`` to ``end`` of the document, which lie in the passage."""
    quote = passage.text[start - passage.start : end - passage.start]
    return Citation(
        n=n,
        document_id=passage.document_id,
        version=passage.version,
        title=passage.title,
        source=passage.source,
        page=passage.page_at(start) or None,
        start=start,
        end=end,
        quote=quote,
        sha256=quote_hash(quote),
    )


@dataclass
class _Footnotes:
    """Numbers the footnotes of a sentence: a span that was cited before keeps its number."""

    desk: Desk
    made: list[Citation] = field(default_factory=list)

    def cite(self, passage: Passage, span: Span) -> Citation:
        known = [*(c for claim in self.desk.claims for c in claim.citations), *self.made]
        place = (passage.document_id, passage.version, span.start, span.end)
        same = [c.n for c in known if (c.document_id, c.version, c.start, c.end) == place]
        number = same[0] if same else max((earlier.n for earlier in known), default=0) + 1
        citation = cited(passage, span.start, span.end, number)
        if citation not in self.made:
            self.made.append(citation)
        return citation
