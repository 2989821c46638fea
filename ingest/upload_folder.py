"""Where uploaded files lie until they are read in: a folder of this process, swept up after one that died."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from uuid import UUID, uuid4

from store.locks import EXCLUSIVE, open_lock, try_lock


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as a client sent it. A ``content`` that is a path may go once `Uploads.begin` has returned."""

    name: str
    content: bytes | Path

    @property
    def size(self) -> int:
        """Bytes of the file; blocking for a path."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size


class UploadFolder:
    """Files of this process's jobs, below ``home``. Blocking.

    Beside the folder lies a file that the process holds locked: the kernel lets go of it when the process ends, however
    it does, and the next process that takes uploads removes what it left.
    """

    def __init__(self, home: Path) -> None:
        self._root = home / "uploads"
        self._opening = Lock()
        self._folder: Path | None = None
        self._lock = -1

    def stage(self, job_id: UUID, uploads: dict[int, Upload]) -> dict[int, Path]:
        """Put the files of a job down, named by their numbers; return where they are."""
        folder = self._opened() / job_id.hex
        folder.mkdir(mode=0o700)
        try:
            return {number: _put_down(upload, folder / str(number)) for number, upload in uploads.items()}
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def drop(self, job_id: UUID) -> None:
        """Remove the files of a job."""
        if self._folder is not None:
            shutil.rmtree(self._folder / job_id.hex, ignore_errors=True)

    def close(self) -> None:
        """Remove the folder with all that is in it."""
        with self._opening:
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                _lock_file(self._folder).unlink(missing_ok=True)
                os.close(self._lock)
                self._folder = None

    def _opened(self) -> Path:
        with self._opening:
            if self._folder is None:
                self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._sweep()
                folder = self._root / uuid4().hex
                self._lock = open_lock(_lock_file(folder))
                try_lock(self._lock, EXCLUSIVE)
                folder.mkdir(mode=0o700)
                self._folder = folder
            return self._folder

    def _sweep(self) -> None:
        """Remove what processes left that are gone."""
        for path in self._root.glob("*.lock"):
            descriptor = open_lock(path)
            try:
                if try_lock(descriptor, EXCLUSIVE):
                    shutil.rmtree(path.with_suffix(""), ignore_errors=True)
                    path.unlink(missing_ok=True)
            finally:
                os.close(descriptor)


def _lock_file(folder: Path) -> Path:
    return folder.with_suffix(".lock")


def _put_down(upload: Upload, path: Path) -> Path:
    if isinstance(upload.content, bytes):
        path.write_bytes(upload.content)
    else:
        shutil.copyfile(upload.content, path)
    return path
