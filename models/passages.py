"""How a passage is read by a model, and the tokens of passages already read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from threading import Lock
from typing import Protocol, runtime_checkable

from models.runtime import TokenVectors
from state.evidence import Passage
from state.ports import Vectors

_Key = tuple[int, int, bytes]
_QUESTION = -1  # in place of a chunk's id


@runtime_checkable
class TokenEmbedder(Protocol):
    """An embedder that gives the vectors of single tokens too."""

    def open(self) -> None:
        """Load the model. Raises `ModelUnavailable`."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, shape ``(len(texts), dimension)``, in the order given. Raises `ModelUnavailable`."""

    def token_embeddings(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Return each text's contextual token vectors, in the order given. Raises `ModelUnavailable`."""


def contextual_text(passage: Passage) -> str:
    """Return the passage's text with its title and headings before it, as it was embedded."""
    return f"{passage.context}\n{passage.text}" if passage.context else passage.text


def text_offset(passage: Passage) -> int:
    """Return where the passage's text begins in its `contextual_text`."""
    return len(contextual_text(passage)) - len(passage.text)


class PassageTokens:
    """Token vectors of passages and questions, the last used kept, up to ``max_bytes`` (about 0.2 MB a passage).

    The reranker and the sentence scorer share one, so that a passage goes through the model once. Shared by threads.
    """

    def __init__(self, embedder: TokenEmbedder, max_bytes: int = 128 * 2**20) -> None:
        self.embedder = embedder
        self._max_bytes = max_bytes
        self._kept: OrderedDict[_Key, TokenVectors] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def of(self, passages: Sequence[Passage]) -> list[TokenVectors]:
        """Return each passage's token vectors; spans are of its `contextual_text`. Raises `ModelUnavailable`."""
        return self._read([_keyed(passage) for passage in passages])

    def of_both(self, question: str, passages: Sequence[Passage]) -> tuple[TokenVectors, list[TokenVectors]]:
        """Return the token vectors of a question, and as `of` does: one pass over all. Raises `ModelUnavailable`."""
        asked, *read = self._read([(_key(_QUESTION, 0, question), question), *map(_keyed, passages)])
        return asked, read

    def of_texts(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Return the token vectors of claims and quotes, read on their own. Raises `ModelUnavailable`."""
        return self._read([(_key(_QUESTION, 0, text), text) for text in texts])

    def _read(self, texts: Sequence[tuple[_Key, str]]) -> list[TokenVectors]:
        with self._lock:
            found = {key: self._kept[key] for key, _ in texts if key in self._kept}
        missing = {key: text for key, text in texts if key not in found}
        found.update(zip(missing, self.embedder.token_embeddings(list(missing.values())), strict=True))
        with self._lock:
            for key, _ in texts:
                self._keep(key, found[key])
        return [found[key] for key, _ in texts]

    def _keep(self, key: _Key, tokens: TokenVectors) -> None:
        if key not in self._kept:
            self._kept[key] = tokens
            self._bytes += tokens.nbytes
        self._kept.move_to_end(key)
        while self._bytes > self._max_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.nbytes


def _keyed(passage: Passage) -> tuple[_Key, str]:
    text = contextual_text(passage)
    return _key(passage.chunk_id, passage.version, text), text


def _key(chunk: int, version: int, text: str) -> _Key:
    """Name a text: by its digest too, because tests and other sources may reuse ids."""
    return chunk, version, blake2b(text.encode(), digest_size=16).digest()
