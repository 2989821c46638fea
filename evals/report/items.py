"""Single results as a person looks at them: question, answer, gold, how it came about, and the receipt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from evals.report.rendering import as_json, number
from evals.runs.evaluation import Evaluation, by_set
from evals.runs.example import Result

_LONGEST = 20_000  # characters of a text that are shown
_PASSAGES = 20
_ASKED = ("question", "claim", "text")
_GOLD = {"answers": "right answers", "relevant": "relevant passages"}


@dataclass(frozen=True, slots=True)
class Rank:
    """A passage's places by stage, from 1."""

    source: str
    ranks: dict[str, int]


@dataclass(frozen=True, slots=True)
class Item:
    """A result to look at. ``gold`` and ``rest`` are names with texts; ``why`` are sentences and facts."""

    number: int
    set: str
    key: str
    question: str
    rest: list[tuple[str, str]]
    answer: str
    gold: list[tuple[str, str]]
    scores: dict[str, float]
    facts: list[tuple[str, str]]
    why: list[str]
    stages: list[str]
    passages: list[Rank]
    receipt: str


def worst_items(evaluation: Evaluation, results: Sequence[Result], count: int = 20) -> list[Item]:
    """Return the worst results, of each set in turn where they are as bad; none that has the best value there is."""
    in_turn = [one for some in zip_longest(*by_set(results).values()) for one in some if one is not None]
    ordered = evaluation.worst(in_turn, len(in_turn))
    metric = worst_metric(evaluation, ordered)
    if metric is not None:
        best = (min if metric in evaluation.lower_is_better else max)(one.scores[metric] for one in ordered)
        ordered = [one for one in ordered if one.scores[metric] != best]
    return [item(at, result) for at, result in enumerate(ordered[:count], start=1)]


def worst_metric(evaluation: Evaluation, results: Sequence[Result]) -> str | None:
    """Return the metric by which results are ordered from worst to best; None if the evaluation has its own order."""
    if type(evaluation).worst is not Evaluation.worst:
        return None
    return next((name for name in evaluation.headline if any(name in one.scores for one in results)), None)


def item(at: int, result: Result) -> Item:
    """Return a result as an item of that number."""
    inputs, outputs = result.example.inputs, result.outputs
    asked = next((name for name in _ASKED if isinstance(inputs.get(name), str)), None)
    receipt = outputs.get("receipt") or {}
    passages = _ranks(receipt)
    return Item(
        at,
        result.set,
        result.example.key,
        _shown(inputs[asked]) if asked else result.example.key,
        [(name, _shown(value)) for name, value in inputs.items() if name != asked and value not in (None, "", [])],
        _shown(outputs.get("answer", "")),
        [(_GOLD.get(name, name), _shown(value)) for name, value in result.example.reference.items()],
        dict(result.scores),
        _facts(result),
        _why(outputs, receipt),
        list(dict.fromkeys(stage for one in passages for stage in one.ranks)),
        passages,
        as_json(receipt) if receipt else "",
    )


def _facts(result: Result) -> list[tuple[str, str]]:
    outputs = result.outputs
    found = [("kind", result.example.kind), ("class", outputs.get("question_class")), ("route", outputs.get("route"))]
    if outputs.get("confidence") is not None:
        found.append(("confidence", number(float(outputs["confidence"]))))
    found.append(("time", f"{number(result.ms)} ms"))
    return [(name, str(value)) for name, value in found if value]


def _why(outputs: Mapping[str, Any], receipt: Mapping[str, Any]) -> list[str]:
    """Return what is known of how the result came about."""
    said = ["No answer was given: what was found did not seem to answer it."] if outputs.get("abstained") else []
    if receipt.get("route_reason"):
        said.append(f"Route: {receipt['route_reason']}")
    ranks = outputs.get("ranks") or {}
    if ranks:
        places = ", ".join(f"{stage} {place or 'not found'}" for stage, place in ranks.items())
        said.append(f"First relevant passage: {places}.")
    lowered = (receipt.get("confidence") or {}).get("lowered_by") or []
    said += [f"Confidence lowered by: {reason}" for reason in lowered]
    said += [f"Degraded: {note}" for note in outputs.get("degraded") or []]
    claims = receipt.get("claims") or []
    if claims:
        verdicts = ", ".join(f"{one.get('verdict')} ({number(one.get('score'))})" for one in claims)
        said.append(f"Sentences, as checked: {verdicts}.")
    if receipt.get("dropped"):
        said.append(f"{receipt['dropped']} sentences were dropped by the checks.")
    searched = [one for one in receipt.get("queries") or [] if one != receipt.get("asked")]
    hops = [hop["question"] for hop in receipt.get("hops") or [] if hop.get("question") != receipt.get("asked")]
    said += [f"Also searched for: {'; '.join(searched)}"] if searched else []
    said += [f"Then looked for: {'; '.join(hops)}"] if hops else []
    return said


def _ranks(receipt: Mapping[str, Any]) -> list[Rank]:
    sources = {
        (span.get("document_id"), span.get("version")): str(span.get("source", ""))
        for claim in receipt.get("claims") or []
        for span in claim.get("spans") or []
    }
    return [
        Rank(
            sources.get((one.get("document_id"), one.get("version")), str(one.get("document_id", ""))[:8]),
            one.get("ranks") or {},
        )
        for one in (receipt.get("passages") or [])[:_PASSAGES]
    ]


def _shown(value: object) -> str:
    """Return a value as text: lists of texts a line each, what has grades its names, all else as JSON."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, Mapping) and all(isinstance(one, int | float) for one in value.values()):
        text = ", ".join(map(str, value))
    elif isinstance(value, Sequence) and all(isinstance(one, str) for one in value):
        text = "\n".join(value)
    else:
        text = as_json(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} … ({len(text) - _LONGEST:,} more characters)"
