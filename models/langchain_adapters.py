"""A program's own models behind our ports: LangChain chat models, and LangChain or sentence-transformers embedders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from models.chat import LangChainChat
from models.chat_endpoint import Address, ChatEndpoint
from models.prices import PriceTable
from settings import Settings
from state.errors import ModelUnavailable
from state.ports import Vectors

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

_Embed = Callable[[list[str]], Any]


class GivenChatEndpoint(ChatEndpoint):
    """Calls a chat model that a program has made itself."""

    def __init__(self, model: BaseChatModel, prices: PriceTable) -> None:
        super().__init__(Address(_name(model)), prices)
        self._given = model

    def _build(self, plain: bool) -> BaseChatModel:
        return self._given


def given_chat(model: BaseChatModel, settings: Settings) -> LangChainChat:
    """Return a LangChain chat model behind `state.ports.ChatModel`, with the retries and time limits of the settings.

    It is called ``provider:model`` as `init_chat_model` would: the provider is the package that it comes from. Raises
    `ModelUnavailable` for a price file that cannot be read.
    """
    endpoint = GivenChatEndpoint(model, PriceTable(settings.chat_prices))
    return LangChainChat([endpoint], retries=settings.chat_retries, silence=settings.chat_timeout)


class GivenEmbedder:
    """An embedder of a program's own behind `state.ports.Embedder`; vectors are made unit ones.

    ``name`` is that of its embedding space: two models of one name and dimension are taken to be the same.
    """

    def __init__(self, embed: _Embed, name: str) -> None:
        self._embed = embed
        self._name = name

    @cached_property
    def space(self) -> str:
        """Name of the embedding space. Raises `ModelUnavailable`."""
        return f"{self._name}/{self.dimension}"

    @cached_property
    def dimension(self) -> int:
        """Number of values of a vector, by embedding a word. Raises `ModelUnavailable`."""
        return int(self._vectors(["word"]).shape[1])

    def open(self) -> None:
        """Embed a word, so that a model that cannot be had is known at once. Raises `ModelUnavailable`."""
        self.space  # noqa: B018 - it is kept

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, shape ``(len(texts), dimension)``, in the order given. Raises `ModelUnavailable`."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        vectors = self._vectors([*texts])
        if vectors.shape != (len(texts), self.dimension):
            raise ModelUnavailable(
                f"The embedder {self._name} gave an array of shape {vectors.shape} for {len(texts)} texts of "
                f"{self.dimension} values: it must give one vector a text."
            )
        return vectors

    def _vectors(self, texts: list[str]) -> Vectors:
        try:
            vectors = np.asarray(self._embed(texts), dtype=np.float32)
        except Exception as error:  # each library raises its own
            raise ModelUnavailable(f"The embedder {self._name} failed: {type(error).__name__}.") from error
        if vectors.ndim != 2 or not np.isfinite(vectors).all():
            raise ModelUnavailable(f"The embedder {self._name} gave something other than one vector of numbers a text.")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True).astype(np.float32)
        lengths[lengths == 0] = 1
        unit: Vectors = vectors / lengths
        return unit


def given_embedders(model: Any, name: str | None = None) -> tuple[GivenEmbedder, GivenEmbedder]:
    """Return an embedder of documents and one of questions, for models that tell these apart.

    ``model`` is a LangChain `Embeddings` (``embed_documents``, ``embed_query``) or has the ``encode`` of
    sentence-transformers. Raises `TypeError` for anything else.
    """
    name = name or _name(model)
    if hasattr(model, "embed_documents"):
        return (
            GivenEmbedder(model.embed_documents, name),
            GivenEmbedder(lambda texts: [model.embed_query(text) for text in texts], name),
        )
    if hasattr(model, "encode"):
        documents = getattr(model, "encode_document", model.encode)
        return GivenEmbedder(documents, name), GivenEmbedder(getattr(model, "encode_query", model.encode), name)
    raise TypeError(f"{type(model).__name__} is no embedder: it has neither embed_documents nor encode.")


def _name(model: Any) -> str:
    """Return ``provider:model`` of an object: the package that it comes from, and what it calls its model."""
    kind = type(model)
    provider = kind.__module__.partition(".")[0].removeprefix("langchain_")
    called = (getattr(model, key, None) for key in ("model_name", "model", "model_id"))
    return f"{provider}:{next((one for one in called if isinstance(one, str)), kind.__name__)}"
