"""The gate is open as the program is, and shut under each defect that is planted here."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from evals.gate.check import check_gates
from evals.gate.gates import GATES, Gates, read_gates
from graph import app
from models.answerability import PassageJudge
from models.late_interaction import LateInteractionReranker
from models.pii import PresidioFinder
from models.verifier import EmbeddedVerifier
from nodes import cite, quarantine
from settings import Settings
from state.evidence import Hit
from state.screening import DEFAULT_POLICY
from tools import fusion
from tools.linked import LinkGraph

Plant = Callable[[pytest.MonkeyPatch], None]


class Part(NamedTuple):
    """A part of the gate's sample in which defects show: so many examples of one set, ``thin`` with fewer passages."""

    set: str
    most: int
    thin: bool = False


PARTS = {
    "retrieval": Part("clapnq", 8, thin=True),
    "answers": Part("clapnq", 6, thin=True),
    "abstention": Part("clapnq", 18, thin=True),
    "hops": Part("musique", 12),
    "grounding": Part("scitldr", 40),
    "masking": Part("generated_large", 8),
    "pii": Part("generated_large", 40),
    "injection": Part("injection", 44),
}


async def _fallen(name: str, home: Path, folder: Path, metrics: Sequence[str]) -> list[str]:
    """Return which of some metrics of an evaluation fell, on its part."""
    part, gated = PARTS[name], read_gates(GATES).evaluations[name]
    inside = [found for path in gated.paths for found in (path, *path.glob(f"{part.set}.*")) if found.stem == part.set]
    paths = tuple(_thinned(path, folder / part.set, part.most) if part.thin else path for path in inside)
    gates = tuple(gate for gate in gated.gates if gate.set == part.set and gate.name in metrics)
    assert [gate.name for gate in gates] == list(metrics)
    evaluations = {name: gated.model_copy(update={"paths": paths, "gates": gates})}
    report = await check_gates(Gates(defaults=True, evaluations=evaluations), Settings(home=home), part.most)
    assert report.failures == []
    return [one.metric for one in report.checked if not one.passed]


def _thinned(folder: Path, to: Path, questions: int) -> Path:
    """Copy a set with a quarter of the passages that its first questions do not need, which takes less time to read."""
    shutil.copytree(folder, to)
    judged = (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]
    needed = {line.split("\t")[1] for line in judged[:questions]}
    rows = (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [row for number, row in enumerate(rows) if number % 4 == 0 or json.loads(row)["_id"] in needed]
    (to / "corpus.jsonl").write_text("".join(kept), encoding="utf-8")
    return to


def _fusion_inverted(patch: pytest.MonkeyPatch) -> None:
    right = fusion.reciprocal_rank_fusion
    patch.setattr(fusion, "reciprocal_rank_fusion", lambda *given, **options: right(*given, **options)[::-1])


def _reranker_inverted(patch: pytest.MonkeyPatch) -> None:
    right = LateInteractionReranker.scores
    patch.setattr(LateInteractionReranker, "scores", lambda *given: [-score for score in right(*given)])


def _quotes_beside_their_spans(patch: pytest.MonkeyPatch) -> None:
    right = cite.cited

    def beside(*given: Any) -> Any:
        citation = right(*given)
        return citation.model_copy(update={"start": citation.start + 1, "end": citation.end + 1})

    patch.setattr(cite, "cited", beside)


def _spans_beside_their_sentences(patch: pytest.MonkeyPatch) -> None:
    right = cite.cited
    patch.setattr(cite, "cited", lambda passage, start, end, n: right(passage, start + 1, end, n))


def _verifier_always_true(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(EmbeddedVerifier, "verify", lambda *given: ("supported", 1.0))


def _everything_relevant(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(PassageJudge, "relevance", lambda *given: 1.0)


def _policy_off(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(app, "policy", lambda changes: dict.fromkeys(DEFAULT_POLICY, "allow"))


def _finder_blind(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(PresidioFinder, "find", lambda *given: ())


def _quarantine_off(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(quarantine, "sifted", lambda question, hits: (list(hits), 0))


def _hops_wander(patch: pytest.MonkeyPatch) -> None:
    right = LinkGraph.linked

    async def wander(*given: Any, **options: Any) -> list[Hit]:
        return (await right(*given, **options))[::-1]

    patch.setattr(LinkGraph, "linked", wander)


HYBRID, SINGLE = "hybrid nDCG@10", "lexical nDCG@10 and vector nDCG@10"
DEFECTS: list[tuple[Plant, str, list[str]]] = [
    (_fusion_inverted, "retrieval", [HYBRID, f"{HYBRID} above {SINGLE}"]),
    (_reranker_inverted, "retrieval", ["rerank nDCG@10", f"rerank nDCG@10 above {HYBRID}"]),
    (_quotes_beside_their_spans, "answers", ["exact_quotes"]),
    (_spans_beside_their_sentences, "answers", ["whole_quotes"]),
    (_everything_relevant, "abstention", ["auroc above cosine auroc"]),
    (_verifier_always_true, "grounding", ["balanced_accuracy", "auroc"]),
    (_policy_off, "masking", ["shown"]),
    (_finder_blind, "masking", ["shown"]),
    (_finder_blind, "pii", ["card F2", "ssn F2"]),
    (_quarantine_off, "injection", ["reached"]),
    (_hops_wander, "hops", ["with R@5", "with R@5 above without R@5"]),
]


@pytest.mark.parametrize("name", PARTS)
async def test_the_gate_is_open_as_the_program_is(home: Path, tmp_path: Path, name: str) -> None:
    metrics = [gate.name for gate in read_gates(GATES).evaluations[name].gates if gate.set == PARTS[name].set]
    shown = {metric for _, evaluation, some in DEFECTS if evaluation == name for metric in some}
    assert await _fallen(name, home, tmp_path, [metric for metric in metrics if metric in shown]) == []


@pytest.mark.parametrize(("plant", "name", "metrics"), DEFECTS)
async def test_a_planted_defect_shuts_the_gate(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant: Plant, name: str, metrics: list[str]
) -> None:
    plant(monkeypatch)
    assert await _fallen(name, home, tmp_path, metrics) == metrics
