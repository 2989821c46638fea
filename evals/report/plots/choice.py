"""Which plots a run has."""

from __future__ import annotations

from collections.abc import Sequence

from evals.report.plots.confidence import reliability, risk_coverage, roc, spread
from evals.report.plots.drawing import Plot
from evals.report.plots.ranking import by_entity, ranks_by_stage
from evals.report.plots.times import latency_by_stage, quality_by_time
from evals.runs.evaluation import Evaluation
from evals.runs.example import Result


def plots_of(evaluation: Evaluation, results: Sequence[Result]) -> list[Plot]:
    """Return the plots whose data are among the results; ``results`` have no failed ones."""
    if not results:
        return []
    scored = [name for name in evaluation.headline if any(name in one.scores for one in results)]
    drawn = [
        by_entity(evaluation.metrics(results)),
        *quality_by_time(results),
        ranks_by_stage(results),
        risk_coverage(results),
        reliability(results),
        roc(results),
        spread(results, scored[0]) if scored else None,
        latency_by_stage(results),
    ]
    return [plot for plot in drawn if plot is not None]
