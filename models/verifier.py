"""The embedded verifier: does evidence support a claim, by words, numbers, names, denials and likeness of tokens?"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.passages import PassageTokens
from models.verifier_features import NAMES, Reading, claim_features, missing_words, read, words_of
from models.verifier_head import Head, load_head
from state.answer import Verdict
from state.errors import ModelUnavailable
from text.languages import detect_language
from text.sentences import sentences

_PIECE_CHARS = 900  # of evidence that the model reads at once: whole sentences, fewer tokens than its limit
_MOST_PIECES = 6

# What speaks against a claim rather than for nothing at all: so much of it must be in one sentence of the evidence.
_CLOSE = 0.6

# Evidence that holds less of the claim's words, in words no more alike than this, is about something else.
_ABOUT, _ALIKE = 0.35, 0.55

_AGAINST = ("denied_words", "opposites_best", "numbers_missing", "dates_missing")


class EmbeddedVerifier:
    """Judges by what `models.verifier_features` sees, weighed by a fitted head.

    A claim that stands word for word in the evidence is supported with score 1, and needs no model. Otherwise the score
    is the head's probability, and below that of support if a number, date or denial differs, or a word is the opposite
    of one in the closest sentence. A claim that is not supported is contradicted if a sentence of the evidence says
    nearly the same, but denied, with an opposite word, another number or another date.

    Balanced accuracy, each set judged by a head that was not fitted on it (`evals.train.verifier`): ectsum 0.675,
    samsum 0.567, scitldr 0.585 (SummEdits' mean 0.609), SciFact 0.724, WiCE 0.658 (never fitted on; 0.737 in five
    folds of its own). On samsum, dialogues with one thing exchanged, it is hardly better than chance: that takes a
    model which reads pairs (see `models.verifier_nli`).
    Weights of either sign and boosted trees did no better on unseen sets.
    """

    name = "embedded verifier 1"

    def __init__(self, tokens: PassageTokens, head: Head | None = None) -> None:
        self._tokens = tokens
        self._head = head

    def verify(self, claim: str, evidence: Sequence[str]) -> tuple[Verdict, float]:
        """Return the verdict and a support score in 0..1. No evidence supports nothing. Raises `ModelUnavailable`."""
        given = [text for text in evidence if text.strip()]
        if not given or not claim.strip():
            return "unsupported", 0.0
        if any(claim in text for text in given):
            return "supported", 1.0
        head = self._head or load_head()
        if head.names != NAMES:
            raise ModelUnavailable("The verifier's head does not fit this program: fit it again with evals.train.")
        values = self.values(claim, given)
        seen = dict(zip(NAMES, values, strict=True))
        score = round(head.probability(values), 4)
        if seen["covered"] < _ABOUT and seen["token_content"] < _ALIKE:
            return "unsupported", min(score, head.partly / 2)
        denied = seen["denied_words"] and seen["denials"]
        if seen["numbers_missing"] or seen["dates_missing"] or seen["opposites_best"] or denied:
            score = min(score, head.supported - 0.01)
        if score >= head.supported:
            return "supported", score
        if seen["covered_best"] >= _CLOSE and any(seen[name] for name in _AGAINST):
            return "contradicted", score
        return ("partly" if score >= head.partly else "unsupported"), score

    def values(self, claim: str, evidence: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return what the head weighs, in the order of `NAMES`. Raises `ModelUnavailable`."""
        language = detect_language("\n".join(evidence))
        read_claim, *read_evidence = self._read([claim, *_closest_pieces(claim, evidence, language)], language)
        return claim_features(read_claim, read_evidence)

    def missing(self, claim: str, evidence: Sequence[str]) -> list[tuple[int, int]]:
        """Return ``(start, end)`` of the claim's words that it counts as missing in the evidence.

        Raises `ModelUnavailable`.
        """
        language = detect_language("\n".join(evidence))
        read_claim, *read_evidence = self._read([claim, *_closest_pieces(claim, evidence, language)], language)
        return [(word.start, word.end) for word in missing_words(read_claim, read_evidence)]

    def _read(self, texts: Sequence[str], language: str) -> list[Reading]:
        return [read(text, language, tokens) for text, tokens in zip(texts, self._tokens.of_texts(texts), strict=True)]


def _closest_pieces(claim: str, evidence: Sequence[str], language: str) -> list[str]:
    """Return the evidence in pieces that the model reads whole; of many, those that hold most of the claim's words."""
    pieces = [piece for text in evidence for piece in _pieces(text, language)]
    if len(pieces) <= _MOST_PIECES:
        return pieces
    said = {word.stem for word in words_of(claim, language) if not word.common}
    held = [said & {word.stem for word in words_of(piece, language)} for piece in pieces]
    count = {stem: sum(stem in words for words in held) for stem in said}
    idf = {stem: math.log1p((len(pieces) - n + 0.5) / (n + 0.5)) for stem, n in count.items()}
    points = [sum(idf[stem] for stem in words) for words in held]
    best = sorted(range(len(pieces)), key=lambda at: -points[at])[:_MOST_PIECES]
    return [pieces[at] for at in sorted(best)]


def _pieces(text: str, language: str) -> list[str]:
    if len(text) <= _PIECE_CHARS:
        return [text]
    found: list[tuple[int, int]] = []
    for span in sentences(text, language or "en"):
        if found and span.end - found[-1][0] <= _PIECE_CHARS:
            found[-1] = (found[-1][0], span.end)
        else:
            found.append((span.start, span.end))
    return [text[start:end] for start, end in found]
