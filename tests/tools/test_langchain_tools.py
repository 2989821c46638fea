from __future__ import annotations

import pytest

from state.errors import NotFound
from state.principal import Principal
from tests.support import Library
from tools.langchain_tools import langchain_tools
from tools.search import Searcher


async def test_an_agent_searches_and_reads_as_its_principal(
    library: Library, searcher: Searcher, local: Principal
) -> None:
    library.write(ferry="# Ferry\n\nThe ferry sails every day at noon.")
    await library.read_in(access=("user:ann",))
    by_name = {tool.name: tool for tool in langchain_tools(searcher, Principal("local", "ann"))}
    assert set(by_name) == {"lexical_search", "vector_search", "hybrid_search", "open_document"}
    for name in ("lexical_search", "vector_search", "hybrid_search"):
        (found,) = await by_name[name].ainvoke({"question": "when does the ferry sail", "k": 3})
        read = {"document_id": found["document_id"], "start": found["start"], "end": found["end"]}
        assert await by_name["open_document"].ainvoke(read) == found["text"]
    strangers = {tool.name: tool for tool in langchain_tools(searcher, Principal("local", "bob"))}
    assert await strangers["hybrid_search"].ainvoke({"question": "ferry"}) == []
    with pytest.raises(NotFound):
        await strangers["open_document"].ainvoke({"document_id": found["document_id"]})


async def test_tools_tell_a_model_what_they_take(searcher: Searcher, local: Principal) -> None:
    for tool in langchain_tools(searcher, local):
        assert tool.description
        assert "principal" not in tool.args
