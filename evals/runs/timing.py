"""How long things took."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def latency(spent: Sequence[float]) -> dict[str, float]:
    """Return the median and the 95th percentile of times in milliseconds."""
    return {
        "p50_ms": round(statistics.median(spent), 1),
        "p95_ms": round(statistics.quantiles(spent, n=20)[18] if len(spent) > 1 else spent[0], 1),
    }
