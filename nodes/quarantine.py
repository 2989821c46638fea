"""quarantine: keep what gives orders to the assistant away from everything that reads passages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from uuid import UUID

from langgraph.runtime import Runtime

from nodes.desk import Desk, Desks
from state.documents import Span
from state.evidence import Hit, Passage
from state.run import AskState, RunContext
from text.injection import is_order, is_request, suspects
from text.languages import stop_words
from text.tokens import index_terms

NOTE = "text that gives orders to the assistant was left out of the sources"

_FENCE = "```"
_GAP = 10  # characters between two sentences at most; all else is in one


@dataclass(frozen=True)
class Quarantine:
    """Degrades: passages and sentences that give orders are left out of what was found, noted."""

    desks: Desks

    async def __call__(self, state: AskState, runtime: Runtime[RunContext]) -> dict[str, Any]:
        """Leave on the desk what may be read."""
        desk = self.desks[state["desk"]]
        desk.ranked, put_aside = trusted(desk, desk.ranked)
        return {"degraded": [NOTE]} if put_aside else {}


def trusted(desk: Desk, hits: Sequence[Hit]) -> tuple[list[Hit], int]:
    """Sift hits as `sifted` does, for what a run searches for; what was left out once stays out of the run.

    For code that an order brought along tells of nothing once the order is gone: found again by another search, a
    passage of it would seem harmless.
    """
    if not desk.sifts:
        return list(hits), 0
    hits = [hit for hit in hits if hit.passage.chunk_id not in desk.aside]
    kept, put_aside = sifted(" ".join([desk.question, *desk.queries]), hits)
    desk.aside |= {hit.passage.chunk_id for hit in hits} - {hit.passage.chunk_id for hit in kept}
    return kept, put_aside


def sifted(question: str, hits: Sequence[Hit]) -> tuple[list[Hit], int]:
    """Return the hits without what gives orders, and how many of them held some.

    A passage that was put aside when it was read in, or that stands under a title or heading that gives orders, is left
    out as a whole. In others, sentences that are orders, or about the answer to come, the code that they bring along,
    and requests that have nothing to do with the question or their passage, are no longer among the sentences, and
    blank in the text, which keeps every other character where it is.
    """
    bad = _to_blank(question, [hit.passage for hit in hits])
    kept: list[Hit] = []
    touched = 0
    for hit, (spans, gives_orders) in zip(hits, bad, strict=True):
        passage = hit.passage
        if passage.quarantined or is_order(passage.context):
            touched += 1
            continue
        touched += gives_orders
        if spans:
            passage = _blanked(passage, spans)
        if passage.sentences:
            kept.append(hit if passage is hit.passage else replace(hit, passage=passage))
    return kept, touched


def touch(passage: Passage, column: int) -> bool:
    """Whether a sentence of a passage and the next one touch: nothing was blanked between them."""
    return passage.sentences[column + 1].start - passage.sentences[column].end <= _GAP


def _to_blank(question: str, passages: Sequence[Passage]) -> list[tuple[list[Span], bool]]:
    """Return for each passage the sentences that no answer may be made from, and whether orders are among them.

    Passages are gone through in the order of their documents: code that an order brings along may go on in the next.
    """
    found: dict[int, tuple[list[Span], bool]] = {}
    open_until: dict[UUID, int] = {}  # where a document's last passage ended, within such code
    for row in sorted(range(len(passages)), key=lambda row: passages[row].start):
        passage = passages[row]
        end = open_until.pop(passage.document_id, None)
        in_code = end is not None and passage.start - end <= _GAP
        found[row], in_code = _sentences_to_blank(question, passage, in_code)
        if in_code:
            open_until[passage.document_id] = passage.end
    return [found[row] for row in range(len(passages))]


def _sentences_to_blank(question: str, passage: Passage, in_code: bool) -> tuple[tuple[list[Span], bool], bool]:
    """Return the sentences to blank, whether there are orders, and whether the passage ends within code of one."""
    suspect = set(suspects(passage.text, passage.sentences, passage.start))
    bad: list[Span] = []
    orders = in_code
    ordered = False  # right behind an order
    for span, text in zip(passage.sentences, passage.sentence_texts(), strict=True):
        if in_code or span in suspect or (ordered and text.startswith(_FENCE)):
            bad.append(span)
            in_code ^= text.count(_FENCE) % 2 == 1
            orders = True
        elif is_request(text) and _is_astray(question, passage, text):
            bad.append(span)
        ordered = span in suspect
    announced = ordered and passage.text.rstrip().endswith(":")
    return (bad, orders), in_code or announced


def _is_astray(question: str, passage: Passage, text: str) -> bool:
    """Whether a request shares no word with the question, nor half of its words with the rest of its passage."""
    own = _words(text, passage.language)
    if not own or own & _words(question, passage.language):
        return False
    rest = f"{passage.context}\n{passage.text.replace(text, ' ', 1)}"
    return 2 * len(own & _words(rest, passage.language)) < len(own)


@lru_cache(1024)
def _words(text: str, language: str) -> frozenset[str]:
    """Return the words of a text, stemmed, that are no stop words; numbers are in every table."""
    common = frozenset(index_terms(" ".join(stop_words(language) | stop_words("en")), language))
    return frozenset(term for term in index_terms(text, language) if not term.isdigit()) - common


def _blanked(passage: Passage, bad: list[Span]) -> Passage:
    text = passage.text
    for span in bad:
        start, end = span.start - passage.start, span.end - passage.start
        text = text[:start] + " " * (end - start) + text[end:]
    return replace(passage, text=text, sentences=tuple(span for span in passage.sentences if span not in bad))
