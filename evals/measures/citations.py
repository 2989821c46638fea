"""How well an answer's citations and claims hold: against the passages judged relevant, and by its own checks."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def citation_scores(cited: Sequence[str], relevant: Collection[str]) -> dict[str, float]:
    """Return citation precision and recall: of the cited passages those relevant, of the relevant those cited.

    Gao et al., "Enabling Large Language Models to Generate Text with Citations", 2023, judge statements by a model;
    here a passage is right if people judged it relevant. Precision is left out if nothing is cited, both if nothing
    is judged.
    """
    if not relevant:
        return {}
    right = len(set(cited) & set(relevant))
    precision = {"citation_precision": right / len(set(cited))} if cited else {}
    return {**precision, "citation_recall": right / len(set(relevant))}


def groundedness(verdicts: Sequence[str]) -> dict[str, float]:
    """Return the share of an answer's sentences that its citations support in full; nothing of one without any."""
    return {"groundedness": verdicts.count("supported") / len(verdicts)} if verdicts else {}
