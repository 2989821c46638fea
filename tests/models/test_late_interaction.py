from __future__ import annotations

import pytest

from models.embedder import SentenceTransformerEmbedder
from models.late_interaction import LateInteractionReranker
from models.passages import PassageTokens
from state.evidence import Passage
from tests.models.conftest import MakePassage


@pytest.fixture(scope="module")
def reranker(embedder: SentenceTransformerEmbedder) -> LateInteractionReranker:
    return LateInteractionReranker(PassageTokens(embedder))


def best(reranker: LateInteractionReranker, question: str, passages: list[Passage]) -> int:
    scores = reranker.scores(question, passages)
    return max(range(len(scores)), key=scores.__getitem__)


def test_the_passage_that_answers_rises_from_the_end(
    reranker: LateInteractionReranker, make_passage: MakePassage
) -> None:
    passages = [
        make_passage("Penguins live on the southern ice.", "They cannot fly."),
        make_passage("The office is closed on public holidays."),
        make_passage("Batteries are covered by the warranty for six months."),
    ]
    assert best(reranker, "How long is the warranty on batteries?", passages) == 2


def test_the_rare_word_decides_between_passages_that_share_the_others(
    reranker: LateInteractionReranker, make_passage: MakePassage
) -> None:
    passages = [
        make_passage("The annual report of the northern branch was approved."),
        make_passage("The annual report of the western branch was approved."),
        make_passage("The annual report of the eastern branch was approved."),
    ]
    assert best(reranker, "annual report of the eastern branch", passages) == 2


def test_the_title_counts(reranker: LateInteractionReranker, make_passage: MakePassage) -> None:
    sentence = "It was built in 1889 and is open every day."
    passages = [make_passage(sentence, title="Louvre"), make_passage(sentence, title="Eiffel Tower")]
    assert best(reranker, "When was the Eiffel Tower built?", passages) == 1


def test_equal_passages_keep_their_fused_order(reranker: LateInteractionReranker, make_passage: MakePassage) -> None:
    scores = reranker.scores("Who wrote it?", [make_passage("It was written by Ann.") for _ in range(4)])
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 4


def test_a_question_without_tokens_keeps_the_fused_order(
    reranker: LateInteractionReranker, make_passage: MakePassage
) -> None:
    scores = reranker.scores("", [make_passage("One."), make_passage("Two."), make_passage("Three.")])
    assert scores == sorted(scores, reverse=True)


def test_an_empty_passage_is_ranked_last(reranker: LateInteractionReranker, make_passage: MakePassage) -> None:
    passages = [
        make_passage("Refunds take fourteen days."),
        make_passage(""),
        make_passage("Refunds are paid by card."),
    ]
    scores = reranker.scores("How long do refunds take?", passages)
    assert min(scores) == scores[1]


def test_the_same_question_gives_the_same_scores_with_and_without_kept_tokens(
    embedder: SentenceTransformerEmbedder, make_passage: MakePassage
) -> None:
    passages = [make_passage("The cat sat."), make_passage("A dog ran away from home."), make_passage("Rain.")]
    kept = LateInteractionReranker(PassageTokens(embedder))
    first = kept.scores("Where is the dog?", passages)
    assert kept.scores("Where is the dog?", passages) == first
    assert LateInteractionReranker(PassageTokens(embedder)).scores("Where is the dog?", passages) == first


def test_scores_lie_between_zero_and_one_and_no_passages_give_none(
    reranker: LateInteractionReranker, make_passage: MakePassage
) -> None:
    assert reranker.scores("anything", []) == []
    assert all(0 < score < 1 for score in reranker.scores("anything", [make_passage("One."), make_passage("Two.")]))
