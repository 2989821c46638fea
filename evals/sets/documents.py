"""Documents of one's own that questions are asked of: files and folders, read into a scratch database."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from evals.runs.evaluation import Conditions
from evals.sets.beir import UnreadableSet
from ingest.report import IngestReport
from ingest.sources import Found, find_sources

_BYTES_A_MB = 2**20
_logger = logging.getLogger(__name__)


def given_documents(conditions: Conditions) -> Found | None:
    """Return the files of the documents given, None if none are. Raises `UnreadableSet` if there is no file."""
    if not conditions.documents:
        return None
    paths = [os.fspath(path) for path in conditions.documents]
    found = find_sources(paths, max_bytes=int(conditions.settings.max_file_mb * _BYTES_A_MB))
    if not found.sources:
        reasons = "; ".join(f"{path}: {reason}" for path, reason in found.failed) or "there are no files"
        raise UnreadableSet(f"The documents to ask cannot be read: {reasons}.")
    return found


def refuse_unread(report: IngestReport) -> None:
    """Warn of documents that could not be read in. Raises `UnreadableSet` if none could."""
    if report.failed and not report.indexed:
        raise UnreadableSet(f"No document could be read in; the first, {report.failed[0][0]}: {report.failed[0][1]}.")
    for path, reason in report.failed:
        _logger.warning("not read in: %r: %s", path, reason)


def shown(uri: str, found: Found) -> str:
    """Return the name of a source in results: of a file the path below the folder that was given."""
    for root in found.roots:
        if uri != root and uri.startswith(root + os.sep):
            return Path(uri).relative_to(Path(root).parent).as_posix()
    return Path(uri).name if uri in found.roots else uri
