"""validate: the last look at a sentence before the reader has it."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessageChunk
from langgraph.graph.message import push_message
from langgraph.runtime import Runtime

from nodes.cite import cited
from nodes.desk import Desk, Desks, Sentence
from nodes.quarantine import touch
from prompts import load_prompt
from state.answer import Citation, Claim, quote_hash
from state.evidence import Passage
from state.ports import SensitiveFinder
from state.run import AskState, RunContext
from state.screening import DEFAULT_POLICY, MASKS, Action, Entity
from text.injection import is_request, is_suspect
from text.leakage import leaks_prompt
from text.unsafe import is_active, unsafe
from tools.screening import Screen

_MOST_CHARACTERS = 2000  # a "sentence" longer than this is a table or a dump, not an answer
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn"}  # controls, bidirectional overrides, surrogates, private use
_HARMLESS = {"\n", "\t", "\u200c", "\u200d", "\u200e", "\u200f", "\u00ad"}  # joiners and marks that scripts need
_NEAREST = 3  # passages offered when there is no answer


@dataclass(frozen=True)
class Validate:
    """Degrades: a sentence that may not be shown is dropped, personal data is masked as the policy says, both noted.

    Nothing that failed here is in the answer, in an event, in the state or, but for the hash of the stored text, in the
    receipt. This alone puts words on their way to the reader, the passages offered with an abstention included.
    """

    desks: Desks
    finder: SensitiveFinder
    policy: Mapping[Entity, Action] = field(default_factory=lambda: DEFAULT_POLICY)

    async def __call__(self, state: AskState, runtime: Runtime[RunContext]) -> dict[str, Any]:
        """Emit the sentence in flight, to the answer and to the stream, if it passes."""
        desk = self.desks[state["desk"]]
        sentence, desk.sentence = desk.sentence, None
        if sentence is None:
            return {}
        if sentence.template:
            if sentence.template == "abstain":
                desk.nearest = await asyncio.to_thread(self._nearest, desk)
            if sentence.text == load_prompt(sentence.template).text:
                _say(desk, sentence.text)
                runtime.stream_writer({"sentence": sentence.text})
            return {}
        claim, note = await asyncio.to_thread(self._screened, sentence)
        if claim is None:
            desk.dropped += 1
            return {"degraded": [note]}
        desk.claims.append(claim)
        _say(desk, f"{claim.text} {''.join(f'[{c.n}]' for c in claim.citations)}")
        runtime.stream_writer({"sentence": desk.said[-1], "claim": claim.model_dump(mode="json")})
        return {"degraded": [note]} if note else {}

    def _screened(self, sentence: Sentence) -> tuple[Claim | None, str]:
        """Return the claim as it may be shown, None if it may not, and what to note about it."""
        if why := _unfit(sentence):
            return None, f"a sentence was withheld: {why}"
        found = {one.entity for one in self.finder.find(sentence.text)}
        if blocked := sorted(MASKS[entity] for entity in found if self._does(entity, "block")):
            return None, f"a sentence was withheld: it holds personal data ({', '.join(blocked)})"
        text, masked = self._masked(sentence.text)
        citations = []
        for citation in sentence.citations:
            shown, hidden = self._shown(citation)
            citations.append(shown)
            masked |= hidden
        claim = Claim(text=text, verdict=sentence.verdict, score=sentence.score, citations=citations)
        return claim, f"personal data was masked: {', '.join(sorted(masked))}" if masked else ""

    def _nearest(self, desk: Desk) -> list[Citation]:
        """Return what is offered when there is no answer: of the best passages, what tells something."""
        places = [(hit.passage, *_stretch(hit.passage)) for hit in desk.ranked[: 2 * _NEAREST]]
        offered = [place for place in places if place[1] < place[2]][:_NEAREST]
        return [self._shown(cited(*place, n))[0] for n, place in enumerate(offered, start=1)]

    def _shown(self, citation: Citation) -> tuple[Citation, set[str]]:
        """Return a citation with what may not be shown masked; hash and span stay those of the stored text."""
        quote, hidden = self._masked(citation.quote)
        title, in_title = self._masked(citation.title)
        source, in_source = self._masked(citation.source)
        hidden |= in_title | in_source
        if not hidden:
            return citation, hidden
        return citation.model_copy(update={"quote": quote, "title": title, "source": source, "masked": True}), hidden

    def _masked(self, text: str) -> tuple[str, set[str]]:
        """Return a text with what the policy does not allow masked, and what that was."""
        return Screen(self.finder, self.policy).masked(text)

    def _does(self, entity: Entity, action: Action) -> bool:
        return self.policy.get(entity, "mask") == action


def _say(desk: Desk, text: str) -> None:
    """Add a sentence to the answer, and to its message in streams of messages."""
    piece = f" {text}" if desk.said else text
    desk.said.append(text)
    push_message(AIMessageChunk(content=piece, id=desk.message), state_key=None)


def _unfit(sentence: Sentence) -> str:
    """Return why a sentence may not be shown at all, nothing if it may."""
    text, quotes = sentence.text, [citation.quote for citation in sentence.citations]
    if len(text) > _MOST_CHARACTERS:
        return "it is too long to be one"
    if any(quote_hash(citation.quote) != citation.sha256 for citation in sentence.citations):
        return "its quote is not what its hash says"
    if any(unicodedata.category(c) in _UNSEEN and c not in _HARMLESS for c in text):
        return "it holds characters that are not seen"
    if is_active(text):
        return "it holds what a page would run or fetch"
    if harm := unsafe(text):
        return harm
    if leaks_prompt(text, "\n".join(quotes)):
        return "it gives away a prompt"
    if is_suspect(text):
        return "it gives orders to the assistant"
    return ""


def _stretch(passage: Passage) -> tuple[int, int]:
    """Return the characters of a passage's longest run of sentences: nothing blanked, nothing asked in between."""
    runs: list[list[int]] = []
    for column, (span, text) in enumerate(zip(passage.sentences, passage.sentence_texts(), strict=True)):
        if is_request(text):
            continue
        if runs and runs[-1][2] == column - 1 and touch(passage, column - 1):
            runs[-1][1:] = [span.end, column]
        else:
            runs.append([span.start, span.end, column])
    start, end, _ = max(runs, key=lambda run: run[1] - run[0], default=[passage.start, passage.start, 0])
    return start, end
