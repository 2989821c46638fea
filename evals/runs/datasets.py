"""Where an experiment's examples and results are kept: at LangSmith, or in this process only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import NAMESPACE_URL, uuid5

from langsmith import Client
from langsmith.schemas import Example as DatasetExample
from langsmith.schemas import TracerSession

from evals.runs.example import Example


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment that may begin: its examples, in the order given, and the client that its results go to.

    ``session`` is what LangSmith knows it by; None if nothing is sent.
    """

    examples: list[DatasetExample]
    client: Client
    session: TracerSession | None = None


class Keeper(Protocol):
    """Begins experiments. ``notes`` say what could not be kept."""

    notes: list[str]

    async def begin(
        self, dataset: str, examples: Sequence[Example], name: str, metadata: Mapping[str, Any]
    ) -> Experiment:
        """Begin an experiment of a name on the examples of a dataset. Raises nothing: what cannot be kept is noted."""
        ...


class Local:
    """Keeps nothing: the same experiment without a network."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._client = _SilentClient(api_url="http://localhost", api_key="none", auto_batch_tracing=False)

    async def begin(
        self, dataset: str, examples: Sequence[Example], name: str, metadata: Mapping[str, Any]
    ) -> Experiment:
        """Begin an experiment that is nowhere."""
        home = uuid5(NAMESPACE_URL, dataset)
        return Experiment([as_dataset_example(one, one.identity(dataset), home) for one in examples], self._client)


def as_dataset_example(example: Example, identity: Any, dataset: Any, **more: Any) -> DatasetExample:
    """Return an example as LangSmith's `aevaluate` takes it."""
    return DatasetExample(
        id=identity, dataset_id=dataset, inputs=dict(example.inputs), outputs=dict(example.reference),
        metadata={"key": example.key, "kind": example.kind}, **more,
    )  # fmt: skip


class _SilentClient(Client):
    """LangSmith's client without its network: `aevaluate` hands it runs even if nothing is to be uploaded."""

    def create_run(self, *given: Any, **run: Any) -> None:
        """Send nothing."""

    def update_run(self, *given: Any, **run: Any) -> None:
        """Send nothing."""
