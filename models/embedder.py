"""The embedder: sentence-transformers behind the `state.ports.Embedder` port."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from models.location import PACKAGED, model_folder
from models.precision import Precision, load_fastest
from models.runtime import prepare_torch, use_threads
from settings import Settings
from state.errors import ModelUnavailable
from state.ports import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# Padded tokens of one forward pass: 32 full passages of 256 tokens. More is no faster on a CPU and costs memory.
BATCH_TOKENS = 8192


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """A text's tokens in context, special ones left out; a text longer than the model reads is cut off.

    ``vectors`` are unit vectors, float16, shape ``(n, dimension)``; ``spans`` are each token's ``(start, end)`` in the
    text, int32, shape ``(n, 2)``; ``ids`` are the tokens' numbers in the vocabulary, int32, shape ``(n,)``.
    """

    vectors: npt.NDArray[np.float16]
    spans: npt.NDArray[np.int32]
    ids: npt.NDArray[np.int32]

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the arrays take."""
        return self.vectors.nbytes + self.spans.nbytes + self.ids.nbytes


class SentenceTransformerEmbedder:
    """A sentence-transformers model, loaded at the first use or at `open`, on the GPU if there is one.

    May be shared between threads: tokenisation is serialised (fast tokenizers keep their padding in shared state), the
    forward passes are not.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loading = Lock()
        self._tokenizing = Lock()
        self._loaded: SentenceTransformer | None = None

    @cached_property
    def space(self) -> str:
        """Name of the embedding space: the model and its dimension. Raises `ModelUnavailable`."""
        return f"{_model_name(self._settings.embedding_model, self._folder)}/{self.dimension}"

    @cached_property
    def dimension(self) -> int:
        """Number of values of a vector, read from the model's files without loading it. Raises `ModelUnavailable`."""
        return _dimension(self._folder)

    def open(self) -> None:
        """Load the model, once. Raises `ModelUnavailable`."""
        self._model()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, shape ``(len(texts), dimension)``, in the order given. Raises `ModelUnavailable`."""
        model = self._model()
        import torch

        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for batch in _batches(texts, model.max_seq_length or 512):
            with self._tokenizing:
                features = model.preprocess([texts[i] for i in batch], prompt=_prompt(model))
            use_threads(self._settings.threads, features["input_ids"])
            with torch.inference_mode():
                pooled = model(_on_device(features, model))["sentence_embedding"].float()
                vectors[batch] = torch.nn.functional.normalize(pooled, dim=1).cpu().numpy()
        return vectors

    def token_embeddings(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Return each text's contextual token vectors, in the order given. Raises `ModelUnavailable`."""
        model = self._model()
        import torch

        wanted = {"text": {"return_offsets_mapping": True, "return_special_tokens_mask": True}}
        found: dict[int, TokenVectors] = {}
        for batch in _batches(texts, model.max_seq_length or 512):
            with self._tokenizing:
                features = model.preprocess([texts[i] for i in batch], processing_kwargs=wanted)
            spans = features.pop("offset_mapping").numpy().astype(np.int32)
            kept = ~features.pop("special_tokens_mask").numpy().astype(bool)
            ids = features["input_ids"].numpy().astype(np.int32)
            use_threads(self._settings.threads, features["input_ids"])
            with torch.inference_mode():
                states = model[0](_on_device(features, model))["token_embeddings"].float()
                vectors = torch.nn.functional.normalize(states, dim=2).half().cpu().numpy()
            for row, index in enumerate(batch):
                mask = kept[row]
                found[index] = TokenVectors(vectors[row][mask], spans[row][mask], ids[row][mask])
        return [found[index] for index in range(len(texts))]

    @cached_property
    def _folder(self) -> Path:
        return model_folder(self._settings.embedding_model, self._settings)

    def _model(self) -> SentenceTransformer:
        if self._loaded is None:
            with self._loading:
                if self._loaded is None:
                    self._loaded = self._load()
        return self._loaded

    def _load(self) -> SentenceTransformer:
        device = prepare_torch()
        dtype = self._settings.embedding_dtype
        if dtype != "auto":
            return self._read(dtype, device)
        verdicts = self._settings.home / "cache" / "precision.json"
        return load_fastest(lambda precision: self._read(precision, device), device, self.space, verdicts)

    def _read(self, dtype: Precision, device: str) -> SentenceTransformer:
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]  # it would write to the user's terminal
        folder = self._folder
        try:
            model = SentenceTransformer(
                str(folder), device=device, local_files_only=True, model_kwargs={"dtype": getattr(torch, dtype)}
            )
        except Exception as error:  # damaged files surface as errors of safetensors, transformers, json or torch
            raise ModelUnavailable(
                f"The embedding model '{self._settings.embedding_model}' cannot be loaded from {folder}: {error}"
            ) from error
        return model.eval()


def _batches(texts: Sequence[str], longest: int) -> Iterator[list[int]]:
    """Yield the texts' indices, longest first, in batches of at most `BATCH_TOKENS` tokens once padded.

    A text has at most as many tokens as characters, plus the special ones; longest first, so that memory that does not
    suffice fails at once.
    """
    batch: list[int] = []
    size = 1
    for index in sorted(range(len(texts)), key=lambda i: -len(texts[i])):
        size = size if batch else min(longest, len(texts[index]) + 2)
        batch.append(index)
        if (len(batch) + 1) * size > BATCH_TOKENS:
            yield batch
            batch = []
    if batch:
        yield batch


def _on_device(features: dict[str, Any], model: SentenceTransformer) -> dict[str, Any]:
    return {name: value.to(model.device) if hasattr(value, "to") else value for name, value in features.items()}


def _prompt(model: SentenceTransformer) -> str | None:
    return model.prompts.get(model.default_prompt_name) if model.default_prompt_name else None


def _model_name(model: str, folder: Path) -> str:
    """Name a model for its space: a folder by its name and a digest of its configuration and the weights' sizes."""
    if model == PACKAGED:
        return "all-MiniLM-L6-v2"
    if not Path(model).expanduser().is_dir():
        return model
    sizes = sorted((path.name, path.stat().st_size) for path in folder.glob("*.safetensors"))
    digest = hashlib.sha256((folder / "config.json").read_bytes() + repr(sizes).encode()).hexdigest()
    return f"{folder.name}-{digest[:8]}"


def _dimension(folder: Path) -> int:
    """Read the dimension from the last module that states one (dense layer, pooling), else from the network."""
    listed = folder / "modules.json"
    modules = json.loads(listed.read_text(encoding="utf-8")) if listed.is_file() else []
    for module in [*reversed(modules), {"path": ""}]:
        path = folder / module["path"] / "config.json"
        config = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        for key in ("out_features", "embedding_dimension", "word_embedding_dimension", "hidden_size"):
            if isinstance(config.get(key), int):
                return int(config[key])
    raise ModelUnavailable(f"The files in {folder} do not tell the embedding's dimension: give a saved sentence model.")
