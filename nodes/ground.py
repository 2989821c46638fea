"""ground: does the cited evidence support the sentence?"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from langgraph.runtime import Runtime

from nodes.desk import Desks
from state.ports import Verifier
from state.run import AskState, RunContext


@dataclass(frozen=True)
class Ground:
    """Neither degrades nor lets pass: what cannot be verified is unsupported, and dropped."""

    desks: Desks
    verifier: Verifier

    async def __call__(self, state: AskState, runtime: Runtime[RunContext]) -> dict[str, Any]:
        """Judge the sentence in flight; return whether it goes on or is dropped."""
        desk = self.desks[state["desk"]]
        sentence = desk.sentence
        if sentence is None:
            return {"verdict": "drop"}
        if sentence.template:
            return {"verdict": "emit"}
        evidence = [citation.quote for citation in sentence.citations]
        sentence.verdict, sentence.score = await asyncio.to_thread(self.verifier.verify, sentence.text, evidence)
        if sentence.citations and sentence.verdict in ("supported", "partly"):
            return {"verdict": "emit"}
        desk.dropped += 1
        desk.sentence = None
        return {"verdict": "drop"}
