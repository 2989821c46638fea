"""write: take the next sentence from whatever writes this answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langgraph.runtime import Runtime

from nodes.desk import Desk, Desks, Sentence
from prompts import load_prompt
from state.ports import Writer
from state.run import AskState, RunContext


@dataclass(frozen=True)
class Write:
    """Puts one sentence on the desk at a time. Raises what the writer raises: it has no fallback below it."""

    desks: Desks
    writer: Writer

    async def __call__(self, state: AskState, runtime: Runtime[RunContext]) -> dict[str, Any]:
        """Return whether there is a sentence, a template, nothing more, or nothing at all to say."""
        desk = self.desks[state["desk"]]
        if desk.template:
            if desk.said:
                return {"step": "done"}
            desk.sentence = Sentence(load_prompt(desk.template).text, template=desk.template)
            return {"step": "template"}
        if desk.source is None:
            context = (runtime.context or RunContext()).clamped()
            passages = [hit.passage for hit in desk.evidence]
            desk.source = self.writer.sentences(desk.question, passages, context.sentences)
        text = await anext(desk.source, None)
        if text is None:
            return {"step": "done" if desk.said else "nothing"}
        desk.sentence = Sentence(text)
        return {"step": "sentence"}


@dataclass(frozen=True)
class SayTemplate:
    """Makes the answer one of the fixed texts in `prompts/`: a greeting, a refusal, "I don't know"."""

    desks: Desks
    template: str

    async def __call__(self, state: AskState, runtime: Runtime[RunContext]) -> dict[str, Any]:
        """Put the template's name on the desk for `write`."""
        desk: Desk = self.desks[state["desk"]]
        desk.template = self.template
        return {}
