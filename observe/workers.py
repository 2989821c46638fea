"""Where the workers of one server keep their metrics, so that each of them can tell those of all.

This module loads nothing of Prometheus: its library looks at the environment once, when it is imported.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from settings import METRICS_FOLDER, metrics_folder, tell_workers


@contextmanager
def metrics_shared_by_workers() -> Iterator[None]:
    """Let the processes started inside share their metrics, in a folder that is removed at the end.

    A folder named in the environment already is used, emptied of what an earlier server left there, and kept.
    """
    given = metrics_folder()
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        for file in given.glob("*.db"):
            file.unlink()
        yield
        return
    folder = tempfile.mkdtemp(prefix="footnote-metrics-")
    tell_workers(METRICS_FOLDER, folder)
    try:
        yield
    finally:
        tell_workers(METRICS_FOLDER, None)
        shutil.rmtree(folder, ignore_errors=True)
