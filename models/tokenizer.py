"""The embedding model's tokens, counted and located without loading the model."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from models.location import model_folder
from settings import Settings
from state.errors import ModelUnavailable

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class ModelTokenCounter:
    """A `state.ports.TokenCounter` over the ``tokenizer.json`` of an embedding model; loads in 20 ms.

    Needs the `tokenizers` library only, neither torch nor transformers. May be shared between threads. Every method
    raises `ModelUnavailable` if the model's tokenizer cannot be had.
    """

    def __init__(self, settings: Settings, model: str | None = None) -> None:
        self._settings = settings
        self._model = model or settings.embedding_model

    @cached_property
    def max_tokens(self) -> int:
        """Tokens of a text that the model reads, special ones left out (254 for the packaged model)."""
        special: int = self._tokenizer.num_special_tokens_to_add(is_pair=False)
        return _sequence_length(self._folder) - special

    def count(self, text: str) -> int:
        """Return the number of tokens, special ones left out."""
        return len(self._tokenizer.encode(text, add_special_tokens=False))

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Return each token's ``(start, end)`` in the text, special ones left out, nothing truncated."""
        offsets: list[tuple[int, int]] = self._tokenizer.encode(text, add_special_tokens=False).offsets
        return offsets

    @cached_property
    def _folder(self) -> Path:
        return model_folder(self._model, self._settings)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        path = self._folder / "tokenizer.json"
        if not path.is_file():
            raise ModelUnavailable(f"The model '{self._model}' has no tokenizer.json: use one with a fast tokenizer.")
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises a bare Exception on a damaged file
            raise ModelUnavailable(f"The file tokenizer.json of the model '{self._model}' is damaged.") from error
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer


def _sequence_length(folder: Path) -> int:
    """Return how many tokens the model reads, special ones included: the sentence model's limit, else the network's."""
    for file, key in (
        ("sentence_bert_config.json", "max_seq_length"),
        ("config.json", "max_position_embeddings"),
    ):
        path = folder / file
        limit = json.loads(path.read_text(encoding="utf-8")).get(key) if path.is_file() else None
        if isinstance(limit, int):
            return limit
    return 512
