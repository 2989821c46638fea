"""File locks between processes, by `flock`: the kernel drops a lock when the last process that holds it ends."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from state.errors import StoreMisconfigured, StoreUnavailable

SHARED = fcntl.LOCK_SH
EXCLUSIVE = fcntl.LOCK_EX
_POLL_SECONDS = 0.02


def open_lock(path: Path) -> int:
    """Return a descriptor of the lock file, made if it is missing.

    Raises:
        StoreMisconfigured: another user made the file.

    """
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreMisconfigured(
            f"The file {path} cannot be opened ({error.strerror}): run as the user who made it, or set FOOTNOTE_HOME "
            "to another folder."
        ) from error


def try_lock(descriptor: int, kind: int) -> bool:
    """Take the lock if nobody holds one against it; a descriptor's earlier lock is replaced."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock(path: Path, kind: int, deadline: float) -> int:
    """Return a descriptor that holds the lock until it is closed.

    Raises:
        StoreMisconfigured: another user made the file.
        StoreUnavailable: the lock was not free before `deadline` (`time.monotonic()`).

    """
    descriptor = open_lock(path)
    while not try_lock(descriptor, kind):
        if time.monotonic() > deadline:
            os.close(descriptor)
            raise StoreUnavailable(f"The database in {path.parent} is being started or stopped: try again.")
        time.sleep(_POLL_SECONDS)
    return descriptor


def is_free(path: Path) -> bool:
    """Return whether nobody holds the lock now."""
    descriptor = open_lock(path)
    try:
        return try_lock(descriptor, EXCLUSIVE)
    finally:
        os.close(descriptor)
