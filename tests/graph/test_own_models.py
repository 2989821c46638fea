from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.retrievers import BaseRetriever

from graph import AsyncFootnote
from models.langchain_adapters import given_embedders
from settings import Settings
from state.errors import ModelUnavailable
from state.evidence import LIVE

QUESTION = "When did the bridge open?"
SENTENCE = "The bridge was opened in the year 1932. [1]"


class ScriptedChat(BaseChatModel):
    """Says the same sentence to whatever it is asked."""

    model_name: str = "scripted"

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, messages: list[BaseMessage], *args: Any, **options: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(SENTENCE))])


class BrokenChat(ScriptedChat):
    def _generate(self, messages: list[BaseMessage], *args: Any, **options: Any) -> ChatResult:
        raise OSError("key sk-123 refused")


class LetterEmbeddings(Embeddings):
    """Counts letters; and what it was asked for."""

    def __init__(self) -> None:
        self.questions: list[str] = []
        self.documents = 0

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.documents += len(texts)
        return [_letters(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        self.questions.append(text)
        return _letters(text)


def _letters(text: str) -> list[float]:
    return [float(text.lower().count(letter)) for letter in "abcdefghijklmnopqrstuvwxyz0123456789"]


class Ferries(BaseRetriever):
    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        text = "The ferry to the island leaves at 7:15 every morning. It takes 40 minutes."
        return [Document(text, metadata={"source": "timetable", "title": "Ferries"})]


class BrokenRetriever(BaseRetriever):
    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        raise OSError("key sk-123 refused")


async def test_a_chat_model_of_ones_own_writes_and_is_checked(configuration: Settings, documents: Path) -> None:
    async with AsyncFootnote(configuration=configuration, chat_model=ScriptedChat()) as footnote:
        await footnote.ingest(documents)
        answer = await footnote.ask(QUESTION)
        assert answer.answer == SENTENCE
        assert answer.claims[0].citations[0].quote == "The bridge opened in 1932 after eight years of work."
        assert answer.usage["model_calls"]
        assert answer.receipt is not None
        receipt = await footnote.application.receipts.get(footnote.principal, answer.receipt)
        assert receipt.parts["writer"].endswith(":scripted")


async def test_when_it_fails_the_documents_answer_and_its_words_are_kept_out(
    configuration: Settings, documents: Path
) -> None:
    async with AsyncFootnote(configuration=configuration, chat_model=BrokenChat()) as footnote:
        await footnote.ingest(documents)
        answer = await footnote.ask(QUESTION)
    assert "1932" in answer.answer
    assert answer.degraded
    assert "sk-123" not in answer.model_dump_json()


async def test_embeddings_of_ones_own_have_a_space_of_their_own(configuration: Settings, documents: Path) -> None:
    embeddings = LetterEmbeddings()
    async with AsyncFootnote(configuration=configuration, embeddings=embeddings) as footnote:
        await footnote.ingest(documents)
        found = await footnote.search("The Harbour Bridge opened in 1932 after eight years", "vector")
        assert [hit.passage.title for hit in found] == ["The Harbour Bridge", "The Water Tower"]
        answer = await footnote.ask(QUESTION)
        assert "1932" in answer.answer
        assert answer.degraded == []
        assert footnote.application.embedder.space.endswith(":LetterEmbeddings/36")
    assert embeddings.questions and embeddings.documents >= 2
    async with AsyncFootnote(configuration=configuration) as footnote:  # without them, their vectors are of no use
        answer = await footnote.ask(QUESTION)
        assert "1932" in answer.answer
        assert any(note.startswith("vector search was left out") for note in answer.degraded)


async def test_a_retriever_of_ones_own_is_quoted_and_checked(configuration: Settings, documents: Path) -> None:
    async with AsyncFootnote(configuration=configuration, retrievers=[Ferries()]) as footnote:
        await footnote.ingest(documents)
        answer = await footnote.ask("When does the ferry to the island leave?")
        citation = answer.claims[0].citations[0]
        assert citation.quote == "The ferry to the island leaves at 7:15 every morning."
        assert (citation.source, citation.title, citation.version) == ("retriever:timetable", "Ferries", LIVE)


async def test_a_retriever_that_fails_is_left_out_and_said(configuration: Settings, documents: Path) -> None:
    async with AsyncFootnote(configuration=configuration, retrievers=[BrokenRetriever()]) as footnote:
        await footnote.ingest(documents)
        answer = await footnote.ask(QUESTION)
    assert "1932" in answer.answer
    assert answer.degraded == ["retriever was left out: retriever failed: OSError."]


def test_the_vectors_of_an_encoder_are_made_unit_ones() -> None:
    class Encoder:
        def encode(self, texts: list[str]) -> Any:
            return np.array([[3.0, 4.0]] * len(texts))

    documents, questions = given_embedders(Encoder(), "mine")
    assert documents.space == questions.space == "mine/2"
    assert np.allclose(documents.embed(["a", "b"]), [[0.6, 0.8], [0.6, 0.8]])
    assert questions.embed([]).shape == (0, 2)


@pytest.mark.parametrize("given", [[1.0, 2.0], [[float("nan")]], [[1.0], [1.0]], "nothing"])
def test_an_embedder_that_gives_something_else_is_named(given: Any) -> None:
    class Encoder:
        def encode(self, texts: list[str]) -> Any:
            return given if len(texts) > 2 else np.ones((len(texts), 1))

    documents, _ = given_embedders(Encoder(), "mine")
    documents.open()
    with pytest.raises(ModelUnavailable, match="mine"):
        documents.embed(["a", "b", "c"])


def test_what_is_no_embedder_is_refused() -> None:
    with pytest.raises(TypeError, match="neither embed_documents nor encode"):
        given_embedders(object())
