"""Every evaluation on every set that fits it, each kept in a folder of its own below that of the whole run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from evals.judging import NoJudge
from evals.report.index import write_index
from evals.runs.evaluation import Conditions, Evaluation
from evals.runs.folder import SavedRun
from evals.runs.keeping import kept_run
from evals.runs.registry import EVALUATIONS, evaluation_class
from evals.sets.rows import NoSet
from state.errors import FootnoteError

OnBegin = Callable[[str, Sequence[Path]], None]


@dataclass(frozen=True)
class WholeRun:
    """The runs by evaluation, why others were passed over (nothing there is of their kind), and why some failed.

    ``index`` is the report over all, None if nothing was run. ``broken`` are failures that are mistakes of the program.
    """

    folder: Path
    runs: dict[str, SavedRun] = field(default_factory=dict)
    passed_over: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    broken: list[Exception] = field(default_factory=list)
    index: Path | None = None


async def run_everything(
    paths: Sequence[Path], conditions: Conditions, folder: Path | None = None, on_begin: OnBegin = lambda *_: None
) -> WholeRun:
    """Run every evaluation over those of the paths that have sets of its kind.

    One that fails does not lose the others. ``folder`` is by default a new one below the home folder. Raises `NoSet` if
    no path has a set of any kind.
    """
    where = folder or conditions.settings.home / "runs" / f"all {datetime.now(UTC):%Y-%m-%d %H.%M.%S}"
    whole = WholeRun(where)
    for name in EVALUATIONS:
        try:
            fitting = _fitting(evaluation_class(name)(conditions), paths)
            on_begin(name, fitting)
            whole.runs[name] = await kept_run(evaluation_class(name)(conditions), fitting, where / name)
        except (NoSet, NoJudge) as error:
            whole.passed_over[name] = str(error)
        except FootnoteError as error:
            whole.failed[name] = str(error)
        except Exception as error:  # for the caller to raise: a mistake in one is not to cost the hours of the others
            whole.failed[name] = f"{type(error).__name__}: {error}"
            whole.broken.append(error)
    if not whole.runs and not whole.failed:
        raise NoSet(f"{', '.join(map(str, paths))} holds no set of any kind: docs/evaluating.md says what they are.")
    return replace(whole, index=write_index(where) if whole.runs else None)


def _fitting(evaluation: Evaluation, paths: Sequence[Path]) -> list[Path]:
    """Return the paths that have a set for an evaluation. Raises `NoSet` if none has."""
    fitting, reasons = [], []
    for path in paths:
        try:
            evaluation.read([path])
        except NoSet as error:
            reasons.append(str(error))
        else:
            fitting.append(path)
    if not fitting:
        raise NoSet(" ".join(reasons))
    return fitting
