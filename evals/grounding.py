"""How well the verifier tells supported claims from others, and which words of a claim it finds unsupported."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from evals.measures.classification import auroc, balanced_accuracy, f1
from evals.measures.spans import marked_tokens, span_metric, token_counts
from evals.runs.aggregates import Table, TableAggregate
from evals.runs.evaluation import Aggregate, Conditions, Evaluation, Target, by_set
from evals.runs.example import Example, Result
from evals.runs.timing import latency
from evals.sets.claims import LabelledClaim, read_claims
from evals.train.verifier import fit_head
from models.embedder import SentenceTransformerEmbedder
from models.ladder import open_verifier
from models.passages import PassageTokens
from models.verifier import EmbeddedVerifier
from models.verifier_features import NAMES
from models.verifier_head import as_head, heads, load_head
from state.ports import Verifier

_FOLDS = 5
_SAME = {"qa_multi-turn": "qa_one-turn"}  # the same questions and answers under two names

_Claim = tuple[str, tuple[str, ...]]


def _row(result: Result) -> tuple[float, ...]:
    outputs = result.outputs
    return result.example.reference["supported"], outputs["verdict"] == "supported", outputs["score"]


def _truth_and_said(table: Table) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    return table[:, 0] > 0, table[:, 1] > 0


def _span_row(result: Result) -> tuple[float, ...] | None:
    reference = result.example.reference
    if "unsupported" not in reference or "missing" not in result.outputs:
        return None
    said = marked_tokens(result.example.inputs["claim"], reference["tokens"], result.outputs["missing"])
    return token_counts(reference["unsupported"], said)


class Grounding(Evaluation):
    """Judges claims against their evidence. Supported is what has that verdict, "partly" is not.

    A set that the packaged head was fitted on is judged by one that was not. ``brier`` is the squared distance of the
    support score from the truth. Of sets that mark unsupported tokens, ``span F1`` tells how well the words that the
    verifier counts as missing in the evidence meet them, all tokens of all claims together as by Kamoi et al., "WiCE:
    Real-World Entailment for Claims in Wikipedia", 2023.
    """

    name = "grounding"
    headline = ("balanced_accuracy", "auroc", "f1", "span F1", "brier", "right")
    lower_is_better = frozenset({"brier"})
    aggregates: ClassVar[Mapping[str, Aggregate]] = {
        "balanced_accuracy": TableAggregate(_row, lambda table: balanced_accuracy(*_truth_and_said(table))),
        "auroc": TableAggregate(_row, lambda table: auroc(table[:, 0] > 0, table[:, 2])),
        "f1": TableAggregate(_row, lambda table: f1(*_truth_and_said(table))),
        **{f"span {name}": TableAggregate(_span_row, span_metric(name)) for name in ("F1", "precision", "recall")},
    }

    def __init__(self, conditions: Conditions) -> None:
        super().__init__(conditions)
        self._verifier: Verifier | None = None
        self._tokens: PassageTokens
        self._heads: dict[str, str] = {}
        self._groups: dict[tuple[str, str], str] = {}
        self._values: dict[_Claim, npt.NDArray[np.float32]] = {}

    def read(self, paths: Sequence[Path]) -> dict[str, list[Example]]:
        """Return the claims of each set."""
        sets = read_claims(*paths)
        self._groups = {
            (name, str(number)): claim.group for name, claims in sets.items() for number, claim in enumerate(claims)
        }
        return {name: [_example(number, one) for number, one in enumerate(claims)] for name, claims in sets.items()}

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[Target]:
        """Open the verifier. Raises `ModelUnavailable`."""
        if self._verifier is None:
            await asyncio.to_thread(self._open)
        assert self._verifier is not None
        judge, unseen = self._verifier, f"without {_SAME.get(name, name)}"
        if isinstance(judge, EmbeddedVerifier) and unseen in heads():
            judge = EmbeddedVerifier(self._tokens, load_head(unseen))
            self._heads[name] = unseen

        async def target(inputs: Mapping[str, Any]) -> dict[str, Any]:
            return await asyncio.to_thread(self._judged, judge, inputs["claim"], tuple(inputs["evidence"]))

        yield target

    def score(self, example: Example, outputs: Mapping[str, Any]) -> dict[str, float]:
        """Return whether the verdict is right, and how far the score is from the truth."""
        supported = example.reference["supported"]
        right = (outputs["verdict"] == "supported") == supported
        return {"right": float(right), "brier": (outputs["score"] - supported) ** 2}

    def worst(self, results: Sequence[Result], count: int) -> list[Result]:
        """Return the claims whose score is farthest from the truth."""
        return sorted(results, key=lambda one: -one.scores.get("brier", -1.0))[:count]

    def summary(self, results: Sequence[Result]) -> dict[str, Any]:
        """Return the metrics, verdicts and times of each set, and means over the sets with claims of both kinds."""
        found = {name: self._set_summary(name, some) for name, some in by_set(results).items()}
        mean = {
            key: round(float(np.mean(values)), 4)
            for key in ("balanced_accuracy", "auroc")
            if (values := [row[key] for row in found.values() if key in row])
        }
        return {"verifier": self._verifier.name if self._verifier else "", "sets": found, "mean": mean}

    def _set_summary(self, name: str, results: Sequence[Result]) -> dict[str, Any]:
        verdicts = Counter(result.outputs["verdict"] for result in results)
        return {
            "head": self._heads.get(name, "all"),
            "claims": len(results),
            "supported": sum(result.example.reference["supported"] for result in results),
            **self.metrics(results),
            **self._folds(name, results),
            "verdicts": dict(sorted(verdicts.items())),
            **latency([result.outputs["ms"]["verify"] for result in results]),
        }

    def _open(self) -> None:
        embedder = SentenceTransformerEmbedder(self.conditions.settings)
        embedder.open()
        self._tokens = PassageTokens(embedder)
        self._verifier, _ = open_verifier(self.conditions.settings, self._tokens)

    def _judged(self, verifier: Verifier, claim: str, evidence: tuple[str, ...]) -> dict[str, Any]:
        started = time.perf_counter()
        verdict, score = verifier.verify(claim, evidence)
        spent = round((time.perf_counter() - started) * 1000, 3)
        sure = score if verdict == "supported" else 1.0 - score
        outputs = {"verdict": verdict, "score": score, "confidence": round(sure, 4), "ms": {"verify": spent}}
        if not isinstance(verifier, EmbeddedVerifier) or not any(text.strip() for text in evidence):
            return outputs
        self._values[claim, evidence] = verifier.values(claim, evidence)
        return {**outputs, "missing": [list(span) for span in verifier.missing(claim, evidence)]}

    def _folds(self, name: str, results: Sequence[Result]) -> dict[str, float]:
        """Return the balanced accuracy of heads fitted on four fifths of the set each, on the fifth left out."""
        claims = [(one.example.inputs["claim"], tuple(one.example.inputs["evidence"])) for one in results]
        if not all(claim in self._values for claim in claims):
            return {}
        groups = [self._groups[name, one.example.key] for one in results]
        numbers = {group: at for at, group in enumerate(dict.fromkeys(groups))}
        truth = np.array([one.example.reference["supported"] for one in results])
        values = np.array([self._values[claim] for claim in claims], dtype=np.float64)
        return _in_folds(values, truth, np.array([numbers[group] % _FOLDS for group in groups]))


def _example(number: int, claim: LabelledClaim) -> Example:
    tokens = {"tokens": list(claim.tokens), "unsupported": list(claim.unsupported)} if claim.tokens else {}
    reference = {"supported": claim.supported, **tokens}
    return Example(str(number), {"claim": claim.claim, "evidence": list(claim.evidence)}, reference, claim.kind)


def _in_folds(
    values: npt.NDArray[np.float64], truth: npt.NDArray[np.bool_], fold: npt.NDArray[np.int_]
) -> dict[str, float]:
    said = np.zeros(len(truth), dtype=bool)
    for left_out in range(_FOLDS):
        inside = fold != left_out
        if truth[inside].all() or not truth[inside].any():
            return {}
        head = as_head(fit_head({"": (values[inside], truth[inside])}), NAMES)
        said[~inside] = [head.probability(row) >= head.supported for row in values[~inside]]
    return {"balanced_accuracy_folds": round(balanced_accuracy(truth, said), 4)}
