"""What LangSmith gets to see of an evaluation: what was asked and what is right, without personal data.

Questions, claims, references and metadata are sent with personal data masked. Texts of documents are sent only if the
settings allow texts in traces; so are answers, which runs hold (`observe.langsmith_traces`). Receipts are never sent.
What is sent of an example is named here; whatever is not named stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from evals.runs.example import Example
from observe.langsmith_traces import HIDDEN
from observe.redaction import redacted

# Fields that hold questions, claims, short right answers, names of passages and labels.
_INPUTS = frozenset({"question", "turns", "human", "claim", "right", "aspect", "kind", "filters"})
_REFERENCE = frozenset({"answers", "aliases", "relevant", "label", "verdict", "kind", "class", "route"})
_NOT_SENT = ("git",)  # LangSmith adds the name and the e-mail address of the last commit's author to an experiment

Mask = Callable[[str], str]


class Sending:
    """Takes out of examples and metadata, as JSON values, what may not be sent."""

    def __init__(self, mask: Mask, *, texts: bool) -> None:
        self._mask = mask
        self._texts = texts

    def example(self, example: Example) -> dict[str, dict[str, Any]]:
        """Return an example's ``inputs``, ``outputs`` and ``metadata`` as a dataset holds them."""
        return {
            "inputs": self._fields(example.inputs, _INPUTS),
            "outputs": self._fields(example.reference, _REFERENCE),
            "metadata": {"key": self.text(example.key), "kind": self.text(example.kind)},
        }

    def metadata(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is known of a run or an experiment."""
        return {name: self._masked(value) for name, value in metadata.items() if name not in _NOT_SENT}

    def text(self, text: str) -> str:
        """Return a text with personal data and secrets masked."""
        return redacted(self._mask(text))

    def _fields(self, fields: Mapping[str, Any], sent: frozenset[str]) -> dict[str, Any]:
        return {
            name: self._masked(value) if self._texts or name in sent else self._without_words(value)
            for name, value in fields.items()
        }

    def _masked(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(name)): self._masked(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._masked(inner) for inner in value]
        return value if value is None or isinstance(value, bool | int | float) else self.text(str(value))

    def _without_words(self, value: Any) -> Any:
        return value if value is None or isinstance(value, bool | int | float) else HIDDEN
