"""An evaluation whose results are at hand: nothing is read, asked or scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from evals.runs.evaluation import Evaluation, Target
from evals.runs.example import Example


class AtHand(Evaluation):
    """What comparisons and reports need of an evaluation; named by those that are tested."""

    name = "answers"

    def read(self, paths: Sequence[Path]) -> dict[str, list[Example]]:
        raise NotImplementedError

    def open(self, name: str) -> AbstractAsyncContextManager[Target]:
        raise NotImplementedError

    def score(self, example: Example, outputs: Mapping[str, Any]) -> dict[str, float]:
        raise NotImplementedError
