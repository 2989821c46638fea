"""What an evaluation asks, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

VOLATILE = ("ms", "timings", "receipt")
"""Outputs that differ from run to run: times and identifiers."""


@dataclass(frozen=True, slots=True)
class Example:
    """One question, claim or text of a set: ``inputs`` and the right ``reference``, both of JSON values.

    ``key`` is its name in its set, the same in every run; ``kind`` the class by which results are broken down.
    """

    key: str
    inputs: Mapping[str, Any]
    reference: Mapping[str, Any]
    kind: str = ""

    def identity(self, dataset: str) -> UUID:
        """Return the example's identifier in a dataset, the same in every run."""
        return uuid5(NAMESPACE_URL, f"footnote:{dataset}:{self.key}")


@dataclass(frozen=True, slots=True)
class Result:
    """An example of a set, what it gave, and what that is worth: ``scores`` by metric.

    Reports know these ``outputs``: ``answer``, ``abstained``, ``confidence`` (0..1), ``route``, ``question_class``,
    ``timings`` (milliseconds by step), ``ms`` (milliseconds by variant), ``ranks`` (the first relevant passage's place,
    from 1, by stage; None where it was not found) and ``receipt``. Of these, ``timings``, ``ms`` and ``receipt`` differ
    from run to run; all else is the same. ``error`` says why there are none.
    """

    set: str
    example: Example
    outputs: Mapping[str, Any]
    scores: Mapping[str, float]
    ms: float = 0.0
    error: str = ""
