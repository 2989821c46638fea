"""Claims to fit the verifier on: labelled ones, and what people wrote from a passage with the same made false.

From sets under MIT, Apache-2.0 and CC BY: SummEdits (Laban et al., 2023), SciFact (Wadden et al., 2020), HaluEval (Li
et al., 2023), CLAPnq's long answers (Rosenthal et al., 2025) and MTRAG's human answers (Katsis et al., 2025).
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from evals.sets.claims import LabelledClaim, read_claims
from evals.train.perturb import falsified, reworded
from text.sentences import sentences

_SEED = 7
_FALSE_VERSIONS = 2  # of each claim
_MISPLACED = 0.3  # share of the claims that are given the evidence of another one too
_FEWEST_WORDS = 6


class _Written(NamedTuple):
    claim: str
    evidence: tuple[str, ...]
    group: str


def training_sets(data: Path) -> dict[str, list[LabelledClaim]]:
    """Return the claims to fit on, by set; ``data`` holds a folder a set. The same data give the same claims."""
    return {
        **read_claims(data / "summedits"),
        "verification_train": read_claims(data / "scifact")["verification_train"],
        "qa_one-turn": read_claims(data / "halueval_qa")["qa_one-turn"],
        "changed clapnq": list(_changed(_clapnq(data / "clapnq"), random.Random(_SEED))),
        "changed mtrag": list(_changed(_mtrag(data / "mtrag"), random.Random(_SEED))),
    }


def _changed(written: Iterable[_Written], dice: random.Random) -> Iterator[LabelledClaim]:
    """Yield each claim, one in other words if it can be had, false versions, and now and then with wrong evidence."""
    before: tuple[str, ...] = ()
    for claim, evidence, group in written:
        if before and before != evidence and dice.random() < _MISPLACED:
            yield LabelledClaim(claim, before, False, group)
        others = [text for piece in evidence for text in _sentences(piece)]
        yield LabelledClaim(claim, evidence, True, group)
        if other := reworded(claim, dice):
            yield LabelledClaim(other, evidence, True, group)
        strange = [text for piece in before for text in _sentences(piece)] if before != evidence else []
        for false in falsified(claim, others, strange, dice)[:_FALSE_VERSIONS]:
            yield LabelledClaim(false, evidence, False, group)
        before = evidence if before != evidence else before


def _clapnq(folder: Path) -> Iterator[_Written]:
    corpus = {row["_id"]: row for row in _rows(folder / "corpus.jsonl")}
    lines = (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]
    gold = {cells[0]: corpus[cells[1]] for cells in (line.split("\t") for line in lines)}
    for row in _rows(folder / "queries.jsonl"):
        if row.get("answerable") and row["_id"] in gold:
            passage = gold[row["_id"]]
            for answer in row["answers"]:
                for claim in _sentences(answer)[:2]:
                    yield _Written(claim, (f"{passage['title']}. {passage['text']}",), row["_id"])


def _mtrag(folder: Path) -> Iterator[_Written]:
    corpus = {row["_id"]: row["text"] for row in _rows(folder / "corpus.jsonl")}
    for row in _rows(folder / "human_subset_tasks.jsonl"):
        evidence = tuple(corpus[key] for key in row["reference_doc_ids"] if key in corpus)
        if row["answerability"] == "ANSWERABLE" and evidence:
            for claim in _sentences(row["target"])[:5]:
                yield _Written(claim, evidence, row["task_id"])


def _sentences(text: str) -> list[str]:
    found = [text[span.start : span.end] for span in sentences(text, "en")]
    return [sentence for sentence in found if len(sentence.split()) >= _FEWEST_WORDS]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
