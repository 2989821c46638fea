"""Which sentences answer a question: late interaction with the tokens of each sentence, read in its passage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from models.embedder import TokenVectors
from models.passages import PassageTokens, text_offset
from state.evidence import Passage

# What a sentence inherits of the match of its title and headings, and of the sentence before it, per sentence of
# distance: "He resigned in 1974" answers for the name in the sentence before, but less than the sentence that has both.
# Anything from 0.7 to 0.9 ranks about as well; 1 does not, because then every later sentence matches as well.
HEADING_CARRY = 0.8
SENTENCE_CARRY = 0.8

# Weight of the similarity of the means beside the late interaction's 1; anything from 0.1 to 0.5 does.
MEAN_WEIGHT = 0.2

_Matrix = npt.NDArray[np.float32]


class LateInteractionSentenceScorer:
    """Scores a sentence by how well its tokens, read in their passage, match the question's (ColBERT's MaxSim).

    MaxSim is the mean over the question's tokens of the highest cosine of a token of the sentence (Khattab and Zaharia,
    SIGIR 2020), words like "who" and "when" included: in context they match names and dates. The sentence's tokens have
    read the whole passage ("late chunking", Günther et al., 2024), and what the headings and the sentences before it
    match counts for it in part. Costs one pass over the passages that ``tokens`` does not hold yet, and one over the
    question. May be shared between threads.
    """

    def __init__(self, tokens: PassageTokens) -> None:
        self._tokens = tokens

    def sentence_scores(self, question: str, passages: Sequence[Passage]) -> list[list[float]]:
        """Return for each passage one score per sentence, within -1 and 1, comparable over passages and questions.

        A sentence beyond what the model reads of a passage has only what it inherits. Raises `ModelUnavailable`.
        """
        if not passages:
            return []
        asked = self._tokens.embedder.token_embeddings([question])[0].vectors.astype(np.float32)
        if not len(asked):
            return [[0.0] * len(passage.sentences) for passage in passages]
        read = self._tokens.of(passages)
        return [list(_scores(asked, passage, tokens)) for passage, tokens in zip(passages, read, strict=True)]


def _scores(asked: _Matrix, passage: Passage, tokens: TokenVectors) -> Iterator[float]:
    """Yield the scores of a passage's sentences, in order; ``asked`` has shape ``(question tokens, dimension)``."""
    vectors = tokens.vectors.astype(np.float32)
    similarity = vectors @ asked.T
    starts, offset = tokens.spans[:, 0], text_offset(passage)
    meant = _unit(asked.mean(axis=0))
    headings = HEADING_CARRY * _best(similarity[: np.searchsorted(starts, offset)])
    inherited = headings
    for span in passage.sentences:
        shift = offset - passage.start
        first, last = np.searchsorted(starts, (span.start + shift, span.end + shift))
        matched = np.maximum(_best(similarity[first:last]), inherited)
        mean = float(_unit(vectors[first:last].sum(axis=0)) @ meant)
        yield (float(matched.mean()) + MEAN_WEIGHT * mean) / (1 + MEAN_WEIGHT)
        inherited = np.maximum(SENTENCE_CARRY * matched, headings)


def _best(similarity: _Matrix) -> _Matrix:
    """Return each question token's highest similarity to one of these tokens, at least 0: shape ``(tokens,)``."""
    best: _Matrix = similarity.max(axis=0, initial=0.0)
    return best


def _unit(vector: _Matrix) -> _Matrix:
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length else vector
