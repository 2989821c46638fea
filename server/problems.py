"""Failures as RFC 9457 problem details: what went wrong, which status, and the id of the request in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from observe.logs import describe
from state.errors import (
    Busy,
    ChatUnavailable,
    FootnoteError,
    InvalidFilter,
    InvalidQuestion,
    InvalidUpload,
    ModelUnavailable,
    NotFound,
    NotPermitted,
    SourceUnavailable,
    StoreMisconfigured,
    StoreUnavailable,
    UnreadableDocument,
)
from state.identity import NotAuthenticated

log = logging.getLogger("footnote.server")

MEDIA_TYPE = "application/problem+json"
KIND = "urn:footnote:problem:"


class RefusedRequest(FootnoteError):
    """A request that this server does not take up, for a reason of HTTP: ``kind`` names it in a problem's type."""

    def __init__(self, status: int, kind: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.kind = status, kind
        self.headers: Mapping[str, str] | None = dict(headers or {})


class Fault(BaseModel):
    """A part of a request that cannot be used: where it is, and why."""

    at: list[str | int]
    message: str


class Problem(BaseModel):
    """Why a request was not answered, as RFC 9457 has it; ``request_id`` finds it in the log."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:footnote:problem:not-found",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "There is no receipt 6f0e7c62-9f7c-4b0e-8a55-2c3d4e5f6a7b of yours.",
                    "request_id": "0d8c3c1e5f6c4b0f9a1d2e3f4a5b6c7d",
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[Fault] = []


# What may be said of a failure inside: its own message may name hosts and roles, and goes to the log.
_INSIDE: dict[type[FootnoteError], tuple[str, str]] = {
    StoreUnavailable: ("store-unavailable", "The database cannot be reached at the moment: try again shortly."),
    StoreMisconfigured: ("store-misconfigured", "The database cannot be used as it is: tell whoever runs this server."),
    ModelUnavailable: ("model-unavailable", "A model cannot be loaded: tell whoever runs this server."),
    ChatUnavailable: ("chat-unavailable", "The chat model does not answer at the moment: try again shortly."),
    SourceUnavailable: ("source-unavailable", "A source does not answer at the moment: try again shortly."),
}
_OUTSIDE: dict[type[FootnoteError], tuple[int, str, dict[str, str]]] = {
    InvalidQuestion: (422, "invalid-question", {}),
    InvalidFilter: (422, "invalid-value", {}),
    InvalidUpload: (422, "invalid-upload", {}),
    UnreadableDocument: (422, "unreadable-document", {}),
    Busy: (429, "too-many-requests", {"Retry-After": "60"}),
    NotFound: (404, "not-found", {}),
    NotPermitted: (403, "not-permitted", {}),
    NotAuthenticated: (401, "not-authenticated", {"WWW-Authenticate": "Bearer"}),
}
_UNEXPECTED = "Something failed that should not have: the request id finds it in this server's log."


class Failure(NamedTuple):
    """What is answered to a failed request."""

    problem: Problem
    headers: Mapping[str, str]


Render = tuple[Callable[[str], bool], Callable[[Problem, Mapping[str, str]], Response]]
"""Whether the API of a path has another shape for failures, and what puts a problem into it."""


def failure(scope: Scope, error: Exception) -> Failure:
    """Return what is answered when a request ends in this error, and log what only the operator may know."""
    match error:
        case RefusedRequest():
            return _failure(scope, error.status, error.kind, str(error), error.headers)
        case RequestValidationError():
            # Without the values: they may be a question or a key.
            faults = [Fault(at=list(one["loc"]), message=one["msg"]) for one in error.errors()]
            detail = "The request does not have the form asked for."
            return _failure(scope, 422, "invalid-request", detail, errors=faults)
        case HTTPException():
            kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
            return _failure(scope, error.status_code, kind, str(error.detail), error.headers)
    for outside, (status, kind, headers) in _OUTSIDE.items():
        if isinstance(error, outside):
            return _failure(scope, status, kind, _for_clients(str(error)), headers)
    for inside, (kind, detail) in _INSIDE.items():
        if isinstance(error, inside):
            log.error("A request failed: %s", describe(error))
            return _failure(scope, 503, kind, detail, {"Retry-After": "5"})
    log.error("Unexpected failure: %s", describe(error))
    return _failure(scope, 500, "unexpected", _UNEXPECTED)


def respond(scope: Scope, error: Exception) -> Response:
    """Return the answer for a failed request, in the shape of the API that was asked."""
    told = failure(scope, error)
    renders: Sequence[Render] = getattr(scope["app"].state, "renders", ())
    for speaks, render in renders:
        if speaks(scope["path"]):
            return render(told.problem, told.headers)
    body = told.problem.model_dump(exclude_defaults=True)
    return JSONResponse(body, told.problem.status, dict(told.headers), MEDIA_TYPE)


def problem_body(scope: Scope, error: Exception) -> Problem:
    """Return why a request failed whose status is sent already."""
    return failure(scope, error).problem


def request_id(scope: Scope) -> str:
    """Return the id of a request, as its answer and the log carry it."""
    return str(scope.get("state", {}).get("request_id", ""))


def _failure(
    scope: Scope, status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any
) -> Failure:
    title = HTTPStatus(status).phrase
    body = Problem(type=KIND + kind, title=title, status=status, detail=detail, request_id=request_id(scope), **more)
    return Failure(body, headers or {})


def install(app: FastAPI) -> None:
    """Let every failure of the routes be answered as a problem."""

    async def answer(request: Request, error: Exception) -> Response:
        return respond(request.scope, error)

    for kind in (FootnoteError, RequestValidationError, HTTPException):
        app.exception_handler(kind)(answer)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what the OpenAPI document says of failures with these statuses, and of those that any route may have."""
    reasons = {
        400: "The body is not what its type says.",
        401: "No API key, or one that is unknown or revoked.",
        403: "The key does not have the scope for this.",
        404: "It is not there, or not visible to who asks.",
        413: "The body is larger than this server takes.",
        422: "The request does not have the form asked for, or a value in it is unusable.",
        429: "Too many requests, or too much work in progress: `Retry-After` says when to come again.",
        431: "The headers are larger than this server takes.",
        500: "A failure that should not be: the request id finds it in the log.",
        503: "The database or a model does not answer.",
        504: "The answer took longer than this server allows.",
    }
    always = (400, 401, 403, 413, 422, 429, 431, 500, 503)
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {"description": reasons[status], "content": {MEDIA_TYPE: schema}, "model": None}
        for status in sorted({*always, *statuses})
    }


def _for_clients(message: str) -> str:
    """Return a message without its pointer to the command line, which who asks over HTTP does not have."""
    said, pointer, _ = message.partition("; `footnote ")
    return f"{said}." if pointer else message
