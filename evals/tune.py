"""Fitting the settings of search and abstention to a set of questions, and telling whether that holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evals.ablation.compare import rows_of
from evals.ablation.questions import Questions
from evals.ablation.steps import Step
from evals.asking import Asking, asking
from evals.runs.evaluation import Conditions
from evals.runs.example import Example
from evals.runs.experiment import run_evaluation
from evals.runs.metadata import run_metadata
from evals.scratch import reopened_database
from evals.sets.rows import UnreadableSet
from evals.tuning.answering import judged, passage_choices, threshold_choices
from evals.tuning.choosing import ONE_SPLIT, Choice, choose, splits
from evals.tuning.searching import depth_choices, fusion_choices, record
from settings import Settings
from state.documents import Source

LEAST = 20  # questions that a setting is fitted on
_LEAST_OF_EACH = 10  # questions with and without an answer, for the threshold
_TOGETHER = Step("tuned", "all that was taken, together", on=False, brings=True)


@dataclass(frozen=True)
class Tuned:
    """What was chosen for each setting, ``changes`` to the settings, and what these bring ``together``.

    ``together`` are the differences of the whole graph's metrics, on questions held out where ``held_out`` says so;
    it is None where nothing was changed.
    """

    choices: Sequence[Choice]
    changes: Mapping[str, Any]
    together: Mapping[str, Any] | None
    held_out: bool
    questions: int
    metadata: Mapping[str, Any]


async def tune(
    path: Path, conditions: Conditions | None = None, tell: Callable[[str], None] = lambda said: None
) -> Tuned:
    """Fit settings on the questions of a set. What does not hold on questions held out keeps its present value.

    Raises `UnreadableSet`, also if there are several sets.
    """
    given = conditions or Conditions()
    examples, sources = _read(path, given)
    if given.documents or sources is not None:
        async with reopened_database(given.settings) as connect:
            return await _tuned(path, replace(given, connect=connect), examples, sources, tell)
    return await _tuned(path, given, examples, sources, tell)


def _read(path: Path, given: Conditions) -> tuple[list[Example], list[Source] | None]:
    evaluation = Questions(given)
    sets = evaluation.read([path])
    if len(sets) > 1:
        raise UnreadableSet(f"{path} holds several sets ({', '.join(sets)}): give one of them.")
    [(name, examples)] = sets.items()
    return examples[: given.most], evaluation.sources(name)


async def _tuned(
    path: Path,
    given: Conditions,
    examples: Sequence[Example],
    sources: list[Source] | None,
    tell: Callable[[str], None],
) -> Tuned:
    choices = await _choices(given, examples, sources, tell)
    changes: dict[str, Any] = {name: value for one in choices if one.accepted for name, value in one.tuned.items()}
    together, held_out = None, len(examples) >= ONE_SPLIT
    if changes:
        tell("the whole graph, before and after")
        keys = {examples[at].key for _, some in splits([one.kind for one in examples]) for at in some}
        together = await _compared(path, given, changes, keys)
        if together["should"] == "off":
            changes = {}
    return Tuned(choices, changes, together, held_out, len(examples), run_metadata("tune", given, [path]))


async def _choices(
    given: Conditions, examples: Sequence[Example], sources: list[Source] | None, tell: Callable[[str], None]
) -> list[Choice]:
    answered = [one for one in examples if "answers" in one.reference]
    async with asking(given, sources) as asked:
        tell("searching")
        choices = await _searched(asked, examples, given.settings)
        if few := _too_few(answered, "whose right answer is known"):
            choices.append(Choice("passages", few))
        else:
            tell("reading more and fewer passages")
            choices.append(choose(await passage_choices(asked, answered, given.settings)))
    impossible = sum(not one.reference["answers"] for one in answered)
    if min(impossible, len(answered) - impossible) < _LEAST_OF_EACH:
        reason = f"cannot be fitted: it takes {_LEAST_OF_EACH} questions with and {_LEAST_OF_EACH} without an answer"
        choices.append(Choice("abstention", f"{reason}; there are {len(answered) - impossible} and {impossible}"))
        return choices
    tell("answering whatever is found")
    never = replace(given, settings=given.settings.model_copy(update={"abstain_below": 0.0}))
    async with asking(never, sources) as asked:
        choices.append(choose(threshold_choices(await judged(asked, answered), given.settings)))
    return choices


async def _searched(asked: Asking, examples: Sequence[Example], configuration: Settings) -> list[Choice]:
    recorded = await record(asked, examples, configuration)
    if few := _too_few(recorded, "for which a relevant passage is known"):
        return [Choice("fusion", few), Choice("rerank depth", few)]
    both = [one for one in recorded if one.is_fused]
    few = _too_few(both, "that are searched for by words and by meaning, for which a relevant passage is known")
    choices = [Choice("fusion", few) if few else choose(fusion_choices(both, configuration))]
    if not all(one.reranked for one in recorded):
        return [*choices, Choice("rerank depth", "cannot be fitted: there is no reranker")]
    return [*choices, choose(depth_choices(recorded, configuration))]


def _too_few(some: Sequence[object], which: str) -> str:
    if len(some) >= LEAST:
        return ""
    return f"cannot be fitted: it takes {LEAST} questions {which}, and there are {len(some)}"


class _Part(Questions):
    """Some questions of a set."""

    def __init__(self, conditions: Conditions, keys: set[str]) -> None:
        super().__init__(replace(conditions, most=None))
        self._keys = keys

    def read(self, paths: Sequence[Path]) -> dict[str, list[Example]]:
        """Return the questions with these keys."""
        sets = super().read(paths)
        return {name: [one for one in some if one.key in self._keys] for name, some in sets.items()}


async def _compared(path: Path, given: Conditions, changes: Mapping[str, Any], keys: set[str]) -> dict[str, Any]:
    """Ask questions as things are and as they would be, and return the row of the comparison."""
    changed = replace(given, settings=given.settings.model_copy(update=dict(changes)))
    before = await run_evaluation(_Part(given, keys), [path], {})
    after = await run_evaluation(_Part(changed, keys), [path], {})
    return rows_of(_TOGETHER, "questions", Questions(given), before, after)[0]
