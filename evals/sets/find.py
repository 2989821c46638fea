"""Finding sets: a path may be one, or a folder that has some inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from evals.sets.beir import UnreadableSet

_DEPTH = 2


def find_sets(paths: Sequence[Path], fits: Callable[[Path], bool], wanted: str) -> dict[str, Path]:
    """Return the paths that fit, by their names: those given, else what lies up to two levels below them.

    ``wanted`` says in a message what a set looks like. Raises `UnreadableSet` if a path has none.
    """
    found: dict[str, Path] = {}
    for path in paths:
        if not path.exists():
            raise UnreadableSet(f"{path} does not exist: give {wanted}.")
        fitting = [path] if fits(path) else _below(path, fits, _DEPTH)
        if not fitting:
            raise UnreadableSet(f"{path} holds nothing to evaluate: give {wanted}.")
        for one in fitting:
            found[one.stem if one.is_file() else one.name] = one
    return found


def _below(path: Path, fits: Callable[[Path], bool], depth: int) -> list[Path]:
    if not path.is_dir() or depth == 0:
        return []
    inside = sorted(path.iterdir())
    found = [one for one in inside if fits(one)]
    return found + [deeper for one in inside if one not in found for deeper in _below(one, fits, depth - 1)]
