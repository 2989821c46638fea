"""The embedded verifier: does evidence support a claim, by words, numbers and negation?"""

from __future__ import annotations

import re
from collections.abc import Sequence

from state.answer import Verdict
from text.languages import detect_language
from text.tokens import index_terms, tokens

_SUPPORTED = 0.85
_PARTLY = 0.6
_NEGATION = re.compile(
    r"\b(not|no|never|none|neither|nor|without|cannot|\w+n['’]t|nicht|kein\w*|nie|ne|pas|jamais)\b", re.I
)


class LexicalVerifier:
    """Judges by what must be there: the claim's numbers and codes all, its words mostly, its negation alike.

    A claim that stands word for word in the evidence is supported with score 1. Otherwise the score is the share of
    the claim's stemmed words that the evidence holds; a number or code that it does not hold, or a negation in one
    and not in the other, leaves the claim unsupported or contradicted whatever the words.
    """

    name = "lexical verifier 1"

    def verify(self, claim: str, evidence: Sequence[str]) -> tuple[Verdict, float]:
        """Return the verdict and a support score in 0..1. No evidence supports nothing."""
        joined = "\n".join(evidence)
        if not joined.strip() or not claim.strip():
            return "unsupported", 0.0
        if claim in joined:
            return "supported", 1.0
        if _numbers(claim) - _numbers(joined):
            return "unsupported", 0.0
        language = detect_language(joined)
        said, held = set(index_terms(claim, language)), set(index_terms(joined, language))
        score = len(said & held) / len(said) if said else 0.0
        if score >= _PARTLY and bool(_NEGATION.search(claim)) != bool(_NEGATION.search(joined)):
            return "contradicted", 0.0
        if score >= _SUPPORTED:
            return "supported", score
        return ("partly", score) if score >= _PARTLY else ("unsupported", score)


def _numbers(text: str) -> set[str]:
    """Return the numbers and codes of a text in their matching form."""
    return {token.text for token in tokens(text) if token.kind in ("number", "identifier")}
