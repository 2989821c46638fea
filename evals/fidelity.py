"""How faithfully files are read: the words of what is stored, held against the Markdown expected of each file.

A file ``report.pdf`` is expected to read like ``report.pdf.expected.md`` next to it. What is compared is said in
`evals.fidelity_words`. With L the length of the longest common subsequence of the two lists of words:

- ``in_order`` is L by the number of expected words: what is there, and in its place. Floors are on it;
- ``present`` is the share of expected words that are stored anywhere, each as often as expected;
- ``precision`` is L by the number of stored words: nothing is won by saying everything twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from evals.fidelity_words import expected_words, stored_words
from evals.sets.beir import UnreadableSet
from ingest.loaders import format_of, load
from state.documents import ParsedDocument
from state.errors import UnreadableDocument

EXPECTED = ".expected.md"
WORST = 3


@dataclass(frozen=True, slots=True)
class FileFidelity:
    """How one file was read, or why it could not be (``reason``; its shares are 0 then)."""

    file: str
    format: str
    in_order: float = 0.0
    present: float = 0.0
    precision: float = 0.0
    reason: str = ""


def common_words(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the length of the longest common subsequence.

    A column of the table of lengths is one large integer whose zero bits are where the length grows: Hyyrö,
    "Bit-parallel LCS-length computation revisited", 2004. 20,000 words against as many take about 0.2 s.
    """
    places: dict[str, int] = {}
    for index, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << index
    full = (1 << len(one)) - 1
    row = full
    for word in other:
        matches = row & places.get(word, 0)
        row = (row + matches | row - matches) & full
    return len(one) - row.bit_count()


def fidelity_of(file: str, kind: str, document: ParsedDocument, markdown: str) -> FileFidelity:
    """Compare a loaded document with the Markdown expected of it; two empty texts agree."""
    expected, names = expected_words(markdown)
    stored = stored_words(document, names)
    common = common_words(expected, stored)
    anywhere = (Counter(expected) & Counter(stored)).total()
    return FileFidelity(
        file, kind, _share(common, len(expected)), _share(anywhere, len(expected)), _share(common, len(stored))
    )


def evaluate_fidelity(folder: Path) -> dict[str, Any]:
    """Return per format the files, mean and least shares and worst files, and each file's own figures.

    ``unread`` are files with expected text that could not be read: they count as 0 in the means. Raises
    `UnreadableSet` if no file below the folder has expected text.
    """
    paths = sorted(path for path in folder.rglob("*" + EXPECTED) if path.is_file())
    results = [_measured(path.with_name(path.name.removesuffix(EXPECTED)), path, folder) for path in paths]
    if not results:
        raise UnreadableSet(f"{folder} has no file with its expected text next to it (report.pdf{EXPECTED}).")
    formats = {kind: _summary([r for r in results if r.format == kind]) for kind in sorted({r.format for r in results})}
    return {
        "formats": formats,
        "unread": {result.file: result.reason for result in results if result.reason},
        "files": [asdict(result) for result in results],
    }


def _measured(path: Path, expected: Path, folder: Path) -> FileFidelity:
    name = str(path.relative_to(folder))
    kind = path.suffix.lower().lstrip(".")
    try:
        data = path.read_bytes()
        markdown = expected.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableSet(f"{expected} has no readable file that it belongs to: {error}.") from error
    try:
        kind = format_of(path, data)
        return fidelity_of(name, kind, load(path, data), markdown)
    except UnreadableDocument as error:
        return FileFidelity(name, kind, reason=str(error))


def _summary(results: Sequence[FileFidelity]) -> dict[str, Any]:
    worst = sorted(results, key=lambda result: result.in_order)[:WORST]
    return {
        "files": len(results),
        "in_order": round(fmean(result.in_order for result in results), 4),
        "least": round(worst[0].in_order, 4),
        "present": round(fmean(result.present for result in results), 4),
        "precision": round(fmean(result.precision for result in results), 4),
        "worst": {result.file: round(result.in_order, 4) for result in worst if result.in_order < 1},
    }


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0
