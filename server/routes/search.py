"""`/v1/search`: passages for a question."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, ConfigDict, Field

from nodes.guard import clean_question
from server.asking import while_connected
from server.identity import Asking, Opened
from server.problems import documented
from settings import Settings
from state.evidence import Hit, Mode
from state.filters import parse_filters

routes = APIRouter(prefix="/v1", tags=["search"])


class Wanted(BaseModel):
    """What to look for."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"question": '"day ticket" price', "mode": "hybrid", "k": 5}]},
    )

    question: str = Field(description='What to look for; "phrases" and -exclusions work.')
    mode: Mode = Field(default="hybrid", description="How to search.")
    k: int = Field(default=10, ge=1, le=200, description="How many passages.")
    filters: list[str] = Field(default=[], max_length=100, description="`key=value`, as for `/v1/ask`.")


class Found(BaseModel):
    """A passage, with its place in the stored text of its document: ``text == stored_text[start:end]``."""

    rank: int
    score: float
    chunk_id: int
    document_id: UUID
    version: int
    title: str
    source: str
    headings: list[str]
    pages: list[int]
    start: int
    end: int
    text: str


class Results(BaseModel):
    """Passages, best first; ``degraded`` says what the search had to do without."""

    passages: list[Found]
    degraded: list[str]


@routes.post("/search", responses=documented(504))
async def search(request: Request, application: Opened, who: Asking, wanted: Annotated[Wanted, Body()]) -> Results:
    """Search for passages."""
    settings: Settings = request.app.state.settings
    question = clean_question(wanted.question, settings.max_question_chars)
    filters, notes = parse_filters(wanted.filters), list[str]()
    with request.app.state.questions.place():
        looking = application.searcher.search(who, question, wanted.mode, k=wanted.k, filters=filters, notes=notes)
        hits = await while_connected(request, looking, settings.question_seconds)
    return Results(passages=[_found(hit, rank) for rank, hit in enumerate(hits, start=1)], degraded=notes)


def _found(hit: Hit, rank: int) -> Found:
    passage = hit.passage
    return Found(
        rank=rank,
        score=hit.score,
        chunk_id=passage.chunk_id,
        document_id=passage.document_id,
        version=passage.version,
        title=passage.title,
        source=passage.source,
        headings=list(passage.headings),
        pages=sorted({page for page in (passage.first_page, passage.last_page) if page}),
        start=passage.start,
        end=passage.end,
        text=passage.text,
    )
