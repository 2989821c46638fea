"""What a run of ingestion did, and how it tells of it while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

OnProgress = Callable[["Progress"], None]

Stage = Literal["found", "reading", "unchanged", "indexed", "failed", "linking"]


class Progress(NamedTuple):
    """One step of a run: the stage reached, how many documents it ended, how many chunks they have.

    ``sources`` are those that it is about, ``reason`` says why one failed.
    """

    stage: Stage
    documents: int = 1
    chunks: int = 0
    sources: tuple[str, ...] = ()
    reason: str = ""


@dataclass(slots=True)
class IngestReport:
    """What a run did. ``failed`` holds (file, reason).

    ``chunks`` counts newly written ones, ``quarantined`` those of them that give orders to an assistant.
    ``indexed`` counts documents that are new or changed, be it in their access list or tags only.
    """

    files: int = 0
    indexed: int = 0
    unchanged: int = 0
    deleted: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    chunks: int = 0
    quarantined: int = 0
    links: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts into a report what happens to each document, and passes it on to whoever watches."""

    report: IngestReport
    on_progress: OnProgress

    def failed(self, source: str, reason: str) -> None:
        """Note that a document could not be read or written."""
        self.report.failed.append((source, reason))
        self.on_progress(Progress("failed", sources=(source,), reason=reason))

    def reading(self, source: str) -> None:
        """Note that a document is new or changed, and on its way."""
        self.on_progress(Progress("reading", 0, sources=(source,)))

    def passed_over(self, source: str, *, regranted_or_retagged: bool) -> None:
        """Note that a document's text is unchanged."""
        self.report.indexed += regranted_or_retagged
        self.report.unchanged += not regranted_or_retagged
        self.on_progress(Progress("unchanged", sources=(source,)))

    def stored(self, sources: Sequence[str], written: int, chunks: int, quarantined: int) -> None:
        """Note that documents are in the database, ``written`` of them by this run, with ``chunks`` chunks."""
        self.report.indexed += written
        self.report.quarantined += quarantined
        self.report.unchanged += len(sources) - written
        self.report.chunks += chunks
        self.on_progress(Progress("indexed", len(sources), chunks, tuple(sources)))
