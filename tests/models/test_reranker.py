from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.reranker import CrossEncoderReranker
from settings import Settings
from state.errors import ModelUnavailable
from tests.models.conftest import MakePassage


@pytest.fixture(scope="module")
def reranker(settings: Settings, cross_encoder_folder: Path) -> CrossEncoderReranker:
    return CrossEncoderReranker(settings.model_copy(update={"reranker_model": str(cross_encoder_folder)}))


def test_each_passage_gets_its_score_in_the_order_given(
    reranker: CrossEncoderReranker, make_passage: MakePassage
) -> None:
    passages = [make_passage("the cat sat."), make_passage("the dog sat. " * 10), make_passage("a b c")]
    scores = reranker.scores("the cat?", passages)
    alone = [reranker.scores("the cat?", [passage])[0] for passage in passages]
    np.testing.assert_allclose(scores, alone, atol=0.02)
    assert len(set(scores)) == 3


def test_the_same_question_gives_the_same_scores(reranker: CrossEncoderReranker, make_passage: MakePassage) -> None:
    passages = [make_passage("the cat sat."), make_passage("a dog.")]
    assert reranker.scores("cat", passages) == reranker.scores("cat", passages)


def test_the_title_is_read_with_the_passage(reranker: CrossEncoderReranker, make_passage: MakePassage) -> None:
    bare, titled = make_passage("the cat sat."), make_passage("the cat sat.", title="dog dog dog")
    first, second = reranker.scores("dog", [bare, titled])
    assert first != second


def test_no_passages_need_no_model(settings: Settings) -> None:
    assert CrossEncoderReranker(settings).scores("anything", []) == []


def test_the_receipt_can_name_the_model(reranker: CrossEncoderReranker, cross_encoder_folder: Path) -> None:
    assert reranker.name == str(cross_encoder_folder)


def test_a_model_that_cannot_be_had_is_named(settings: Settings) -> None:
    missing = settings.model_copy(update={"reranker_model": "nobody/no-such-model-on-this-machine"})
    with pytest.raises(ModelUnavailable, match="nobody/no-such-model-on-this-machine"):
        CrossEncoderReranker(missing).open()


def test_damaged_weights_are_reported(settings: Settings, cross_encoder_folder: Path, tmp_path: Path) -> None:
    for path in cross_encoder_folder.iterdir():
        (tmp_path / path.name).write_bytes(b"damaged" if path.suffix == ".safetensors" else path.read_bytes())
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        CrossEncoderReranker(settings.model_copy(update={"reranker_model": str(tmp_path)})).open()
