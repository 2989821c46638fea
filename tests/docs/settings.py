"""Writes docs/settings.md from settings.py: ``python -m tests.docs.settings`` after a setting has changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from settings import Settings, variables

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
_HEAD = """\
# Settings

Every setting is an environment variable, read once when a process starts; each default works on a bare machine without
a key, a server or a network. `FOOTNOTE_SETTINGS` may name a file of such variables, one `NAME=value` a line, as
`footnote tune` writes it; what the environment itself sets counts more. A value outside its limits is told in one line,
and nothing starts. This page is made from `settings.py` (`python -m tests.docs.settings`), and a test keeps it current.

LangSmith, OpenTelemetry, Prometheus and the providers of chat models read variables of their own besides: see
[observability](observability.md).

| variable | default | values | what it sets |
|---|---|---|---|
"""
_WORDS = {str: "text", int: "whole number", float: "number", bool: "`true`, `false`", Path: "path", SecretStr: "secret"}
_BY_MACHINE = {"home": "`~/.local/share/footnote`; for root `/var/lib/footnote`", "threads": "one a core"}
_LIMITS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def page() -> str:
    """Return the page as it should be."""
    rows = (_row(name, field) for name, field in Settings.model_fields.items())
    return _HEAD + "".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |\n" for row in rows)


def _row(name: str, field: FieldInfo) -> Iterator[str]:
    yield " or ".join(f"`{variable}`" for variable in variables()[name])
    yield _BY_MACHINE.get(name) or _default(field)
    limits = [f"{sign} {value:g}" for key, sign in _LIMITS.items() if (value := _limit(field, key)) is not None]
    yield ", ".join([_kind(field.annotation), *limits])
    yield field.description or ""


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is None:
        return "none"
    if value is PydanticUndefined:  # made anew: an empty list or table
        return "none"
    return f"`{json.dumps(value, default=str)}`" if isinstance(value, bool) else f"`{value}`"


def _limit(field: FieldInfo, key: str) -> float | None:
    return next((getattr(one, key) for one in field.metadata if hasattr(one, key)), None)


def _kind(annotation: Any) -> str:
    """Return what values may be, in words."""
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return _kind(next(one for one in inside if one is not NoneType))
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inside)
    if origin in (dict, list, tuple):
        return "JSON"
    return _WORDS[annotation]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
