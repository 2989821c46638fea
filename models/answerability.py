"""Whether what was found answers the question at all: a calibrated probability, and where to abstain."""

from __future__ import annotations

import math
from collections.abc import Sequence

from state.evidence import Passage
from state.ports import SentenceScorer

# Logistic regression on the best score of `models.sentence_scorer.EmbeddingSentenceScorer` over the five best passages,
# fitted (scikit-learn, C = 1000) on CLAPnq questions (153 answerable, 142 not; Rosenthal et al., 2025; Apache-2.0).
# AUROC 0.90; the highest cosine of a passage alone has 0.86 and adds nothing; nor does the margin to the fifth one, or
# the question's words that the best passage holds (cross-validated 0.89 to 0.90).
SLOPE = 20.0
INTERCEPT = -12.2

# Where to abstain: a probability, the share of CLAPnq's answerable questions that are still answered, and the share
# of its unanswerable ones, which ask about the very documents at hand, that are answered nonetheless.
#   0.04: 1.00, 0.78    0.10: 0.99, 0.61    0.21: 0.95, 0.45    0.39: 0.90, 0.26    0.50: 0.86, 0.20
# The default rarely withholds an answer: most off-topic questions fall below it, and what passes is checked still.
ABSTAIN_BELOW = 0.10
ABSTAIN_BELOW_BALANCED = 0.50

_PASSAGES = 5


def answerability(best_score: float) -> float:
    """Return the probability that the passages answer the question, from the best score of their sentences."""
    return 1.0 / (1.0 + math.exp(-(SLOPE * best_score + INTERCEPT)))


class PassageJudge:
    """Judges passages by their best sentence. Below ``threshold`` nothing relevant was found."""

    def __init__(self, scorer: SentenceScorer, threshold: float = ABSTAIN_BELOW) -> None:
        self._scorer = scorer
        self.threshold = threshold

    def relevance(self, question: str, passages: Sequence[Passage]) -> float:
        """Return the probability that the first five passages answer the question; 0 if they have no sentence.

        Runs the embedding model: call it in a thread. Raises `ModelUnavailable`.
        """
        rows = self._scorer.sentence_scores(question, passages[:_PASSAGES])
        best = max((score for row in rows for score in row), default=None)
        return 0.0 if best is None else answerability(best)
