"""An answer on its way to becoming a chat completion: whole, or in the chunks of a stream."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from server.chat_completions.markdown import footnotes, mark, sentence
from server.chat_completions.schema import (
    Annotation,
    AssistantMessage,
    ChatCompletion,
    Choice,
    CitedPlace,
    UrlCitation,
    Usage,
)
from state.answer import Answer, Citation, Said
from state.evidence import LIVE


@dataclass
class Reply:
    """What is said so far of one completion, in at most ``most`` tokens, as ``count`` counts them.

    ``site`` is the address of this server, for links to the stored text of what is cited.
    """

    model: str
    site: str
    count: Callable[[str], int]
    most: int | None = None
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))
    text: str = ""
    said: list[Said] = field(default_factory=list)
    cut: bool = False

    def take(self, said: Said) -> str:
        """Return what a sentence adds to the content: nothing from the first one on that does not fit."""
        added = f" {sentence(said)}" if self.text else sentence(said)
        if self.most is not None and not self.cut:
            citations = [*self._citations(), *(said.claim.citations if said.claim else ())]
            self.cut = self.count(self.text + added + footnotes(citations)) > self.most
        if self.cut:
            return ""
        self.text += added
        self.said.append(said)
        return added

    def notes(self) -> str:
        """Return what follows the sentences: the footnotes."""
        return footnotes(self._citations())

    async def completion(self, answer: Answer, prompt: str) -> ChatCompletion:
        """Return the whole, once the answer is there; ``prompt`` are the words of the request."""
        content = self.text + self.notes()
        message = AssistantMessage(content=content, annotations=self._annotations(answer))
        if self.cut:
            claims = [said.claim for said in self.said if said.claim]
            answer = answer.model_copy(update={"answer": " ".join(said.text for said in self.said), "claims": claims})
        return ChatCompletion(
            id=self.id,
            created=self.created,
            model=self.model,
            choices=[Choice(message=message, finish_reason="length" if self.cut else "stop")],
            usage=await asyncio.to_thread(self._usage, answer, prompt, content),
            footnote=answer,
        )

    def chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        """Return a piece of the stream."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**self.envelope(), "choices": [choice]}

    def envelope(self) -> dict[str, Any]:
        """Return what every piece of the stream has."""
        return {"id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model}

    def _citations(self) -> list[Citation]:
        return [citation for said in self.said if said.claim for citation in said.claim.citations]

    def _annotations(self, answer: Answer) -> list[Annotation]:
        found, place = [], 0
        for said in self.said:
            end = place + len(sentence(said))
            citations = said.claim.citations if said.claim else []
            start = end - sum(len(mark(citation)) for citation in citations)
            for citation in citations:
                found.append(self._annotation(citation, start, answer))
                start += len(mark(citation))
            place = end + 1
        return found

    def _annotation(self, citation: Citation, start: int, answer: Answer) -> Annotation:
        return Annotation(
            url_citation=UrlCitation(
                start_index=start,
                end_index=start + len(mark(citation)),
                title=citation.title,
                url=self._address(citation),
            ),
            footnote=CitedPlace(**citation.model_dump(), receipt=answer.receipt),
        )

    def _address(self, citation: Citation) -> str:
        """Return where a citation leads: the web page, or the cited characters (RFC 5147) of the stored text."""
        if citation.version == LIVE or citation.source.startswith(("https://", "http://")):
            return citation.source
        return f"{self.site}/v1/documents/{citation.document_id}/text#char={citation.start},{citation.end}"

    def _usage(self, answer: Answer, prompt: str, content: str) -> Usage:
        """Return the chat model's tokens; where none was asked, those of the request and of the content."""
        if answer.usage.get("model_calls"):
            asked, said = int(answer.usage["input_tokens"] or 0), int(answer.usage["output_tokens"] or 0)
        else:
            asked, said = self.count(prompt), self.count(content)
        return Usage(prompt_tokens=asked, completion_tokens=said, total_tokens=asked + said)
