"""Does the confidence of an answer tell when there is none? Questions with and without what answers them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evals.answers import normalised
from evals.grounding import auroc
from evals.scratch import scratch_database
from evals.sets.beir import UnreadableSet, read_beir, read_rows
from graph.app import open_application
from graph.application import Application
from ingest.sources import Found
from settings import settings
from state.answer import Answer
from state.filters import parse_filters
from state.principal import Principal, local_principal
from store.documents import list_documents
from text.languages import stop_words

MOST_TAKEN_AWAY = 700  # answerable questions that are asked again without their passages
COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
_TOKENS_HELD = 0.5  # of a right answer's words, stop words left out: as many as make an answer right
_SAMPLES = 1000  # of the bootstrap
_SEED = 7


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as it was answered, with everything answered that finds a passage at all.

    ``score`` is the confidence; ``cosine`` the highest of a passage; ``right`` whether the answer holds a right one.
    """

    folder: str
    answerable: bool
    score: float
    cosine: float
    right: bool


async def evaluate_abstention(folders: Sequence[Path]) -> dict[str, Any]:
    """Ask every question of the folders, and some again without the passages that answer them.

    Returns AUROC (does the confidence put answerable questions above others?) against that of the highest cosine, and
    risk by coverage: of the questions with the highest confidence, how many are answered wrong, or answered although
    they cannot be. Coverage is a share of all questions, or of those that can be answered (``answerable_coverage``):
    of all, no ranking can keep the risk below ``best_risk``. Raises `UnreadableSet`.
    """
    asked: list[Asked] = []
    away = MOST_TAKEN_AWAY
    for folder in folders:
        found = await _ask_set(folder, away)
        away -= sum(1 for one in found if one.folder == f"{folder.name} without its passages")
        asked += found
    return {
        "questions": {
            name: sum(one.folder == name for one in asked) for name in dict.fromkeys(a.folder for a in asked)
        },
        "auroc": _auroc_row(asked),
        **{
            f"auroc {folder.name}": _auroc_row([one for one in asked if one.folder.startswith(folder.name)])
            for folder in folders
        },
        "selective": _selective(asked),
        "calibration": _calibration(asked),
    }


async def _ask_set(folder: Path, away: int) -> list[Asked]:
    evaluated = read_beir(folder)
    rows = {str(row["_id"]): row for row in read_rows(folder / "queries.jsonl")}
    plain = [(key, row) for key, row in rows.items() if row.get("answers") and key in evaluated.relevant]
    impossible = [row for row in rows.values() if row.get("answerable") is False]
    if not plain:
        raise UnreadableSet(f"{folder} has no question with answers in queries.jsonl.")
    configuration = settings().model_copy(update={"abstain_below": 0.0, "cache": False})
    principal = local_principal(configuration)
    name = folder.name
    async with open_application(configuration, scratch_database) as application:
        ingester = application.ingester(principal)
        await ingester.ingest(Found(sources=evaluated.sources), "eval")
        async with application.database.session(principal) as connection:
            ids = {info.source: str(info.id) for info in await list_documents(connection)}
        asking = _Asking(application, principal)
        asked = [await asking.ask(name, row, True) for _, row in plain]
        asked += [await asking.ask(f"{name} unanswerable", row, False) for row in impossible]
        for key, row in plain[: max(0, away)]:
            others = [f"document={one}" for source, one in ids.items() if source not in evaluated.relevant[key]]
            asked.append(await asking.ask(f"{name} without its passages", row, False, others))
    return asked


@dataclass(frozen=True)
class _Asking:
    application: Application
    principal: Principal

    async def ask(self, folder: str, row: dict[str, Any], answerable: bool, filters: Sequence[str] = ()) -> Asked:
        question = row["text"]
        answer = await self.application.ask(self.principal, question, filters=filters)
        hits = await self.application.searcher.search(
            self.principal, question, "vector", k=1, filters=parse_filters(filters)
        )
        right = answerable and covers(" ".join(claim.text for claim in answer.claims), row["answers"])
        return Asked(folder, answerable, score_of(answer), hits[0].score if hits else 0.0, right)


def score_of(answer: Answer) -> float:
    """Return how probable a right answer is: an abstention's confidence is in there being none."""
    return 1.0 - answer.confidence.score if answer.abstained else answer.confidence.score


def covers(said: str, right: Sequence[str]) -> bool:
    """Return whether a text holds half of the words of one of the right answers, stop words left out."""
    held = set(normalised(said).split())
    for answer in right:
        words = normalised(answer).split()
        wanted = [word for word in words if word not in stop_words("en")] or words
        if wanted and sum(word in held for word in wanted) >= _TOKENS_HELD * len(wanted):
            return True
    return False


def _auroc_row(asked: Sequence[Asked]) -> dict[str, Any]:
    truth = np.array([one.answerable for one in asked])
    scores, cosines = np.array([one.score for one in asked]), np.array([one.cosine for one in asked])
    if truth.all() or not truth.any():
        return {"questions": len(asked)}
    dice = np.random.default_rng(_SEED)
    gains = []
    for _ in range(_SAMPLES):
        at = dice.integers(0, len(asked), len(asked))
        gains.append(auroc(truth[at], scores[at]) - auroc(truth[at], cosines[at]))
    return {
        "questions": len(asked),
        "answerable": int(truth.sum()),
        "confidence": round(auroc(truth, scores), 4),
        "cosine": round(auroc(truth, cosines), 4),
        "gain_95": [round(float(value), 4) for value in np.quantile(gains, (0.025, 0.975))],
    }


def _selective(asked: Sequence[Asked]) -> dict[str, Any]:
    """Return the risk of what is answered at each coverage, by falling confidence."""
    order = sorted(asked, key=lambda one: -one.score)
    wrong = [not one.right for one in order]
    everything = sum(wrong) / len(wrong)
    answerable = [one.answerable for one in order]
    by_all, by_answerable, best = {}, {}, {}
    for coverage in COVERAGES:
        count = max(1, round(coverage * len(order)))
        by_all[str(coverage)] = round(sum(wrong[:count]) / count, 4)
        best[str(coverage)] = round(max(0, sum(wrong) - (len(order) - count)) / count, 4)
        wanted, reached, end = coverage * sum(answerable), 0, 0
        while end < len(order) and reached < wanted:
            reached += answerable[end]
            end += 1
        by_answerable[str(coverage)] = round(sum(wrong[:end]) / max(1, end), 4)
    return {
        "risk_answering_all": round(everything, 4),
        "risk": by_all,
        "best_risk": best,
        "risk_by_answerable_coverage": by_answerable,
        "change_at_0.8": round(by_all["0.8"] / everything - 1, 4) if everything else 0.0,
        "change_at_0.8_answerable": round(by_answerable["0.8"] / everything - 1, 4) if everything else 0.0,
    }


def _calibration(asked: Sequence[Asked]) -> list[dict[str, float]]:
    """Return by tenths of confidence how many answers were right."""
    rows = []
    for low in range(10):
        inside = [one for one in asked if low <= one.score * 10 < low + 1 + (low == 9)]
        if inside:
            share = sum(one.right for one in inside) / len(inside)
            mean = sum(one.score for one in inside) / len(inside)
            rows.append({"confidence": round(mean, 3), "right": round(share, 3), "questions": len(inside)})
    return rows
