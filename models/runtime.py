"""How torch is used here: on which device, and with how many threads."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

# A batch of fewer tokens is no faster on several threads, and much slower when other work holds one of the cores.
_FEW_TOKENS = 512


def prepare_torch() -> str:
    """Import torch and return the accelerator that it sees (``cuda``, ``mps``), else ``cpu``.

    Threads that wait for each other sleep after a short while instead of spinning (libgomp reads this when torch is
    first imported): with another process on the same two cores, one question takes 15 ms to embed rather than 400.
    """
    if "torch" not in sys.modules:
        os.putenv("GOMP_SPINCOUNT", "1000")
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def use_threads(threads: int, input_ids: torch.Tensor) -> None:
    """Let the forward passes of this thread use ``threads`` threads, or one if the batch is small."""
    import torch

    torch.set_num_threads(threads if input_ids.numel() >= _FEW_TOKENS else 1)
