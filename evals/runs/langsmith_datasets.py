"""Keeping experiments at LangSmith: the datasets, what is missing in them, and one experiment a set."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from langsmith.schemas import Dataset, ExampleCreate, ExampleUpdate
from langsmith.schemas import Example as DatasetExample
from langsmith.utils import LangSmithConflictError, LangSmithNotFoundError, LangSmithUserError, get_api_key

from evals.runs.datasets import Experiment, Keeper, Local, as_dataset_example
from evals.runs.example import Example
from evals.runs.langsmith_client import FAILURES, ExperimentClient, reason
from evals.runs.sending import Mask, Sending
from graph.tracing import masked
from models.pii import PresidioFinder
from settings import Settings
from state.errors import FootnoteError

_DESCRIPTION = "Questions of a Footnote evaluation, personal data masked. Filled by `footnote eval`."
_AT_ONCE = 500  # changed examples in one request
_LAST_SECONDS = 20.0  # for what is still to be sent when all has been asked


class UnusableVariables(FootnoteError):
    """LangSmith's own environment variables contradict each other."""


@asynccontextmanager
async def uploading(configuration: Settings) -> AsyncIterator[Keeper]:
    """Give what keeps experiments: at LangSmith if its key is set, else in this process only.

    Raises `UnusableVariables`.
    """
    try:
        local = Local()
    except LangSmithUserError as error:  # raised for any client
        raise UnusableVariables(
            "LangSmith's variables contradict each other: set LANGSMITH_ENDPOINT or LANGSMITH_RUNS_ENDPOINTS, not both."
        ) from error
    if get_api_key(None) is None:
        yield local
        return
    finder = PresidioFinder()
    await asyncio.to_thread(finder.open)
    with _quiet():
        keeper = LangSmith(partial(masked, finder), texts=configuration.trace_texts)
        try:
            yield keeper
        finally:
            await asyncio.to_thread(keeper.close)


class LangSmith:
    """Keeps datasets and experiments at LangSmith; once that fails, in this process only, with one note.

    A dataset is known by its name, an example by its key in the dataset: what is missing is added, what has changed is
    updated, and nothing is ever there twice. Examples that a set no longer has stay where they are.
    """

    def __init__(self, mask: Mask, *, texts: bool) -> None:
        self.notes: list[str] = []
        self._sending = Sending(mask, texts=texts)
        self._client = ExperimentClient(mask, self._sending, self._missed, texts=texts)
        self._local: Local | None = None
        self._begun = False

    async def begin(
        self, dataset: str, examples: Sequence[Example], name: str, metadata: Mapping[str, Any]
    ) -> Experiment:
        """Begin an experiment on the examples of a dataset, made as they are now."""
        if self._local is None:
            try:
                begun = await asyncio.to_thread(self._begin, self._sending.text(dataset), examples, name, metadata)
            except FAILURES as error:
                self._local = Local()
                self._missed(error)
            else:
                self._begun = True
                return begun
        return await self._local.begin(dataset, examples, name, metadata)

    def close(self) -> None:
        """Send what is left, in a limited time."""
        started = time.monotonic()
        self._client.close(timeout=_LAST_SECONDS)
        if time.monotonic() - started >= _LAST_SECONDS:
            self._missed(TimeoutError())

    def _missed(self, error: Exception) -> None:
        """Note, once, what is not at LangSmith."""
        lost = "not all of this run is there, all of it is kept here" if self._begun else "this run is kept here only"
        if not self.notes:
            self.notes.append(f"LangSmith {reason(error)}: {lost}.")

    def _begin(self, dataset: str, examples: Sequence[Example], name: str, metadata: Mapping[str, Any]) -> Experiment:
        home = self._dataset(dataset)
        kept = self._examples(home, examples)
        session = self._client.create_project(
            f"{self._sending.text(name)}-{uuid4().hex[:8]}", reference_dataset_id=home, metadata=dict(metadata),
            num_examples=len(kept), num_repetitions=1,
        )  # fmt: skip
        return Experiment(kept, self._client, session)

    def _dataset(self, name: str) -> UUID:
        try:
            found: Dataset = self._client.read_dataset(dataset_name=name)
        except LangSmithNotFoundError:
            try:
                found = self._client.create_dataset(name, description=_DESCRIPTION)
            except LangSmithConflictError:  # another run was faster
                found = self._client.read_dataset(dataset_name=name)
        return found.id

    def _examples(self, home: UUID, examples: Sequence[Example]) -> list[DatasetExample]:
        """Bring a dataset up to date; return its examples with the words that are not sent."""
        there = {one.id: one for one in self._client.list_examples(dataset_id=home)}
        # By the dataset's own identifier: those of examples are one name space for all users of LangSmith.
        wanted = {one.identity(str(home)): self._sending.example(one) for one in examples}
        new = [
            ExampleCreate.model_validate(
                {"id": key, "inputs": one["inputs"], "reference_outputs": one["outputs"], "metadata": one["metadata"]}
            )
            for key, one in wanted.items()
            if key not in there
        ]
        changed = [
            ExampleUpdate.model_validate({"id": key, "dataset_id": home, **one})
            for key, one in wanted.items()
            if key in there and not _same(there[key], one)
        ]
        if new:
            self._client.create_examples(dataset_id=home, examples=new)
        for start in range(0, len(changed), _AT_ONCE):
            self._client.update_examples(dataset_id=home, updates=changed[start : start + _AT_ONCE])
        untouched = {*there} - {one.id for one in changed}
        now = datetime.now(UTC)
        return [
            as_dataset_example(one, key, home, modified_at=there[key].modified_at if key in untouched else now)
            for one, key in zip(examples, wanted, strict=True)
        ]


def _same(there: DatasetExample, wanted: Mapping[str, Any]) -> bool:
    """Whether an example is as it should be; LangSmith adds to its metadata."""
    metadata = there.metadata or {}
    return (
        there.inputs == wanted["inputs"]
        and (there.outputs or {}) == wanted["outputs"]
        and all(metadata.get(name) == value for name, value in wanted["metadata"].items())
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep LangSmith's client from logging each failure: they are noted once."""
    logger = logging.getLogger("langsmith")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
