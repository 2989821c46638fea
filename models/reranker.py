"""The cross-encoder: reads question and passage together, the most accurate reranker and the slowest."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from models.location import model_folder
from models.passages import contextual_text
from models.precision import has_bfloat16
from models.runtime import prepare_torch
from settings import Settings
from state.errors import ModelUnavailable
from state.evidence import Passage

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

# Pairs of one forward pass; pairs are sorted by length, so that little of it is padding.
_BATCH_PAIRS = 16


class CrossEncoderReranker:
    """A sentence-transformers cross-encoder over question and passage (title and headings included).

    Loads at the first use or at `open`. May be shared between threads: one reranking at a time.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._loaded: CrossEncoder | None = None
        self.name = settings.reranker_model

    def open(self) -> None:
        """Load the model, once. Raises `ModelUnavailable`."""
        with self._lock:
            self._model()

    def scores(self, question: str, passages: Sequence[Passage]) -> list[float]:
        """Return one score a passage: the model's logit, or its probability if the model is saved with a sigmoid.

        Raises `ModelUnavailable`.
        """
        if not passages:
            return []
        pairs = [(question, contextual_text(passage)) for passage in passages]
        with self._lock:
            scores = self._model().predict(pairs, batch_size=_BATCH_PAIRS, show_progress_bar=False)
        return np.asarray(scores, dtype=np.float64).tolist()  # type: ignore[no-any-return]

    def _model(self) -> CrossEncoder:
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    def _load(self) -> CrossEncoder:
        folder = model_folder(self.name, self._settings)
        device = prepare_torch()
        import torch
        from sentence_transformers import CrossEncoder

        torch.set_num_threads(self._settings.threads)
        dtype = torch.bfloat16 if has_bfloat16(device) else torch.float32
        try:
            # The last layer stays in float32: bfloat16 has three digits, which would tie close passages.
            model = CrossEncoder(
                str(folder),
                device=device,
                local_files_only=True,
                model_kwargs={"dtype": dtype},
                keep_in_fp32_modules=["classifier"],
            )
        except Exception as error:  # damaged files surface as errors of safetensors, transformers, json or torch
            raise ModelUnavailable(f"The reranker '{self.name}' cannot be loaded from {folder}: {error}") from error
        if model.num_labels != 1:
            raise ModelUnavailable(
                f"The reranker '{self.name}' gives {model.num_labels} scores a pair: use one with one."
            )
        return model
