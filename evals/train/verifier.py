"""Fits the verifier's head and writes models/verifier_head.json.

    python -m evals.train.verifier DATA

``DATA`` holds ``summedits``, ``scifact``, ``halueval_qa``, ``clapnq`` and ``mtrag``. Sets under share-alike licences
are not fitted on. The figures are in the docstring of `models.verifier.EmbeddedVerifier`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evals.sets.claims import LabelledClaim
from evals.train.true_claims import training_sets
from models.embedder import SentenceTransformerEmbedder
from models.passages import PassageTokens
from models.verifier import EmbeddedVerifier
from models.verifier_features import FOR, NAMES
from models.verifier_head import DEFAULT, FILE
from settings import settings

_REGULARISATION = 3.0  # of the squared weights, which are of values scaled to a deviation of 1
_PARTLY = 0.8  # of the probability from which on a claim is supported

_Values = npt.NDArray[np.float64]


def main() -> None:
    """Fit on all sets, and once without each set that an evaluation may ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    arguments = parser.parse_args()
    embedder = SentenceTransformerEmbedder(settings())
    verifier = EmbeddedVerifier(PassageTokens(embedder))
    read = {name: _values(verifier, claims) for name, claims in training_sets(arguments.data).items()}
    fitted = {DEFAULT: fit_head(read)}
    for left_out in sorted(read):
        if not left_out.startswith("changed "):
            kept = {name: rows for name, rows in read.items() if name not in (left_out, f"changed {left_out}")}
            fitted[f"without {left_out}"] = fit_head(kept)
    stored = {"format": 1, "names": list(NAMES), "heads": fitted}
    target = Path(str(resources.files("models").joinpath(FILE)))
    target.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


def _values(verifier: EmbeddedVerifier, claims: Sequence[LabelledClaim]) -> tuple[_Values, npt.NDArray[np.bool_]]:
    rows = [verifier.values(claim.claim, claim.evidence) for claim in claims]
    return np.array(rows, dtype=np.float64), np.array([claim.supported for claim in claims])


def fit_head(sets: dict[str, tuple[_Values, npt.NDArray[np.bool_]]]) -> dict[str, Any]:
    """Fit a logistic regression in which each set, and each label of it, weighs the same.

    What speaks for a claim has no negative weight, what speaks against it no positive one: without that, values that
    move together take opposite signs, and the head does worse on sets that it has not seen.
    """
    from scipy.optimize import minimize

    rows = np.concatenate([values for values, _ in sets.values()])
    truth = np.concatenate([labels for _, labels in sets.values()])
    weights = np.concatenate(
        [np.where(labels, 0.5 / labels.sum(), 0.5 / (~labels).sum()) for _, labels in sets.values()]
    )
    weights *= len(rows) / weights.sum()
    mean, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
    units = np.clip((rows - mean) / scale, -4, 4)
    signs = np.where(truth, 1.0, -1.0)

    def loss(found: _Values) -> tuple[float, _Values]:
        margins = signs * (units @ found[:-1] + found[-1])
        slope = -weights * signs / (1.0 + np.exp(margins))
        value = float(weights @ np.logaddexp(0.0, -margins)) + _REGULARISATION * float(found[:-1] @ found[:-1]) / 2
        return value, np.append(units.T @ slope + _REGULARISATION * found[:-1], slope.sum())

    bounds = [(0, None) if name in FOR else (None, 0) for name in NAMES]
    solved = minimize(loss, np.zeros(len(NAMES) + 1), jac=True, method="L-BFGS-B", bounds=[*bounds, (None, None)])
    return {
        "mean": [round(float(value), 6) for value in mean],
        "scale": [round(float(value), 6) for value in scale],
        "weights": [round(float(value), 6) for value in solved.x[:-1]],
        "intercept": round(float(solved.x[-1]), 6),
        "supported": 0.5,
        "partly": round(0.5 * _PARTLY, 4),
        "fitted": sorted(sets),
    }


if __name__ == "__main__":
    main()
