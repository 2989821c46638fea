"""LangSmith's client as experiments use it: it masks what it sends, waits a limited time, and never ends a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from langsmith.schemas import TracerSession
from langsmith.utils import LangSmithAuthError, LangSmithConnectionError, LangSmithError
from requests import ConnectionError as NotConnected
from requests import RequestException, Timeout
from urllib3.util.retry import Retry

from evals.runs.sending import Mask, Sending
from observe.langsmith_traces import MaskedClient

# What LangSmith's client raises; the last three where what answers is not LangSmith.
FAILURES = (LangSmithError, RequestException, ValueError, TypeError, KeyError)

_CONNECT_MS, _READ_MS = 5_000, 30_000
_RETRIES = 1  # after a lost connection or a server out of order; LangSmith's default may wait for minutes
_OUT_OF_ORDER = (502, 503, 504)


class ExperimentClient(MaskedClient):
    """Sends runs, feedback and metadata of experiments; what goes wrong once one has begun is told to ``missed``."""

    def __init__(self, mask: Mask, sending: Sending, missed: Callable[[Exception], None], *, texts: bool) -> None:
        retries = Retry(
            total=_RETRIES, allowed_methods=None, status_forcelist=_OUT_OF_ORDER, backoff_factor=0.5,
            raise_on_status=False, respect_retry_after_header=False,
        )  # fmt: skip
        super().__init__(
            mask, texts=texts, timeout_ms=(_CONNECT_MS, _READ_MS), retry_config=retries, tracing_error_callback=missed
        )
        self._sending = sending
        self._missed = missed

    def create_project(self, project_name: str, **given: Any) -> TracerSession:
        """Begin an experiment, with its metadata masked."""
        return super().create_project(project_name, **self._with_masked_metadata(given))

    def update_project(self, project_id: Any, **given: Any) -> TracerSession:
        """Complete an experiment's metadata: `aevaluate` does so at its end."""
        try:
            return super().update_project(project_id, **self._with_masked_metadata(given))
        except FAILURES as error:
            self._missed(error)
            return TracerSession(id=project_id, tenant_id=project_id, reference_dataset_id=None)

    def create_feedback(self, *given: Any, **feedback: Any) -> Any:
        """Send a score; the words of an error, which may quote anything, stay."""
        try:
            return super().create_feedback(*given, **{**feedback, "comment": None, "stop_after_attempt": 1})
        except FAILURES as error:
            self._missed(error)

    def _log_evaluation_feedback(self, *given: Any, **feedback: Any) -> Any:
        # In this thread: nothing waits for the thread that LangSmith would do it in, so that the last scores get lost.
        return super()._log_evaluation_feedback(*given, **{**feedback, "_executor": None})

    def _with_masked_metadata(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {**given, "metadata": self._sending.metadata(given.get("metadata") or {})}


def reason(error: Exception) -> str:
    """Say what went wrong, in words that name neither key nor address: the error's own may hold both."""
    if isinstance(error, LangSmithAuthError):
        return "refuses the key in LANGSMITH_API_KEY"
    if isinstance(error, LangSmithConnectionError | NotConnected | Timeout | TimeoutError):
        return "cannot be reached, or does not answer in time"
    return f"answers with an error ({type(error).__name__})"
