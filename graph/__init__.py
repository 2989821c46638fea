"""The map of an answer: routes, policies, builder, and the application with its real parts.

For programs: `Footnote` and `AsyncFootnote` read documents in and answer; `build_graph` compiles the graph of `Parts`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graph.builder import Parts, build_graph
    from graph.library import AsyncFootnote, Footnote

__all__ = ["AsyncFootnote", "Footnote", "Parts", "build_graph"]

_PLACES = {
    "AsyncFootnote": "graph.library",
    "Footnote": "graph.library",
    "Parts": "graph.builder",
    "build_graph": "graph.builder",
}


def __getattr__(name: str) -> Any:
    """Return a public name, imported when it is first asked for: what stands behind it takes seconds."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
