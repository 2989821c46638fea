"""validate: the last look at a sentence before the reader has it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

from langgraph.runtime import Runtime

from nodes.desk import Desks
from prompts import load_prompt
from state.answer import Claim, quote_hash
from state.run import AskState, RunContext

_MOST_CHARACTERS = 2000  # a "sentence" longer than this is a table or a dump, not an answer
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn"}  # controls, bidirectional overrides, surrogates, private use
_HARMLESS = {"\n", "\t", "\u200c", "\u200d", "\u200e", "\u200f", "\u00ad"}  # joiners and marks that scripts need


@dataclass(frozen=True)
class Validate:
    """Neither raises nor degrades: a sentence that fails is dropped."""

    desks: Desks

    async def __call__(self, state: AskState, runtime: Runtime[RunContext]) -> dict[str, Any]:
        """Emit the sentence in flight, to the answer and to the stream, if it passes."""
        desk = self.desks[state["desk"]]
        sentence, desk.sentence = desk.sentence, None
        if sentence is None:
            return {}
        if sentence.template:
            if sentence.text == load_prompt(sentence.template).text:
                desk.said.append(sentence.text)
                runtime.stream_writer({"sentence": sentence.text})
            return {}
        quotes_hold = all(quote_hash(citation.quote) == citation.sha256 for citation in sentence.citations)
        if len(sentence.text) > _MOST_CHARACTERS or not quotes_hold or _has_unseen(sentence.text):
            desk.dropped += 1
            return {}
        claim = Claim(text=sentence.text, verdict=sentence.verdict, score=sentence.score, citations=sentence.citations)
        desk.claims.append(claim)
        desk.said.append(f"{claim.text} {''.join(f'[{c.n}]' for c in claim.citations)}")
        runtime.stream_writer({"sentence": desk.said[-1], "claim": claim.model_dump(mode="json")})
        return {}


def _has_unseen(text: str) -> bool:
    """Whether a text holds characters that are not seen but change what is: terminal codes, direction overrides."""
    return any(unicodedata.category(c) in _UNSEEN and c not in _HARMLESS for c in text)
