"""The OpenAPI document: what FastAPI finds out, with the form of failures that all routes share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from server.problems import Problem

_PLACE = "#/components/schemas/{model}"


def with_problems(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """Return what makes the document of an application, once, with the schema of its problems in it."""
    made = app.openapi

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schemas: dict[str, Any] = made().setdefault("components", {}).setdefault("schemas", {})
            _, found = models_json_schema([(Problem, "serialization")], ref_template=_PLACE)
            schemas.update(found["$defs"])
        assert app.openapi_schema is not None
        return app.openapi_schema

    return document
