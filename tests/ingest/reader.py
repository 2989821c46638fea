"""Reads a folder in with vectors made from hashes: fast, and able to run as a process of its own that can be killed."""

from __future__ import annotations

import asyncio
import hashlib
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ingest import pipeline
from ingest.sources import find_sources
from models.tokenizer import ModelTokenCounter
from settings import Settings
from state.ports import Vectors
from state.principal import Principal
from store.database import Database

REPOSITORY = Path(__file__).parents[2]


@dataclass
class HashingEmbedder:
    """Unit vectors from the words' hashes; ``calls`` counts the texts embedded."""

    delay: float = 0.0
    space: str = "hashing 16"
    dimension: int = 16
    calls: list[int] = field(default_factory=list)

    def open(self) -> None:
        """Nothing to load."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.calls.append(len(texts))
        time.sleep(self.delay)
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in text.split():
                row[int.from_bytes(hashlib.md5(word.encode()).digest()[:2], "big") % self.dimension] += 1
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


async def read_in(conninfo: str, folder: Path, delay: float) -> None:
    """Read a folder in as the local user."""
    counter = ModelTokenCounter(Settings(allow_download=False))
    async with Database(conninfo, pool_size=2) as database:
        ingester = pipeline.Ingester(
            database, HashingEmbedder(delay), counter, Principal("local", "local", can_write=True)
        )
        report = await ingester.ingest(find_sources([str(folder)], max_bytes=10**6), "default")
    assert not report.failed, report.failed


async def rows_of(database: Database, principal: Principal, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a statement that a principal runs."""
    async with database.session(principal) as connection:
        return await (await connection.execute(statement, parameters or None)).fetchall()


async def start_reader(conninfo: str, folder: Path, delay: float, batch: int) -> asyncio.subprocess.Process:
    """Run this module as a process of its own."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.ingest.reader", conninfo, str(folder), str(delay), str(batch),
        cwd=REPOSITORY, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


def many_notes(folder: Path, count: int) -> None:
    """Write notes of four chunks each, every one with a link to the next."""
    for number in range(count):
        sections = "\n\n".join(f"## Part {part} of {number}\n\n" + f"word{number} " * 60 for part in range(3))
        link = f"[next](n{(number + 1) % count:02}.md)"
        (folder / f"n{number:02}.md").write_text(f"# Note {number}\n\n{link}\n\n{sections}")


if __name__ == "__main__":
    pipeline.BATCH_CHUNKS = int(sys.argv[4])
    asyncio.run(read_in(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])))
