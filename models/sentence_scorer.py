"""Which sentences answer a question: late interaction with the tokens of each sentence, read in its passage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from models.matching import token_similarities
from models.passages import PassageTokens, text_offset
from models.runtime import TokenVectors
from state.evidence import Passage
from text.tokens import codes, index_terms, query_terms

# What a sentence inherits of the match of its title and headings, and of the sentence before it, per sentence of
# distance: "He resigned in 1974" answers for the name in the sentence before, but less than the sentence that has both.
# Anything from 0.7 to 0.9 ranks about as well; 1 does not, because then every later sentence matches as well.
HEADING_CARRY = 0.8
SENTENCE_CARRY = 0.8

# Weight of the similarity of the means beside the late interaction's 1; anything from 0.1 to 0.5 does.
MEAN_WEIGHT = 0.2

# What a sentence gains by holding all of the question's words that the sentences before it lack, in the units of the
# scores. It brings in the second document of a question about two, where the best sentences repeat the first.
COVERAGE_GAIN = 0.25

# How far below the first sentence a further one may stay, what it gains included. On XQuAD, 0.1 leaves out 28 % of the
# sentences and 0.7 % of the answers; three sentences always would say much that nobody asked.
FURTHER_MARGIN = 0.1

# What a sentence gains by holding a code of the question; as much as separates a good sentence from a poor one.
CODE_GAIN = 0.25

_Matrix = npt.NDArray[np.float32]


class EmbeddingSentenceScorer:
    """Scores a sentence by how well its tokens, read in their passage, match the question's (ColBERT's MaxSim).

    MaxSim is the mean over the question's tokens of the highest cosine of a token of the sentence (Khattab and Zaharia,
    SIGIR 2020), words like "who" and "when" included: in context they match names and dates. The sentence's tokens have
    read the whole passage ("late chunking", Günther et al., 2024), and what the headings and the sentences before it
    match counts for it in part. Costs one pass over the question and the passages, those left out that ``tokens``
    (the reranker's, to read each passage once) holds already. May be shared between threads.
    """

    def __init__(self, tokens: PassageTokens) -> None:
        self._tokens = tokens

    def sentence_scores(self, question: str, passages: Sequence[Passage]) -> list[list[float]]:
        """Return for each passage one score per sentence, within -1 and 1, comparable over passages and questions.

        A sentence beyond what the model reads of a passage has only what it inherits. Raises `ModelUnavailable`.
        """
        if not passages:
            return []
        asked, read = self._tokens.of_both(question, passages)
        if not len(asked.ids):
            return [[0.0] * len(passage.sentences) for passage in passages]
        return [list(_scores(question, asked, passage, tokens)) for passage, tokens in zip(passages, read, strict=True)]


def select_sentences(
    question: str, passages: Sequence[Passage], scores: Sequence[Sequence[float]], limit: int
) -> list[tuple[int, int]]:
    """Choose at most ``limit`` sentences, as ``(index of the passage, index of the sentence)``, best first.

    The first is the one with the highest score. Each further one has the highest sum of its score and
    `COVERAGE_GAIN` times the share of the question's words that it adds, title and headings included (greedy
    maximum coverage), if that is not `FURTHER_MARGIN` below the first. A sentence in the same words as a chosen one is
    left out. Of equals, the earlier one is taken.

    A question with codes in it is answered by sentences that hold one, or stand under a title or heading that does,
    before others, and never by one about other codes only; unless none holds any.
    """
    asked = query_terms(question, {passage.language for passage in passages})
    scores, barred = _by_codes(codes(question), passages, scores)
    words = {
        (row, column): frozenset(index_terms(text, passage.language))
        for row, passage in enumerate(passages)
        for column, text in enumerate(passage.sentence_texts())
        if (row, column) not in barred and not text.endswith(":")  # what announces a list says nothing itself
    }
    named = [frozenset(index_terms(passage.context, passage.language)) for passage in passages]
    covers = {place: _covered(asked, held | named[place[0]]) for place, held in words.items()}
    chosen: list[tuple[int, int]] = []
    covered: frozenset[int] = frozenset()
    while words and len(chosen) < limit:
        share = COVERAGE_GAIN / len(asked) if chosen and asked else 0.0
        gains = {at: scores[at[0]][at[1]] + share * len(covers[at] - covered) for at in words}
        best = max(gains, key=gains.__getitem__)
        if chosen and gains[best] < scores[chosen[0][0]][chosen[0][1]] - FURTHER_MARGIN:
            break
        said = words[best]
        words = {at: held for at, held in words.items() if at != best and held != said}
        covered |= covers[best]
        chosen.append(best)
    return chosen


def _by_codes(
    asked: frozenset[str], passages: Sequence[Passage], scores: Sequence[Sequence[float]]
) -> tuple[Sequence[Sequence[float]], frozenset[tuple[int, int]]]:
    """Return the scores with what sentences gain by holding codes asked for, and the sentences about other codes."""
    if not asked:
        return scores, frozenset()
    named = [codes(passage.context) & asked for passage in passages]
    said = [[codes(text) for text in passage.sentence_texts()] for passage in passages]
    held = [[bool((own & asked) | context) for own in row] for row, context in zip(said, named, strict=True)]
    if not any(any(row) for row in held):
        return scores, frozenset()
    barred = {
        (row, column)
        for row, sentences in enumerate(said)
        for column, own in enumerate(sentences)
        if own and not held[row][column]
    }
    gained = [
        [score + CODE_GAIN * holds for score, holds in zip(row, row_holds, strict=True)]
        for row, row_holds in zip(scores, held, strict=True)
    ]
    return gained, frozenset(barred)


def _covered(asked: Sequence[tuple[str, ...]], held: frozenset[str]) -> frozenset[int]:
    """Return which of the question's words, by index, are held in one of their forms."""
    return frozenset(index for index, forms in enumerate(asked) if not held.isdisjoint(forms))


def _scores(question: str, asked: TokenVectors, passage: Passage, tokens: TokenVectors) -> Iterator[float]:
    """Yield the scores of a passage's sentences, in order."""
    similarity = token_similarities(question, asked, tokens)
    starts, offset = tokens.spans[:, 0], text_offset(passage)
    headings = HEADING_CARRY * _best(similarity[: np.searchsorted(starts, offset)])
    bounds = np.asarray([(span.start, span.end) for span in passage.sentences], dtype=np.int64).reshape(-1, 2)
    places = np.searchsorted(starts, bounds + (offset - passage.start))
    own = _reduced(np.maximum, similarity, places)
    sums = _reduced(np.add, tokens.vectors.astype(np.float32), places)
    lengths = np.linalg.norm(sums, axis=1)
    means = sums @ _unit(asked.vectors.astype(np.float32).mean(axis=0)) / np.where(lengths > 0, lengths, 1)
    inherited = headings
    for row, mean in zip(own, means, strict=True):
        matched = np.maximum(row, inherited)
        yield (float(matched.mean()) + MEAN_WEIGHT * float(mean)) / (1 + MEAN_WEIGHT)
        inherited = np.maximum(SENTENCE_CARRY * matched, headings)


def _reduced(operation: np.ufunc, values: _Matrix, places: npt.NDArray[np.int64]) -> _Matrix:
    """Reduce the rows from each place to its end, as ``values[place:end]``; what is empty gives zeros."""
    padded = np.concatenate([values, np.zeros((1, values.shape[1]), dtype=np.float32)])  # a place may be at the end
    reduced: _Matrix = operation.reduceat(padded, places.ravel(), axis=0)[::2]
    reduced[places[:, 0] >= places[:, 1]] = 0
    return reduced


def _best(similarity: _Matrix) -> _Matrix:
    """Return each question token's highest similarity to one of these tokens, at least 0: shape ``(tokens,)``."""
    best: _Matrix = similarity.max(axis=0, initial=0.0)
    return best


def _unit(vector: _Matrix) -> _Matrix:
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length else vector
