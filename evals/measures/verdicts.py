"""Whether answers that readers judged are right now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NAMES = {"down": "was down, now right", "up": "was up, still right"}
VERDICTS = tuple(_NAMES.values())


def verdict_scores(reference: Mapping[str, Any], right: float) -> dict[str, float]:
    """Return whether an answer is right by what its reader thought of the earlier one; nothing if nobody judged it."""
    name = _NAMES.get(reference.get("verdict", ""))
    return {name: right} if name else {}
