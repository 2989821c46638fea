from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.location import PACKAGED, model_folder
from models.tokenizer import ModelTokenCounter
from settings import Settings
from state.errors import ModelUnavailable

COUNTER = ModelTokenCounter(Settings(embedding_model=PACKAGED))


def test_words_punctuation_and_pieces_are_counted_without_special_tokens() -> None:
    assert COUNTER.count("Hello, world!") == 4
    assert COUNTER.count("") == 0


def test_a_long_text_is_not_truncated() -> None:
    assert COUNTER.count("word " * 3000) == 3000


def test_the_packaged_model_reads_254_tokens_and_two_special_ones() -> None:
    assert COUNTER.max_tokens == 254


def test_offsets_point_at_the_tokens_in_the_text() -> None:
    text = "Café in Köln, 日本"
    assert [text[start:end] for start, end in COUNTER.offsets(text)] == ["Café", "in", "Köln", ",", "日", "本"]


@given(st.text(max_size=60))
def test_offsets_are_as_many_as_the_count_and_stay_in_order_within_the_text(text: str) -> None:
    offsets = COUNTER.offsets(text)
    assert len(offsets) == COUNTER.count(text)
    assert offsets == sorted(offsets)
    assert all(0 <= start <= end <= len(text) for start, end in offsets)


def test_the_limit_is_the_networks_where_no_sentence_model_sets_one(sentence_model_folder: Path) -> None:
    settings = Settings(embedding_model=str(sentence_model_folder))
    assert ModelTokenCounter(settings).max_tokens == 62


def test_a_damaged_tokenizer_is_reported_by_the_models_name(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "tokenizer.json").write_text("not json")
    with pytest.raises(ModelUnavailable, match="damaged") as caught:
        ModelTokenCounter(Settings(embedding_model=str(tmp_path))).count("text")
    assert str(tmp_path) in str(caught.value)


def test_a_model_without_a_fast_tokenizer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelUnavailable, match=r"no tokenizer\.json"):
        ModelTokenCounter(Settings(embedding_model=str(tmp_path))).count("text")


def test_counting_imports_neither_torch_nor_transformers() -> None:
    program = (
        "import sys; from settings import Settings; from models.tokenizer import ModelTokenCounter; "
        "ModelTokenCounter(Settings()).count('text'); "
        "sys.exit(int('torch' in sys.modules or 'transformers' in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=30).returncode == 0


def test_the_counter_needs_nothing_but_the_tokenizers_file(tmp_path: Path) -> None:
    packaged = model_folder(PACKAGED, Settings())
    for name in ("tokenizer.json", "config.json", "sentence_bert_config.json"):
        (tmp_path / name).write_bytes((packaged / name).read_bytes())
    assert ModelTokenCounter(Settings(embedding_model=str(tmp_path))).max_tokens == 254
