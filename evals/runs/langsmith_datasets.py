"""Keeping experiments at LangSmith."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from evals.runs.datasets import Keeper, Local
from settings import Settings


@asynccontextmanager
async def uploading(configuration: Settings) -> AsyncIterator[Keeper]:
    """Give what keeps experiments: at LangSmith if its key is set, else in this process only."""
    yield Local()
