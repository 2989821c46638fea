"""The process that draws pages, as this process sees it: started when one is asked for, replaced when it dies."""

from __future__ import annotations

import atexit
import contextlib
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Final

from state.errors import UnreadableDocument
from tools.page_marks import Box, CitedLine
from tools.page_worker import DRAWN

_ROOT: Final = Path(__file__).parents[1]


class PageDrawer:
    """Draws one page at a time, in a process of its own (`tools.page_worker`). Blocking; any thread may ask."""

    def __init__(self) -> None:
        self._turn = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    def draw(self, pdf: bytes, page: int, lines: Sequence[CitedLine], hidden: Sequence[Box], name: str) -> bytes:
        """Return a page (from 1) as PNG with what is cited of its lines marked, and the ``hidden`` boxes painted over.

        Raises:
            UnreadableDocument: the PDF, which the message calls ``name``, is encrypted or broken, or takes too much.
        """
        header = json.dumps({"page": page, "lines": lines, "hidden": hidden}).encode()
        request = len(header).to_bytes(4, "big") + len(pdf).to_bytes(4, "big") + header + pdf
        with self._turn:
            answer = self._asked(request) or b""
        if not answer:
            raise UnreadableDocument(f"Page {page} of {name} takes too much time or memory to be drawn, or is damaged.")
        if answer[:1] != DRAWN:
            raise UnreadableDocument(f"Page {page} of {name} cannot be drawn: its original is encrypted or damaged.")
        return answer[1:]

    def close(self) -> None:
        """End the process; the next page starts another one."""
        with self._turn:
            self._end()

    def _asked(self, request: bytes) -> bytes | None:
        """Return the answer to a request, None if the process died over it."""
        if self._process is not None and self._process.poll() is not None:
            self._end()
        is_new = self._process is None
        process = self._process = self._process or self._started()
        answer = _answer(process, request)
        if answer is None:
            ended = self._end()
            if ended == 0 and not is_new:  # by itself, because nothing had been asked for a while
                return self._asked(request)
        return answer

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "tools.page_worker"], cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def _end(self) -> int | None:
        """End the process, if it has not ended yet, and return its exit status."""
        if self._process is None:
            return None
        process, self._process = self._process, None
        process.kill()
        assert process.stdin is not None and process.stdout is not None
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):  # what was not sent to it any more
            process.stdin.close()
        return process.wait()


def _answer(process: subprocess.Popen[bytes], request: bytes) -> bytes | None:
    """Return what the process answers, its kind first; None if it does not."""
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(request)
        process.stdin.flush()
    except OSError:
        return None
    size = int.from_bytes(process.stdout.read(4), "big")
    answer = process.stdout.read(size)
    return answer if size and len(answer) == size else None
