"""Where an experiment's examples and results are kept: at LangSmith, or in this process only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import NAMESPACE_URL, uuid5

from langsmith import Client
from langsmith.schemas import Example as DatasetExample

from evals.runs.example import Example


class Keeper(Protocol):
    """Gives an experiment its examples, and the client that its results go to."""

    client: Client
    is_uploaded: bool

    async def dataset(self, name: str, examples: Sequence[Example]) -> list[DatasetExample]:
        """Return the examples of a dataset as LangSmith knows them."""
        ...


class Local:
    """Keeps nothing: the same experiment without a network."""

    is_uploaded = False

    def __init__(self) -> None:
        self.client: Client = _SilentClient(api_key="none", auto_batch_tracing=False)

    async def dataset(self, name: str, examples: Sequence[Example]) -> list[DatasetExample]:
        """Return the examples of a dataset that is nowhere."""
        return [
            DatasetExample(
                id=example.identity(name), dataset_id=uuid5(NAMESPACE_URL, name), inputs=dict(example.inputs),
                outputs=dict(example.reference), metadata={"key": example.key, "kind": example.kind},
            )
            for example in examples
        ]  # fmt: skip


class _SilentClient(Client):
    """LangSmith's client without its network: `aevaluate` hands it runs even if nothing is to be uploaded."""

    def create_run(self, *given: Any, **run: Any) -> None:
        """Send nothing."""

    def update_run(self, *given: Any, **run: Any) -> None:
        """Send nothing."""
