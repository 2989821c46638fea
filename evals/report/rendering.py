"""Pages from templates. Whatever a set, a document or a model said is text there, never markup."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from evals.report.colours import variables

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

# Control characters, lone surrogates, and marks that turn the direction of all that follows.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


def readable(text: object) -> str:
    """Return a text in which no character hides, reorders or breaks what is shown."""
    return _UNSEEN.sub("\ufffd", str(text).replace("\r\n", "\n"))


def number(value: float | None) -> str:
    """Return a number with the digits that tell something."""
    if value is None or value != value:
        return "–"
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"


def signed(value: float | None) -> str:
    """Return a difference with its sign."""
    if value is None or value != value:
        return "–"
    return f"+{number(value)}" if value > 0 else number(value).replace("-", "\u2212") if value < 0 else number(value)


def as_json(value: object) -> str:
    """Return a value as JSON, readable and in UTF-8."""
    return json.dumps(value, ensure_ascii=False, indent=1, default=str)


def render(template: str, values: Mapping[str, Any]) -> str:
    """Return a template of this package with values put in."""
    return _environment().get_template(template).render(values, colours=_colours())


def _colours() -> Markup:
    """Return the colours of the plots as variables of a page, light and dark."""
    from markupsafe import Markup

    return Markup(
        f":root{{{variables(dark=False)}}}@media(prefers-color-scheme:dark){{:root{{{variables(dark=True)}}}}}"
    )


def _drawn(svg: str) -> Markup:
    """Let a figure through as markup: its texts have been escaped where it was drawn."""
    from markupsafe import Markup

    return Markup(svg)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("evals.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, finalize=lambda value: readable(value) if type(value) is str else value,
    )  # fmt: skip
    made.filters |= {"number": number, "signed": signed, "as_json": as_json, "drawn": _drawn}
    return made
