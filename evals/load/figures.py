"""What became of many requests, in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from evals.load.driving import Outcome


def counted(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return how many requests were made, and what became of them; status 0 is a time-out or a lost connection."""
    failed = [outcome for outcome in outcomes if outcome.status not in (200, 429)]
    return {
        "requests": len(outcomes),
        "statuses": {str(status): n for status, n in sorted(Counter(o.status for o in outcomes).items())},
        "error_rate": _share(len(failed), outcomes),
        "refused_rate": _share(sum(outcome.status == 429 for outcome in outcomes), outcomes),
        "timeouts": sum(outcome.status in (0, 504) for outcome in outcomes),
        "without_claims": sum(outcome.fine and not outcome.answered for outcome in outcomes),
        "degraded": sum(outcome.degraded for outcome in outcomes),
    }


def _share(count: int, outcomes: Sequence[Outcome]) -> float:
    return round(count / len(outcomes), 4) if outcomes else 0.0


def times_of(name: str, seconds: Sequence[float]) -> dict[str, float]:
    """Return median and 95th percentile in milliseconds; nothing for nothing."""
    if not seconds:
        return {}
    p50, p95 = np.percentile(seconds, [50, 95]) * 1000
    return {f"{name}_p50_ms": round(float(p50), 1), f"{name}_p95_ms": round(float(p95), 1)}
