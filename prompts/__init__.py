"""Texts as files, one a prompt, each known by its hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt file's text without its final newline, and the SHA-256 of that text."""

    name: str
    text: str
    sha256: str


@cache
def load_prompt(name: str) -> Prompt:
    """Read ``prompts/NAME.md``. Raises `FileNotFoundError`: a missing prompt is a broken installation."""
    text = resources.files("prompts").joinpath(f"{name}.md").read_text(encoding="utf-8").strip()
    return Prompt(name, text, hashlib.sha256(text.encode()).hexdigest())
