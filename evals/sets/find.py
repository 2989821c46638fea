"""Finding sets: a path may be one, or a folder that has some inside."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from evals.sets.rows import NoSet, UnreadableSet

_DEPTH = 2


def find_sets(paths: Sequence[Path], fits: Callable[[Path], bool], wanted: str) -> dict[str, Path]:
    """Return the paths that fit, by their names: those given, else what lies up to two levels below them.

    One whose name another has already is named with the folder that it is in. ``wanted`` says in a message what a set
    looks like. Raises `NoSet` if a path has none, `UnreadableSet` if it cannot be looked into.
    """
    found: dict[str, Path] = {}
    for path in paths:
        try:
            if not path.exists():
                raise NoSet(f"{path} does not exist: give {wanted}.")
            fitting = [path] if fits(path) else _below(path, fits, _DEPTH)
        except OSError as error:
            raise UnreadableSet(f"{error.filename} cannot be read: {error.strerror}.") from error
        if not fitting:
            raise NoSet(f"{path} holds nothing to evaluate: give {wanted}.")
        for one in fitting:
            if one.resolve() not in {known.resolve() for known in found.values()}:
                found[_name(one, found)] = one
    return found


def _name(path: Path, taken: Collection[str]) -> str:
    """Return a name for a set that no other has."""
    whole = path.resolve()
    name = whole.stem if path.is_file() else whole.name
    for folder in whole.parents:
        if name not in taken:
            break
        name = f"{folder.name} {name}"
    return name


def _below(path: Path, fits: Callable[[Path], bool], depth: int) -> list[Path]:
    if not path.is_dir() or depth == 0:
        return []
    inside = sorted(one for one in path.iterdir() if not one.name.startswith("."))
    found = [one for one in inside if fits(one)]
    return found + [deeper for one in inside if one not in found for deeper in _below(one, fits, depth - 1)]
