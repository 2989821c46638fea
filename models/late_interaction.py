"""The embedded reranker: late interaction over the embedding model's own token vectors, nothing to download."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.embedder import TokenVectors
from models.passages import PassageTokens, text_offset
from state.evidence import Passage
from state.ports import Vectors

# Smoothing of the rank fusion: 20 rather than the usual 60, because thirty passages are few.
_K = 20

_Scores = npt.NDArray[np.float64]


class LateInteractionReranker:
    """Fuses three rankings of the passages by reciprocal rank."""

    name = "late-interaction"

    def __init__(self, tokens: PassageTokens) -> None:
        self._tokens = tokens

    def open(self) -> None:
        """Load the embedding model. Raises `ModelUnavailable`."""
        self._tokens.embedder.open()

    def scores(self, question: str, passages: Sequence[Passage]) -> list[float]:
        """Return one score a passage, between 0 and 1. Raises `ModelUnavailable`."""
        if not passages:
            return []
        asked = self._tokens.embedder.token_embeddings([question])[0]
        pooled = self._tokens.embedder.embed([question])[0]
        read = self._tokens.of(passages)
        if not len(asked.ids):
            return _reciprocal_ranks(np.arange(len(passages), 0.0, -1.0)).tolist()  # type: ignore[no-any-return]
        similar = [_similarities(asked, tokens) for tokens in read]
        weights = _rarity(asked, read)
        maxsim = np.array([weights @ matrix.max(axis=1, initial=-1.0) for matrix in similar])
        return []


def _similarities(asked: TokenVectors, read: TokenVectors) -> Vectors:
    """Return the cosine of each token of the question with each of the passage, shape ``(asked, read)``."""
    return asked.vectors.astype(np.float32) @ read.vectors.astype(np.float32).T


def _rarity(asked: TokenVectors, read: Sequence[TokenVectors]) -> _Scores:
    """Return the question's tokens' weights: Lucene's idf, the passages at hand standing for the collection."""
    holding = np.array([sum(bool((tokens.ids == token).any()) for tokens in read) for token in asked.ids])
    return np.log1p((len(read) - holding + 0.5) / (holding + 0.5))


def _sentence_vectors(passage: Passage, read: TokenVectors) -> Vectors:
    """Return the unit mean of each sentence's token vectors in context ("late chunking"), shape ``(n, dimension)``.

    Empty for a passage whose sentences lie beyond what the model reads.
    """
    begin = text_offset(passage) - passage.start
    starts, ends = read.spans.T
    means = []
    for sentence in passage.sentences:
        inside = (starts >= sentence.start + begin) & (ends <= sentence.end + begin)
        if inside.any():
            means.append(read.vectors[inside].astype(np.float32).mean(axis=0))
    vectors = np.array(means, dtype=np.float32).reshape(len(means), read.vectors.shape[1])
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def _reciprocal_ranks(scores: _Scores) -> _Scores:
    """Return ``1 / (k + rank)`` for each score, rank 1 for the highest; equal ones in the order given."""
    ranks = np.empty(len(scores))
    ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return 1.0 / (_K + ranks)
