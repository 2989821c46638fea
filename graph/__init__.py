"""The map of an answer: routes, policies, builder, and the application with its real parts."""

from graph.builder import Parts, build_graph

__all__ = ["Parts", "build_graph"]
