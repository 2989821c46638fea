"""Whether an embedding model is better run in bfloat16 here: detect, measure once, keep the verdict."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Literal

import numpy as np

from state.ports import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Precision = Literal["float32", "bfloat16"]
Load = Callable[[Precision], "SentenceTransformer"]

MIN_SPEEDUP = 1.2
MIN_COSINE = 0.995
_PROBE = [
    "The warranty covers manufacturing defects for two years from the date of purchase, except for batteries, "
    f"which are covered for {months} months; a claim needs the receipt and the serial number of the device. " * 2
    for months in range(6, 10)
]


def load_fastest(load: Load, device: str, model: str, verdicts: Path) -> SentenceTransformer:
    """Load the model in the precision that pays on ``device``, measuring it if ``verdicts`` does not tell.

    bfloat16 is taken where the hardware has it, is at least `MIN_SPEEDUP` times as fast on a small probe, and gives
    vectors with a cosine of at least `MIN_COSINE` to those of float32. ``verdicts`` is a JSON file of earlier
    measurements by model, torch version and processor; an unreadable one is measured again, an unwritable one ignored.
    """
    if not has_bfloat16(device):
        return load("float32")
    key = _key(model, device)
    verdict = _read(verdicts).get(key)
    if verdict in ("float32", "bfloat16"):
        return load(verdict)
    single, half = load("float32"), load("bfloat16")
    (seconds, vectors), (half_seconds, half_vectors) = _measure(single, half)
    cosine = float(np.sum(vectors * half_vectors, axis=1).min())
    pays = seconds >= MIN_SPEEDUP * half_seconds and cosine >= MIN_COSINE
    _write(verdicts, key, "bfloat16" if pays else "float32")
    return half if pays else single


def has_bfloat16(device: str) -> bool:
    """Return whether the device multiplies bfloat16 natively (on others it is emulated, and slower)."""
    import torch

    if device == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return device.startswith("cuda") and torch.cuda.is_bf16_supported(including_emulation=False)


def _key(model: str, device: str) -> str:
    """Name what the verdict depends on."""
    import torch

    if device == "cpu":
        known = torch.cpu.get_capabilities()
        features = sorted(name for name, present in known.items() if present is True)
        processor = " ".join([str(known.get("cpu_name", "cpu")), *features])
    else:
        processor = torch.cuda.get_device_name()
    return f"{model} | torch {torch.__version__} | {processor}"


def _measure(*models: SentenceTransformer) -> list[tuple[float, Vectors]]:
    """Return for each model the fastest of three timings of the probe, in seconds, and the probe's unit vectors.

    On one thread and in turns, because other work on the machine slows several threads down much more than one.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    timings: list[list[float]] = [[] for _ in models]
    vectors = [np.asarray(model.encode(_PROBE, normalize_embeddings=True), dtype=np.float32) for model in models]
    for _ in range(3):
        for model, spent in zip(models, timings, strict=True):
            start = time.perf_counter()
            model.encode(_PROBE)
            spent.append(time.perf_counter() - start)
    torch.set_num_threads(threads)
    return [(min(spent), unit) for spent, unit in zip(timings, vectors, strict=True)]


def _read(path: Path) -> dict[str, object]:
    try:
        verdicts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return verdicts if isinstance(verdicts, dict) else {}


def _write(path: Path, key: str, verdict: Precision) -> None:
    """Add a verdict to the file in one step; a folder that cannot be written means measuring again next time."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, suffix=".tmp", delete=False) as file:
            json.dump({**_read(path), key: verdict}, file, indent=1)
        os.replace(file.name, path)
