"""How good a ranking is, by ir_measures (MacAvaney, Macdonald and Ounis, ECIR 2022)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ir_measures import RR, Measure, P, R, iter_calc, nDCG

MEASURES = (nDCG @ 10, R @ 5, R @ 10, RR @ 10, P @ 5)
DEEPEST = 10  # places of a ranking that any of them looks at


def ranking_scores(
    ranking: Sequence[str], relevant: Mapping[str, int], measures: Sequence[Measure] = MEASURES
) -> dict[str, float]:
    """Return the measures of one question's ranking, best first, by their names such as "nDCG@10".

    ``relevant`` has the grades, above 0, of what is relevant.
    """
    run = {"q": {row: float(-place) for place, row in enumerate(dict.fromkeys(ranking))}}
    found = {str(one.measure): float(one.value) for one in iter_calc(measures, {"q": dict(relevant)}, run)}
    return {str(measure): found[str(measure)] for measure in measures}


def first_place(ranking: Sequence[str], relevant: Collection[str]) -> int | None:
    """Return the place, from 1, of the first that is relevant; None where none is."""
    return next((place for place, row in enumerate(ranking, start=1) if row in relevant), None)
