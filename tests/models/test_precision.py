from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from models import precision
from models.precision import Precision, load_fastest


class Model:
    """Stands for a loaded model: gives fixed vectors after a fixed time."""

    def __init__(self, name: Precision, seconds: float, vectors: np.ndarray) -> None:
        self.name, self._seconds, self._vectors = name, seconds, vectors

    def encode(self, texts: list[str], **_: object) -> np.ndarray:
        time.sleep(self._seconds)
        return np.tile(self._vectors, (len(texts), 1))


class Loader:
    """Loads such models, and remembers which were asked for."""

    def __init__(self, half_seconds: float, half_vector: list[float]) -> None:
        self.models = {
            "float32": Model("float32", 0.02, np.array([[1.0, 0.0]])),
            "bfloat16": Model("bfloat16", half_seconds, np.array([half_vector])),
        }
        self.asked: list[str] = []

    def __call__(self, name: Precision) -> Model:
        self.asked.append(name)
        return self.models[name]


@pytest.fixture(autouse=True)
def bfloat16_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: device != "old")


def taken(loader: Loader, verdicts: Path, device: str = "cpu") -> str:
    model: object = load_fastest(loader, device, "m", verdicts)  # type: ignore[arg-type]
    assert isinstance(model, Model)
    return model.name


def test_bfloat16_is_taken_where_it_is_faster_and_agrees(tmp_path: Path) -> None:
    assert taken(Loader(0.005, [1.0, 0.01]), tmp_path / "precision.json") == "bfloat16"


def test_float32_stays_where_bfloat16_is_no_faster(tmp_path: Path) -> None:
    assert taken(Loader(0.02, [1.0, 0.0]), tmp_path / "precision.json") == "float32"


def test_float32_stays_where_bfloat16_changes_the_vectors(tmp_path: Path) -> None:
    assert taken(Loader(0.005, [0.9, 0.43]), tmp_path / "precision.json") == "float32"


def test_hardware_without_bfloat16_is_not_measured(tmp_path: Path) -> None:
    loader = Loader(0.005, [1.0, 0.0])
    assert taken(loader, tmp_path / "precision.json", device="old") == "float32"
    assert loader.asked == ["float32"]


def test_the_verdict_is_kept_and_measured_only_once(tmp_path: Path) -> None:
    verdicts = tmp_path / "cache" / "precision.json"
    taken(Loader(0.005, [1.0, 0.0]), verdicts)
    again = Loader(0.005, [1.0, 0.0])
    assert taken(again, verdicts) == "bfloat16"
    assert again.asked == ["bfloat16"]
    assert [path.name for path in verdicts.parent.iterdir()] == ["precision.json"]


@pytest.mark.parametrize("content", ["", "not json", "[1, 2]", b"\xff\xfe".decode("latin-1")])
def test_a_damaged_file_of_verdicts_is_measured_again(tmp_path: Path, content: str) -> None:
    verdicts = tmp_path / "precision.json"
    verdicts.write_bytes(content.encode("latin-1"))
    assert taken(Loader(0.005, [1.0, 0.0]), verdicts) == "bfloat16"
    assert list(json.loads(verdicts.read_text()).values()) == ["bfloat16"]


def test_an_unknown_verdict_is_measured_again(tmp_path: Path) -> None:
    verdicts = tmp_path / "precision.json"
    taken(Loader(0.005, [1.0, 0.0]), verdicts)
    verdicts.write_text(verdicts.read_text().replace('bfloat16"', 'int2"'))
    assert taken(Loader(0.005, [1.0, 0.0]), verdicts) == "bfloat16"


def test_a_home_that_cannot_be_written_means_measuring_each_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    loader = Loader(0.005, [1.0, 0.0])
    assert taken(loader, tmp_path / "file" / "precision.json") == "bfloat16"
    assert taken(loader, tmp_path / "file" / "precision.json") == "bfloat16"
    assert loader.asked == ["float32", "bfloat16"] * 2
