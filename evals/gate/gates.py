"""The file of gates: which evaluations run on which sets, and what each metric may not fall below or rise above."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from evals.runs.registry import EVALUATIONS
from settings import Settings
from state.errors import FootnoteError

GATES = Path(__file__).parents[1] / "gates.toml"


class UnreadableGates(FootnoteError):
    """A file that is not one of gates, or a choice of evaluations that it does not have."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Gate(_Table):
    """What one metric of one set must reach: at least ``floor``, at most ``ceiling``.

    Without ``set`` the metric is of all sets of the evaluation together. With ``over`` what counts is by how much the
    metric is above the highest of those other metrics.
    """

    metric: str
    set: str = ""
    over: tuple[str, ...] = ()
    floor: float | None = None
    ceiling: float | None = None

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.floor is None and self.ceiling is None:
            raise ValueError(f"{self.metric} has neither a floor nor a ceiling")
        return self

    @property
    def name(self) -> str:
        """Return what is measured, in words."""
        return f"{self.metric} above {' and '.join(self.over)}" if self.over else self.metric

    def holds(self, value: float) -> bool:
        """Whether a value passes."""
        return (self.floor is None or value >= self.floor) and (self.ceiling is None or value <= self.ceiling)


class Gated(_Table):
    """One evaluation: the sets it runs on, the documents that sets without passages are asked of, and its gates."""

    paths: tuple[Path, ...] = Field(min_length=1)
    documents: tuple[Path, ...] = ()
    options: dict[str, Any] = {}
    gates: tuple[Gate, ...] = Field(min_length=1)


class Gates(_Table):
    """All gates, by evaluation. With ``defaults`` they are about the settings as they are by default."""

    defaults: bool = False
    evaluations: dict[str, Gated] = Field(min_length=1)

    @model_validator(mode="after")
    def _are_known(self) -> Self:
        if unknown := sorted(set(self.evaluations) - set(EVALUATIONS)):
            raise ValueError(f"there is no evaluation {', '.join(unknown)}: choose of {', '.join(EVALUATIONS)}")
        return self

    def only(self, names: Sequence[str]) -> Gates:
        """Return the gates of some evaluations; all of them without names. Raises `UnreadableGates`."""
        if unknown := sorted(set(names) - set(self.evaluations)):
            raise UnreadableGates(f"There is no gate of {', '.join(unknown)}: choose of {', '.join(self.evaluations)}.")
        chosen = {name: gated for name, gated in self.evaluations.items() if name in names or not names}
        return self.model_copy(update={"evaluations": chosen})

    def settings(self, given: Settings) -> Settings:
        """Return the settings to measure with: those given, or the defaults on the machine of those given.

        The defaults are taken as on a machine without a network that has only the packaged models, or the reranker
        would be another one where its cache holds it.
        """
        if not self.defaults:
            return given
        return Settings.model_construct(
            {"home", "threads"}, home=given.home, threads=given.threads, allow_download=False, reranker_model="none"
        )


def read_gates(file: Path) -> Gates:
    """Read a file of gates; its paths are relative to its folder. Raises `UnreadableGates`."""
    try:
        gates = Gates.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise UnreadableGates(f"The gates {file} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UnreadableGates(f"{file} is not a file of gates: {place}: {first['msg']}.") from error
    except ValueError as error:  # no TOML, no UTF-8
        raise UnreadableGates(f"{file} is not a file of gates: {error}.") from error
    found = {
        name: gated.model_copy(update={
            "paths": tuple(file.parent / path for path in gated.paths),
            "documents": tuple(file.parent / path for path in gated.documents),
        })
        for name, gated in gates.evaluations.items()
    }  # fmt: skip
    return gates.model_copy(update={"evaluations": found})
