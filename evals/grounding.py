"""How well the verifier tells supported claims from others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import numpy.typing as npt

from evals.retrieval import latency
from evals.sets.claims import LabelledClaim, read_claims
from evals.train.verifier import fit_head
from models.embedder import SentenceTransformerEmbedder
from models.ladder import open_verifier
from models.passages import PassageTokens
from models.verifier import EmbeddedVerifier
from models.verifier_features import NAMES
from models.verifier_head import as_head, heads, load_head
from settings import settings
from state.ports import Verifier

_FOLDS = 5
_WARM_UP = 5  # claims not timed
_SAME = {"qa_multi-turn": "qa_one-turn"}  # the same questions and answers under two names


async def evaluate_grounding(folders: Sequence[Path]) -> dict[str, Any]:
    """Return for each set its balanced accuracy, AUROC, verdicts and time a claim, and the mean over the sets.

    Supported is what has that verdict, "partly" is not. A set that the packaged head was fitted on is judged by one
    that was not (``head``). Raises `UnreadableSet`, `ModelUnavailable`.
    """
    configuration = settings()
    embedder = SentenceTransformerEmbedder(configuration)
    await asyncio.to_thread(embedder.open)
    tokens = PassageTokens(embedder)
    verifier, _ = await asyncio.to_thread(open_verifier, configuration, tokens)
    found = {}
    for folder in folders:
        for name, claims in read_claims(folder).items():
            unseen = f"without {_SAME.get(name, name)}"
            if isinstance(verifier, EmbeddedVerifier) and unseen in heads():
                judge: Verifier = EmbeddedVerifier(tokens, load_head(unseen))
            else:
                judge, unseen = verifier, "all"
            found[name] = {"head": unseen, **await asyncio.to_thread(_measure, judge, claims)}
    rows = list(found.values())
    return {
        "verifier": verifier.name,
        "sets": found,
        "mean": {key: round(mean(row[key] for row in rows), 4) for key in ("balanced_accuracy", "auroc")},
    }


def _measure(verifier: Verifier, claims: Sequence[LabelledClaim]) -> dict[str, Any]:
    for claim in claims[:_WARM_UP]:
        verifier.verify(claim.claim, claim.evidence)
    verdicts, scores, spent = [], [], []
    for claim in claims:
        started = time.perf_counter()
        verdict, score = verifier.verify(claim.claim, claim.evidence)
        spent.append((time.perf_counter() - started) * 1000)
        verdicts.append(verdict)
        scores.append(score)
    truth = [claim.supported for claim in claims]
    folds = {"balanced_accuracy_folds": _in_folds(verifier, claims)} if isinstance(verifier, EmbeddedVerifier) else {}
    said = [verdict == "supported" for verdict in verdicts]
    return {
        "claims": len(claims),
        "supported": sum(truth),
        "balanced_accuracy": round(balanced_accuracy(truth, said), 4),
        "auroc": round(auroc(truth, scores), 4),
        **folds,
        "verdicts": {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))},
        **latency(spent),
    }


def _in_folds(verifier: EmbeddedVerifier, claims: Sequence[LabelledClaim]) -> float:
    """Return the balanced accuracy of heads fitted on four fifths of the set each, on the fifth left out."""
    values = np.array([verifier.values(claim.claim, claim.evidence) for claim in claims], dtype=np.float64)
    truth = np.array([claim.supported for claim in claims])
    groups = {group: at for at, group in enumerate(dict.fromkeys(claim.group for claim in claims))}
    fold = np.array([groups[claim.group] % _FOLDS for claim in claims])
    said = np.zeros(len(claims), dtype=bool)
    for left_out in range(_FOLDS):
        inside = fold != left_out
        if truth[inside].all() or not truth[inside].any():
            return 0.5
        head = as_head(fit_head({"": (values[inside], truth[inside])}), NAMES)
        said[~inside] = [head.probability(row) >= head.supported for row in values[~inside]]
    return round(balanced_accuracy(truth.tolist(), said.tolist()), 4)


def balanced_accuracy(truth: Sequence[bool], said: Sequence[bool]) -> float:
    """Return the mean of the shares of true and of false cases that were told right; 0.5 is chance."""
    shares = [
        sum(answer == wanted for answer, wanted in zip(said, truth, strict=True) if wanted is kind)
        / max(1, sum(wanted is kind for wanted in truth))
        for kind in (True, False)
    ]
    return sum(shares) / 2


def auroc(truth: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Return the probability that a true case has a higher score than a false one, ties counting half."""
    values = np.asarray(scores, dtype=np.float64)
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    wanted = np.asarray(truth, dtype=bool)
    positive, negative = int(wanted.sum()), int((~wanted).sum())
    if not positive or not negative:
        return 0.5
    return float((ranks[wanted].sum() - positive * (positive + 1) / 2) / (positive * negative))
