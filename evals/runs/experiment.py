"""Running an evaluation: every set of examples is one LangSmith experiment, uploaded or not."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from langsmith import aevaluate
from langsmith.evaluation import EvaluationResult, EvaluationResults
from langsmith.run_helpers import traceable, tracing_context
from langsmith.schemas import Example as DatasetExample
from langsmith.schemas import Run

from evals.runs.datasets import Keeper, Local
from evals.runs.evaluation import Evaluation, Target
from evals.runs.example import Example, Result
from state.errors import FootnoteError

_LOGGER = "langsmith.evaluation._arunner"


async def run_evaluation(
    evaluation: Evaluation, paths: Sequence[Path], metadata: Mapping[str, Any], keeper: Keeper | None = None
) -> list[Result]:
    """Ask every example of every set found at the paths, one after the other, and score what comes.

    The first example of a set is asked once before, so that no model is loaded within a measured time. An example that
    fails with a `FootnoteError` has its reason and no scores; any other error ends the run. Raises `UnreadableSet`.
    """
    results: list[Result] = []
    for name, examples in evaluation.read(paths).items():
        chosen = examples[: evaluation.conditions.most]
        async with evaluation.open(name) as target:
            with contextlib.suppress(FootnoteError), tracing_context(enabled=False):
                await target(chosen[0].inputs)  # it fails again below, and is recorded there
            results += await _experiment(evaluation, name, chosen, target, metadata, keeper or Local())
    return results


async def _experiment(
    evaluation: Evaluation,
    name: str,
    examples: Sequence[Example],
    target: Target,
    metadata: Mapping[str, Any],
    keeper: Keeper,
) -> list[Result]:
    title, made_with = f"{evaluation.name} {name}", {**metadata, "set": name}
    begun = await keeper.begin(f"footnote {title}", examples, title, made_with)
    uploaded = begun.session is not None
    by_identity = {kept.id: one for kept, one in zip(begun.examples, examples, strict=True)}
    watched = _Watched(evaluation, name, target, by_identity, uploaded)
    # Standard output is the command's own; where results are to be seen at LangSmith is said on the other.
    with contextlib.redirect_stdout(sys.stderr if uploaded else io.StringIO()), _silent():
        rows = await aevaluate(
            watched.traced(evaluation.name), data=begun.examples, evaluators=[watched.evaluator], max_concurrency=0,
            blocking=False, metadata=made_with, experiment=begun.session, client=begun.client, upload_results=uploaded,
            disable_evaluator_tracing=True,  # it would send each answer once more, only to show a number
            experiment_prefix=None if uploaded else title,
        )  # fmt: skip
        async for _ in rows:
            if watched.broken:
                raise watched.broken
    return [watched.results[identity] for identity in watched.examples]


class _Watched:
    """The target and the score of an experiment, whose errors LangSmith would only log."""

    def __init__(
        self, evaluation: Evaluation, name: str, target: Target, examples: Mapping[UUID, Example], traced: bool
    ) -> None:
        self.examples = examples
        self.results: dict[UUID, Result] = {}
        self.broken: Exception | None = None
        self._evaluation, self._name, self._target, self._traced = evaluation, name, target, traced
        self._outputs: dict[str, Any] = {}
        self._reason = ""
        self._spent = 0.0

    def traced(self, name: str) -> Any:
        """Return `ask` as LangSmith traces it: below a run of that name."""
        return traceable(name=name, process_inputs=lambda given: given["inputs"])(self.ask)

    async def ask(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Give the outputs of one example, but for the receipt: runs keep it, LangSmith does not."""
        self._outputs, self._reason = {}, ""
        started = time.perf_counter()
        try:
            # What is not kept at LangSmith is not traced either: it would cost time.
            with contextlib.nullcontext() if self._traced else tracing_context(enabled=False):
                self._outputs = await self._target(inputs)
        except FootnoteError as error:
            self._reason = str(error)
            raise
        except Exception as error:  # raised again by the run: here it would be a line of a log
            self.broken = error
            raise
        finally:
            self._spent = (time.perf_counter() - started) * 1000
        return {name: value for name, value in self._outputs.items() if name != "receipt"}

    async def evaluator(self, run: Run, example: DatasetExample | None) -> EvaluationResults:
        """Score what `ask` has just given: examples are asked one after the other."""
        assert example is not None
        asked = self.examples[example.id]
        scores: dict[str, float] = {}
        kept = self._outputs
        try:
            if not (self._reason or self.broken):
                examined = await self._evaluation.examined(asked, self._outputs)
                scores = self._evaluation.score(asked, examined)
                kept = self._evaluation.kept(asked, examined)
        except FootnoteError as error:
            self._reason = str(error)
        except Exception as error:  # as above
            self.broken = error
            raise
        self.results[example.id] = Result(self._name, asked, kept, scores, round(self._spent, 2), self._reason)
        return {"results": [EvaluationResult(key=key, score=value) for key, value in scores.items()]}


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep LangSmith from logging the traceback of what is recorded or raised here, and from a warning at each run."""
    logger = logging.getLogger(_LOGGER)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "'upload_results' parameter is in beta")
            yield
    finally:
        logger.setLevel(level)
