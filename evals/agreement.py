"""Whether a judge is to be believed: only one whose agreement with labels has been measured, and is good enough."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evals.judging import ASPECTS, Aspect, NoJudge, prompt_hash
from settings import Settings

LEAST_KAPPA = 0.4  # "moderate" begins here (Landis and Koch, 1977)
LEAST_JUDGED = 30  # answers: of fewer, an agreement says little
MOST_FAILED = 0.05  # of a run's judgements: those that could not be had were perhaps the hard ones


def believed(configuration: Settings) -> dict[str, dict[str, Any]]:
    """Return for each aspect the run that the judge is believed by: its folder's name, its date and its kappa.

    That is the newest kept run of `evals.judges` with the same chat model and prompt. Raises `NoJudge` if there is none
    for an aspect, or the judge does not agree well enough in it.
    """
    model = configuration.chat_model
    if model is None:
        raise NoJudge("There is no chat model to judge with: set FOOTNOTE_CHAT_MODEL.")
    kept = sorted(_runs(configuration.home / "runs"), key=lambda run: str(run[1]["metadata"].get("at")), reverse=True)
    return {aspect: _proof(model, aspect, kept) for aspect in ASPECTS}


def _proof(model: str, aspect: Aspect, kept: list[tuple[Path, dict[str, Any]]]) -> dict[str, Any]:
    for folder, run in kept:
        metadata, measured = run["metadata"], run["summary"].get("aspects", {}).get(aspect)
        judge = metadata.get("judge", {})
        if not measured or judge.get("model") != model or judge.get("prompts", {}).get(aspect) != prompt_hash(aspect):
            continue
        failed = metadata["failed"] / max(1, metadata["results"])
        value = measured["kappa"][0]
        if measured["judged"] < LEAST_JUDGED or failed > MOST_FAILED:
            continue
        if not value >= LEAST_KAPPA:  # nan is no agreement either
            raise NoJudge(
                f"The judge {model} is not to be believed about {aspect}: it agrees with labels by a kappa of "
                f"{value:.2f}, and {LEAST_KAPPA} is asked for ({folder.name}). Take another chat model."
            )
        return {"run": folder.name, "at": metadata["at"], "kappa": measured["kappa"], "judged": measured["judged"]}
    raise NoJudge(
        f"How far the judge {model} agrees with labels about {aspect} has not been measured on {LEAST_JUDGED} answers: "
        "run `footnote eval judges` on sets with labels first, without --out."
    )


def _runs(home: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the kept runs of judges below the home folder; what cannot be read is none."""
    for path in home.glob("*/run.json"):
        try:
            run = json.loads(path.read_text(encoding="utf-8"))
            if run["metadata"]["evaluation"] == "judges":
                yield path.parent, run
        except (OSError, ValueError, KeyError, TypeError):
            continue
