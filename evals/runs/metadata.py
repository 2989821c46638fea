"""What a run was made with: code, settings, prompts, models, libraries and machine."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from evals.runs.evaluation import Conditions
from prompts import prompt_hashes
from settings import Settings

_ROOT = Path(__file__).parents[2]
_LIBRARIES = (
    "footnote",
    "langgraph",
    "langchain",
    "langsmith",
    "sentence-transformers",
    "torch",
    "openvino",
    "psycopg",
)


def run_metadata(name: str, conditions: Conditions, paths: Sequence[Path]) -> dict[str, Any]:
    """Return what to keep with a run, of JSON values: nothing secret, no folder above the sets'."""
    return {
        "evaluation": name,
        "sets": [path.name for path in paths],
        "most": conditions.most,
        "documents": [path.name for path in conditions.documents],
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "settings": public_settings(conditions.settings),
        "context": asdict(conditions.context),
        "prompts": {prompt: digest[:12] for prompt, digest in prompt_hashes().items()},
        "models": {
            "embedding": conditions.settings.embedding_model, "reranker": conditions.settings.reranker_model,
            "verifier": conditions.settings.verifier_model, "chat": conditions.settings.chat_model,
        },
        "libraries": {library: _version(library) for library in _LIBRARIES},
        "machine": {"processor": _processor(), "cores": os.cpu_count() or 1, "python": platform.python_version()},
    }  # fmt: skip


def public_settings(configuration: Settings) -> dict[str, Any]:
    """Return the settings that may be shown: no keys, and none of those whose values may hold one."""
    hidden = {
        name
        for name, field in Settings.model_fields.items()
        if not field.repr or name == "home" or isinstance(getattr(configuration, name), SecretStr | Path)
    }
    return configuration.model_dump(mode="json", exclude=hidden | {"source_keys"})


def commit() -> str:
    """Return the commit of the code, with "+" if it has been changed since; the version outside a repository."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--exclude=*", "--abbrev=12"],
            cwd=_ROOT, capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return _version("footnote")
    return found.stdout.strip()


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    """Return the processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor()
