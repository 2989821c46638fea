"""Failures in OpenAI's shape, with its statuses, types and codes: clients of that API know no other."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse, Response

from server.problems import Problem, RefusedRequest

PATHS = ("/v1/chat", "/v1/models")
_TYPES = {429: "rate_limit_error"}
_CODES = {
    401: "invalid_api_key",
    403: "insufficient_permissions",
    413: "request_too_large",
    429: "rate_limit_exceeded",
    503: "service_unavailable",
    504: "timeout",
}


class ErrorDetail(BaseModel):
    """What went wrong: ``param`` is the part of the request that it is about, ``code`` what a program may act on."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorBody(BaseModel):
    """An error as OpenAI's API sends it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "error": {
                        "message": "The model 'gpt-4o' does not exist: choose of footnote, footnote-minimal, …",
                        "type": "invalid_request_error",
                        "param": "model",
                        "code": "model_not_found",
                    }
                }
            ]
        }
    )

    error: ErrorDetail


class RefusedCompletion(RefusedRequest):
    """A request that is not answered as it is: ``param`` is what in it, ``code`` what OpenAI calls the reason."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None, status: int = 400) -> None:
        super().__init__(status, (code or "refused").replace("_", "-"), message)
        self.param, self.code = param, code

    def response(self) -> JSONResponse:
        """Return the answer that says so."""
        return JSONResponse(error_body(self.status, str(self), self.param, self.code).model_dump(), self.status)


def speaks_openai(path: str) -> bool:
    """Whether requests to this path are answered in OpenAI's shapes, failures included."""
    return any(path == start or path.startswith(f"{start}/") for start in PATHS)


def error_body(status: int, message: str, param: str | None = None, code: str | None = None) -> ErrorBody:
    """Return the body for a failure of this status."""
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return ErrorBody(error=ErrorDetail(message=message, type=kind, param=param, code=code or _CODES.get(status)))


def as_openai(problem: Problem, headers: Mapping[str, str]) -> Response:
    """Return a problem of this server in OpenAI's shape."""
    status = 400 if problem.status == 422 else problem.status
    return JSONResponse(error_body(status, problem.detail).model_dump(), status, dict(headers))
