from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.embedder import SentenceTransformerEmbedder
from models.ladder import open_reranker
from models.late_interaction import LateInteractionReranker
from models.reranker import CrossEncoderReranker
from settings import Settings

MISSING = "nobody/no-such-model-on-this-machine"


class HostedEmbedder:
    """An embedder behind an API: vectors of texts, none of tokens."""

    space, dimension = "hosted/3", 3

    def open(self) -> None:
        """Need nothing."""

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        return np.ones((len(texts), 3), dtype=np.float32)


def with_models(settings: Settings, **models: str) -> Settings:
    return settings.model_copy(update=models)


def test_the_cross_encoder_runs_where_its_weights_are(
    settings: Settings, embedder: SentenceTransformerEmbedder, cross_encoder_folder: Path
) -> None:
    reranker, notes = open_reranker(with_models(settings, reranker_model=str(cross_encoder_folder)), embedder)
    assert isinstance(reranker, CrossEncoderReranker)
    assert notes == []


def test_without_them_the_embedded_reranker_runs_and_the_note_says_why(
    settings: Settings, embedder: SentenceTransformerEmbedder
) -> None:
    reranker, notes = open_reranker(with_models(settings, reranker_model=MISSING), embedder)
    assert isinstance(reranker, LateInteractionReranker)
    (note,) = notes
    assert note.startswith("The embedded reranker runs.")
    assert MISSING in note
    assert "downloads are off" in note


def test_an_embedder_without_token_vectors_leaves_the_fused_order(settings: Settings) -> None:
    reranker, notes = open_reranker(with_models(settings, reranker_model=MISSING), HostedEmbedder())
    assert reranker is None
    assert "fused order" in notes[-1]


def test_an_embedder_that_cannot_be_loaded_leaves_the_fused_order(settings: Settings) -> None:
    broken = with_models(settings, reranker_model=MISSING, embedding_model=MISSING)
    reranker, notes = open_reranker(broken, SentenceTransformerEmbedder(broken))
    assert reranker is None
    assert "fused order" in notes[-1]
    assert MISSING in notes[-1]
