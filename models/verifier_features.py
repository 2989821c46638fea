"""What tells whether evidence supports a claim: words, numbers, names, denials, order, and the likeness of tokens."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import regex

from models.runtime import TokenVectors
from text.languages import stemmer_for, stop_words
from text.opposites import HEDGE, NEGATION, UNIVERSAL, opposites
from text.quantities import amounts, calendar_words
from text.sentences import sentences

_WORD = regex.compile(r"[\p{L}\p{N}]+(?:['’][\p{L}]+)?")
_OPENING = ("", *".!?:\n")
_NEIGHBOURS = 4  # words on each side of a number that say what it counts
_DENIED = 3  # words that a negation reaches, those in common use left out
_Values = npt.NDArray[np.float32]

# What speaks for a claim the more the higher it is, and what against it: the head may not weigh it otherwise.
FOR = (
    "token_mean", "token_content", "token_low", "token_second", "best_mean", "best_content", "best_low",
    "best_cosine", "reverse_mean", "same_word_low", "same_word_mean", "covered", "covered_best", "missing_likeness",
    "missing_low", "bigrams", "bigrams_best", "trigrams", "number_context", "head_covered", "tail_covered",
)  # fmt: skip
AGAINST = (
    "missing", "numbers_missing", "numbers_missing_best", "dates_missing", "names_missing", "names_missing_share",
    "denials", "denial_extra", "denied_words", "opposites", "opposites_best", "hedges", "hedge_lost",
    "universal_extra", "inversions", "missing_short",
)  # fmt: skip
NAMES = (*FOR, *AGAINST)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text: its stem, its place, whether it is a stop word, and whether it is written like a name."""

    stem: str
    start: int
    end: int
    common: bool
    name: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as the verifier reads it: its words, its sentences, its tokens in context."""

    text: str
    words: tuple[Word, ...]
    sentences: tuple[tuple[int, int], ...]
    tokens: TokenVectors


def read(text: str, language: str, tokens: TokenVectors) -> Reading:
    """Take a text apart. ``tokens`` are its token vectors, spans of this very text."""
    spans = tuple((span.start, span.end) for span in sentences(text, language or "en"))
    return Reading(text, words_of(text, language), spans or ((0, len(text)),), tokens)


def words_of(text: str, language: str) -> tuple[Word, ...]:
    """Return a text's words, stemmed by its language."""
    common, found = stop_words(language), []
    for match in _WORD.finditer(text):
        written = match.group()
        folded = written.casefold().replace("’", "'").removesuffix("'s")
        opens = text[max(0, match.start() - 3) : match.start()].rstrip(" \"'“‘(")[-1:] in _OPENING
        name = written[0].isupper() and len(written) > 1 and (not opens or written.isupper())
        stop = folded in common and not (len(written) > 1 and written.isupper())
        found.append(Word(_stem(folded, language), *match.span(), stop, name and not stop))
    return tuple(found)


@lru_cache(maxsize=1 << 15)
def _stem(word: str, language: str) -> str:
    stem = stemmer_for(language)
    return stem(word) if stem else word


def claim_features(claim: Reading, evidence: Sequence[Reading]) -> _Values:
    """Return the values of `NAMES`, shape ``(len(NAMES),)``, float32. ``evidence`` holds at least one text."""
    likeness = _Likeness(claim, evidence)
    words, content = claim.words, [word for word in claim.words if not word.common]
    stems = [word.stem for word in words]
    everywhere = [[word.stem for word in reading.words] for reading in evidence]
    held = {stem for row in everywhere for stem in row}
    best_text = likeness.best_text
    best_words = likeness.best_words
    best_held = {word.stem for word in best_words}
    absent_words = missing_words(claim, evidence)
    missing = [word for word in absent_words if not word.stem.isdigit()]
    all_text = "\n".join(reading.text for reading in evidence)
    names = [word for word in content if word.name]
    names_missing = [word for word in names if word.stem not in held]
    said_numbers, held_numbers = amounts(claim.text), amounts(all_text)
    missing_likeness = [likeness.word(word) for word in missing]
    alike = (likeness.same_word(word) for word in content if word.stem in held)
    same = [value for value in alike if value is not None]
    denials, best_denials = len(NEGATION.findall(claim.text)), len(NEGATION.findall(best_text))
    hedges, best_hedges = len(HEDGE.findall(claim.text)), len(HEDGE.findall(best_text))
    absent = [word.stem for word in absent_words]
    absent_best = [word.stem for word in content if word.stem not in best_held]
    half = max(1, len(content) // 2)
    token_content = [likeness.word(word) for word in content] or [0.0]
    low = sorted(token_content)
    best_content = [likeness.word(word, best=True) for word in content] or [0.0]
    values = {
        "token_mean": likeness.mean,
        "token_content": float(np.mean(token_content)),
        "token_low": low[0],
        "token_second": low[min(1, len(low) - 1)],
        "best_mean": likeness.best_mean,
        "best_content": float(np.mean(best_content)),
        "best_low": min(best_content),
        "best_cosine": likeness.best_cosine,
        "reverse_mean": likeness.reverse,
        "same_word_low": min(same, default=0.5),
        "same_word_mean": float(np.mean(same)) if same else 0.5,
        "covered": 1.0 - _share(sum(word.stem not in held for word in content), len(content)),
        "covered_best": 1.0 - _share(sum(word.stem not in best_held for word in content), len(content)),
        "missing": float(len(missing)),
        "missing_likeness": float(np.mean(missing_likeness)) if missing else 1.0,
        "missing_low": min(missing_likeness, default=1.0),
        "bigrams": _sequences(stems, everywhere, 2),
        "bigrams_best": _sequences(stems, [[word.stem for word in best_words]], 2),
        "trigrams": _sequences(stems, everywhere, 3),
        "numbers_missing": float(len(said_numbers - held_numbers)),
        "numbers_missing_best": float(len(said_numbers - amounts(best_text))),
        "number_context": _number_context(claim, evidence),
        "dates_missing": float(len(calendar_words(claim.text) - calendar_words(all_text))),
        "names_missing": float(len(names_missing)),
        "names_missing_share": _share(len(names_missing), len(names)),
        "denials": float((denials % 2) != (best_denials % 2)),
        "denied_words": _denied_words(claim, evidence),
        "denial_extra": float(denials > 0 and not NEGATION.search(all_text)),
        "opposites": float(sum(not opposites(stem).isdisjoint(held) for stem in absent)),
        "opposites_best": float(sum(not opposites(stem).isdisjoint(best_held) for stem in absent_best)),
        "hedges": float(hedges),
        "hedge_lost": float(best_hedges > 0 and hedges == 0),
        "universal_extra": float(bool(UNIVERSAL.search(claim.text)) and not UNIVERSAL.search(best_text)),
        "inversions": _inversions([word.stem for word in content], [word.stem for word in best_words]),
        "head_covered": _share(sum(word.stem in held for word in content[:half]), half),
        "tail_covered": _share(sum(word.stem in held for word in content[-half:]), half),
        "missing_short": float(sum(value < 0.45 for value in missing_likeness)),
    }
    return np.array([values[name] for name in NAMES], dtype=np.float32)


def missing_words(claim: Reading, evidence: Sequence[Reading]) -> list[Word]:
    """Return the words of a claim, those in common use left out, that the evidence has in no form."""
    held = {word.stem for reading in evidence for word in reading.words}
    return [word for word in claim.words if not word.common and word.stem not in held]


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


class _Likeness:
    """How alike the tokens of a claim are to those of the evidence, and which sentence of it comes closest."""

    def __init__(self, claim: Reading, evidence: Sequence[Reading]) -> None:
        self._claim, self._evidence = claim, evidence
        said = claim.tokens.vectors.astype(np.float32)
        held = np.concatenate([reading.tokens.vectors for reading in evidence]).astype(np.float32)
        self._similar = said @ held.T if len(said) and len(held) else np.zeros((max(1, len(said)), 1), np.float32)
        self._highest = self._similar.max(axis=1)
        self.mean = float(self._highest.mean())
        self._columns = np.cumsum([0, *(len(reading.tokens.ids) for reading in evidence)])
        self._places: dict[str, list[tuple[int, Word]]] = {}
        for number, reading in enumerate(evidence):
            for word in reading.words:
                self._places.setdefault(word.stem, []).append((number, word))
        self._choose_sentence(said, held)

    def _choose_sentence(self, said: _Values, held: _Values) -> None:
        best = (-1.0, 0, 0, 0, (0, 0))
        for number, reading in enumerate(self._evidence):
            starts, offset = reading.tokens.spans[:, 0], int(self._columns[number])
            for start, end in reading.sentences:
                first, last = (offset + int(at) for at in np.searchsorted(starts, (start, end)))
                if last > first:
                    score = float(self._similar[:, first:last].max(axis=1).mean())
                    best = max(best, (score, -number, first, last, (start, end)))
        self.best_mean, number, first, last, (start, end) = best[0], -best[1], best[2], best[3], best[4]
        reading = self._evidence[number]
        self.best_text = reading.text[start:end]
        self.best_words = [word for word in reading.words if start <= word.start < end]
        part = self._similar[:, first:last] if last > first else np.zeros_like(self._similar[:, :1])
        self._best_highest = part.max(axis=1)
        self.reverse = float(part.max(axis=0).mean())
        self.best_cosine = _cosine(said, held[first:last])

    def word(self, word: Word, best: bool = False) -> float:
        """Return the mean likeness of a word's tokens to their closest ones."""
        first, last = self._tokens(self._claim.tokens, word)
        row = self._best_highest if best else self._highest
        return float(row[first:last].mean()) if last > first else 1.0

    def same_word(self, word: Word) -> float | None:
        """Return how alike the contexts are in which claim and evidence use a word; the best of its places."""
        first, last = self._tokens(self._claim.tokens, word)
        found = []
        for number, other in self._places.get(word.stem, ()):
            start, end = self._tokens(self._evidence[number].tokens, other)
            if end > start and last > first:
                offset = int(self._columns[number])
                found.append(float(self._similar[first:last, offset + start : offset + end].max(axis=1).mean()))
        return max(found, default=None)

    @staticmethod
    def _tokens(tokens: TokenVectors, word: Word) -> tuple[int, int]:
        first, last = np.searchsorted(tokens.spans[:, 0], (word.start, word.end))
        return int(first), int(last)


def _cosine(one: _Values, other: _Values) -> float:
    if not len(one) or not len(other):
        return 0.0
    left, right = one.mean(axis=0), other.mean(axis=0)
    return float(left @ right / max(1e-9, float(np.linalg.norm(left) * np.linalg.norm(right))))


def _sequences(stems: Sequence[str], texts: Sequence[Sequence[str]], length: int) -> float:
    """Return the share of the claim's sequences of ``length`` words that the evidence has too."""
    said = set(zip(*(stems[at:] for at in range(length)), strict=False))
    held = {found for text in texts for found in zip(*(text[at:] for at in range(length)), strict=False)}
    return _share(len(said & held), len(said))


def _number_context(claim: Reading, evidence: Sequence[Reading]) -> float:
    """Return how much of what stands around a number of the claim stands around it in the evidence, at the worst.

    1 if the claim has no number, or none that the evidence has.
    """
    said = _around_numbers(claim)
    held: dict[str, list[frozenset[str]]] = {}
    for reading in evidence:
        for number, words in _around_numbers(reading):
            held.setdefault(number, []).append(words)
    shares = [
        max(_share(len(words & other), len(words)) for other in held[number])
        for number, words in said
        if number in held and words
    ]
    return min(shares, default=1.0)


def _around_numbers(reading: Reading) -> list[tuple[str, frozenset[str]]]:
    content, reach = [word for word in reading.words if not word.common], _NEIGHBOURS
    return [
        (
            word.stem,
            frozenset(other.stem for other in content[max(0, at - reach) : at + reach + 1] if other is not word),
        )
        for at, word in enumerate(content)
        if word.stem[0].isdigit()
    ]


def _denied_words(claim: Reading, evidence: Sequence[Reading]) -> float:
    """Return how many words one side denies that the other has and never denies."""
    denied, plain = _by_denial(claim)
    sides = [_by_denial(reading) for reading in evidence]
    held_denied = {stem for side, _ in sides for stem in side}
    held_plain = {stem for _, side in sides for stem in side}
    against = (denied & held_plain) - held_denied
    turned = (plain & held_denied) - held_plain
    return float(len(against) + len(turned))


def _by_denial(reading: Reading) -> tuple[set[str], set[str]]:
    """Return the words that a negation reaches, and the others."""
    reaches = [match.end() for match in NEGATION.finditer(reading.text)]
    content = [word for word in reading.words if not word.common]
    starts = [word.start for word in content]
    hit = {at for end in reaches for at in range(bisect_left(starts, end), bisect_left(starts, end) + _DENIED)}
    denied = {word.stem for at, word in enumerate(content) if at in hit}
    return denied, {word.stem for at, word in enumerate(content) if at not in hit}


def _inversions(said: Sequence[str], held: Sequence[str]) -> float:
    """Return the share of pairs of shared words that stand in the other order in the evidence ("A beat B")."""
    places: dict[str, int] = {}
    for at, stem in enumerate(held):
        places.setdefault(stem, at)
    order = [places[stem] for stem in dict.fromkeys(said) if stem in places]
    pairs = len(order) * (len(order) - 1) // 2
    turned = sum(one > other for at, one in enumerate(order) for other in order[at + 1 :])
    return _share(turned, pairs)
