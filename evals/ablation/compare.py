"""What a step brings: the run with it against the run without it, question by question."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from evals.ablation.steps import Step
from evals.runs.evaluation import Evaluation
from evals.runs.example import Result
from evals.runs.intervals import difference_interval

Should = Literal["on", "off", "either", "mixed"]
_ALL = "all"


def rows_of(
    step: Step, kind: str, evaluation: Evaluation, default: Sequence[Result], other: Sequence[Result]
) -> list[dict[str, Any]]:
    """Return a row of the table for each set, and one for all sets of the kind if there are several."""
    having, lacking = (other, default) if step.brings else (default, other)
    pairs = [(one, two) for one, two in zip(having, lacking, strict=True) if not (one.error or two.error)]
    sets: dict[str, list[tuple[Result, Result]]] = {}
    for one, two in pairs:
        sets.setdefault(one.set, []).append((one, two))
    if len(sets) > 1:
        sets[_ALL] = pairs
    return [_row(step, kind, name, evaluation, some) for name, some in sets.items()]


def _row(
    step: Step, kind: str, name: str, evaluation: Evaluation, pairs: Sequence[tuple[Result, Result]]
) -> dict[str, Any]:
    """Return with and without, and the differences (with less without) with their paired 95 % intervals."""
    metrics, means = {}, {}
    for metric in evaluation.headline:
        both = [
            (one.scores[metric], two.scores[metric])
            for one, two in pairs
            if {metric} <= one.scores.keys() & two.scores.keys()
        ]
        if both:
            having, lacking = zip(*both, strict=True)
            metrics[metric] = difference_interval(lacking, having)
            means[metric] = [round(statistics.fmean(having), 4), round(statistics.fmean(lacking), 4)]
    spent = difference_interval([_ms(two) for _, two in pairs], [_ms(one) for one, _ in pairs])
    should, why = verdict(step, metrics, evaluation)
    return {
        "step": step.name,
        "says": step.says,
        "on": step.on,
        "kind": kind,
        "set": name,
        "questions": len(pairs),
        "metrics": metrics,
        "with_without": means,
        "ms": [round(statistics.median(_ms(pair[at]) for pair in pairs), 2) for at in (0, 1)],
        "ms_difference": spent,
        "cost": [_mean([_usage(pair[at], "cost_usd") for pair in pairs]) for at in (0, 1)],
        "tokens": [_mean([_tokens(pair[at]) for pair in pairs]) for at in (0, 1)],
        "should": should,
        "why": f"{why}; it takes {spent[0]:+.0f} ms" if should == "either" and (spent[1] > 0 or spent[2] < 0) else why,
    }


def verdict(step: Step, metrics: Mapping[str, Sequence[float]], evaluation: Evaluation) -> tuple[Should, str]:
    """Return whether a step should be on, and why, from the differences that it makes and their intervals.

    A difference is taken for one if its interval leaves out 0.
    """
    signs = {name: -1 if name in evaluation.lower_is_better else 1 for name in metrics}
    better = [name for name, (_, low, high) in metrics.items() if min(signs[name] * low, signs[name] * high) > 0]
    worse = [name for name, (_, low, high) in metrics.items() if max(signs[name] * low, signs[name] * high) < 0]
    gains, losses = ", ".join(better), ", ".join(worse)
    if step.check:
        return "on", f"a check; it costs {losses}" if worse else f"a check; it gains {gains}" if better else "a check"
    if better and worse:
        return "mixed", f"it gains {gains} and costs {losses}"
    if better:
        return "on", f"it gains {gains}"
    if worse:
        return "off", f"it costs {losses}"
    return "either", "no difference shown"


def _ms(result: Result) -> float:
    return float(result.outputs.get("answer_ms", result.ms))


def _usage(result: Result, what: str) -> float | None:
    """Return what an answer used of something; None where that is not known."""
    used = (result.outputs.get("usage") or {}).get(what)
    return None if used is None else float(used)


def _tokens(result: Result) -> float | None:
    read, written = _usage(result, "input_tokens"), _usage(result, "output_tokens")
    return None if read is None or written is None else read + written


def _mean(values: Sequence[float | None]) -> float | None:
    """Return the mean of what is known of all; None if it is not of one."""
    known = [value for value in values if value is not None]
    return round(statistics.fmean(known), 6) if len(known) == len(values) else None
