"""The same tools for LangChain agents, bound to the principal that the agent works for."""

from __future__ import annotations

from typing import Annotated, Any

from langchain_core.tools import BaseTool, StructuredTool
from pydantic import BaseModel, Field

from state.evidence import Hit, Mode
from state.filters import parse_filters
from state.principal import Principal
from tools.open_document import open_document
from tools.search import Searcher


class SearchArguments(BaseModel):
    """What a search takes."""

    question: Annotated[str, Field(description='What to look for; "quoted phrases" and -excluded words work.')]
    k: Annotated[int, Field(ge=1, le=50, description="How many passages to return.")] = 8
    filters: Annotated[
        list[str], Field(description="key=value: collection, document, type, source, tag, language, after, before.")
    ] = []


_DESCRIPTIONS: dict[Mode, str] = {
    "lexical": "Find passages by their words (BM25). Best for names, codes, numbers and exact phrases.",
    "vector": "Find passages by their meaning (embeddings). Best for questions in other words than the documents'.",
    "hybrid": "Find passages by words and meaning together. The best choice when in doubt.",
}


def langchain_tools(searcher: Searcher, principal: Principal) -> list[BaseTool]:
    """Return lexical_search, vector_search, hybrid_search and open_document as asynchronous LangChain tools."""
    tools: list[BaseTool] = [_search_tool(searcher, principal, mode) for mode in _DESCRIPTIONS]

    async def read(document_id: str, start: int = 0, end: int | None = None) -> str:
        return await open_document(searcher.database, principal, document_id, start=start, end=end)

    tools.append(
        StructuredTool.from_function(
            coroutine=read,
            name="open_document",
            description="Read characters `start` to `end` of a document's stored text, by its id.",
        )
    )
    return tools


def _search_tool(searcher: Searcher, principal: Principal, mode: Mode) -> BaseTool:
    async def search(question: str, k: int = 8, filters: list[str] | None = None) -> list[dict[str, Any]]:
        hits = await searcher.search(principal, question, mode, k=k, filters=parse_filters(filters or ()))
        return [hit_as_dict(hit) for hit in hits]

    return StructuredTool.from_function(
        coroutine=search, name=f"{mode}_search", description=_DESCRIPTIONS[mode], args_schema=SearchArguments
    )


def hit_as_dict(hit: Hit) -> dict[str, Any]:
    """Return a passage found as plain values."""
    passage = hit.passage
    return {
        "document_id": str(passage.document_id),
        "version": passage.version,
        "title": passage.title,
        "headings": list(passage.headings),
        "page": passage.first_page or None,
        "start": passage.start,
        "end": passage.end,
        "text": passage.text,
        "score": hit.score,
    }
