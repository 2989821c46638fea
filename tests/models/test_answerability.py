from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.answerability import ABSTAIN_BELOW, ABSTAIN_BELOW_BALANCED, PassageJudge, answerability
from models.embedder import SentenceTransformerEmbedder
from models.sentence_scorer import EmbeddingSentenceScorer
from state.evidence import Passage
from tests.models.conftest import MakePassage


class FixedScores:
    """Scores the passages' sentences as told, and remembers how many passages it saw."""

    def __init__(self, *rows: list[float]) -> None:
        self.rows = list(rows)
        self.seen = 0

    def sentence_scores(self, question: str, passages: Sequence[Passage]) -> list[list[float]]:
        self.seen = len(passages)
        return self.rows[: len(passages)]


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_answerability_is_a_probability_that_rises_with_the_score(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0 < answerability(low) <= answerability(high) < 1


def test_answerability_is_even_where_answerable_and_unanswerable_questions_meet() -> None:
    assert answerability(0.61) == pytest.approx(0.5, abs=0.01)


def test_relevance_is_that_of_the_best_sentence_in_any_passage(make_passage: MakePassage) -> None:
    judge = PassageJudge(FixedScores([0.1, 0.2], [0.7, 0.3]))
    passages = [make_passage("One.", "Two."), make_passage("Three.", "Four.")]
    assert judge.relevance("?", passages) == answerability(0.7)


def test_relevance_looks_at_no_more_passages_than_it_was_fitted_on(make_passage: MakePassage) -> None:
    scorer = FixedScores(*([0.4] for _ in range(8)))
    PassageJudge(scorer).relevance("?", [make_passage("One.") for _ in range(8)])
    assert scorer.seen == 5


def test_nothing_to_judge_is_not_relevant(make_passage: MakePassage) -> None:
    assert PassageJudge(FixedScores()).relevance("?", []) == 0.0
    assert PassageJudge(FixedScores([])).relevance("?", [make_passage("One.")]) == 0.0


def test_the_default_threshold_abstains_less_than_the_balanced_one() -> None:
    assert PassageJudge(FixedScores()).threshold == ABSTAIN_BELOW < ABSTAIN_BELOW_BALANCED


@pytest.mark.parametrize(
    ("question", "answered"),
    [
        ("How long is the warranty on pumps?", True),
        ("Who repairs a pump under warranty?", True),
        ("What is the exchange rate of the dollar?", False),
        ("set an alarm for seven", False),
    ],
)
def test_the_packaged_model_tells_questions_on_the_topic_from_others(
    embedder: SentenceTransformerEmbedder, make_passage: MakePassage, question: str, answered: bool
) -> None:
    passage = make_passage(
        "The warranty on pumps lasts two years.", "Repairs under warranty are done by the nearest workshop."
    )
    judge = PassageJudge(EmbeddingSentenceScorer(embedder))
    assert (judge.relevance(question, [passage]) >= judge.threshold) is answered
