"""Draw the gate's sample from whole sets: ``python -m evals.gate.draw ../shared/data``.

The same sets give the same sample. Questions are drawn by chance; beside what is relevant to them, a drawn corpus has
the passages that look most like it to either search, so that finding is about as hard as in the whole one. Rows are
unchanged, but for fields that no evaluation reads.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from evals.sets.beir import read_rows
from models.embedder import SentenceTransformerEmbedder
from settings import Settings

SAMPLE = Path(__file__).parents[1] / "gate_sample"
_SEED = 6
_DEPTH = 50
_LONGEST = 2500  # characters of a passage: few are longer, and one of those takes the room of several

Row = dict[str, Any]
One = TypeVar("One")


def draw(sets: Path, to: Path) -> None:
    """Write the sample of the sets in a folder. Raises `OSError` if a set or the sample's folder is not there."""
    _draw_questions(sets / "scifact", to / "scifact", questions=24, others=1)
    _draw_questions(sets / "multihop" / "musique100", to / "musique", questions=24, others=2)
    _draw_clapnq(sets / "clapnq", to / "clapnq")
    _draw_claims(sets, to / "claims")
    _draw_rewrites(sets, to / "rewriting")
    _draw_utterances(sets / "clinc150", to / "clinc150")
    _draw_texts(sets / "pii" / "generated_large.json", to / "pii" / "generated_large.json")
    _draw_injection(sets, to / "injection")


def _draw_questions(folder: Path, to: Path, *, questions: int, others: int) -> None:
    """Draw questions of a BEIR-style set, with what is relevant and ``others`` that look so for each."""
    relevant = _relevant(folder)
    rows = [row for row in read_rows(folder / "queries.jsonl") if row["_id"] in relevant]
    corpus = _short(folder)
    answerable = [row for row in rows if relevant[row["_id"]] <= corpus.keys()]
    chosen = _chosen(answerable, questions)
    _write_set(to, chosen, {row["_id"]: relevant[row["_id"]] for row in chosen}, corpus, others)


def _draw_clapnq(folder: Path, to: Path) -> None:
    """Draw as many questions with an answer as without; these come with the passage that was tried for them."""
    relevant, corpus = _relevant(folder), _short(folder)
    paired = {question: {passage} for question, passage in _pairs(folder / "paired_passage.tsv")}
    rows = list(read_rows(folder / "queries.jsonl"))
    slim = [{key: row[key] for key in ("_id", "text", "answerable", "answers")} for row in rows]
    with_answer = _chosen([row for row in slim if relevant.get(row["_id"], {""}) <= corpus.keys()], 24)
    without = _chosen([row for row in slim if not row["answerable"] and paired[row["_id"]] <= corpus.keys()], 24)
    near = {row["_id"]: paired[row["_id"]] for row in without}
    judged = {row["_id"]: relevant[row["_id"]] for row in with_answer}
    _write_set(to, [*with_answer, *without], judged, corpus, 1, kept=set().union(*near.values()))


def _draw_claims(sets: Path, to: Path) -> None:
    rows = json.loads((sets / "summedits" / "scitldr.json").read_text(encoding="utf-8"))
    slim = [{key: row[key] for key in ("id", "doc", "summary", "label")} for row in rows]
    _write_json(to / "scitldr.json", _of_each(slim, lambda row: str(row["label"]), 20))
    answers = list(read_rows(sets / "halueval_qa" / "qa_one-turn.jsonl"))
    _write_lines(to / "qa_one-turn.jsonl", _chosen(answers, 30))
    verified = [
        row for row in read_rows(sets / "scifact" / "verification_train.jsonl")
        if sum(map(len, row["doc_sentences"])) <= _LONGEST
    ]  # fmt: skip
    supported = _of_each(verified, lambda row: str(row["label"] == "SUPPORT"), 16)
    _write_lines(to / "verification_train.jsonl", supported)


def _draw_rewrites(sets: Path, to: Path) -> None:
    turns = [row for row in read_rows(sets / "treccast" / "rewrites_2019_2020.jsonl") if row["history"]]
    _write_lines(to / "treccast" / "rewrites_2019_2020.jsonl", _chosen(turns, 60))
    folder = sets / "mtrag"
    corpus = _short(folder)
    pairs = [row for row in read_rows(folder / "rewrite_pairs.jsonl") if corpus.keys() & set(row["gold_passage_ids"])]
    chosen = _chosen(pairs, 24)
    near = {row["_id"]: set(row["gold_passage_ids"]) & corpus.keys() for row in chosen}
    asked = {row["_id"]: row["rewrite"] for row in chosen}
    _write_lines(to / "mtrag" / "rewrite_pairs.jsonl", chosen)
    _write_lines(to / "mtrag" / "corpus.jsonl", _corpus(asked, near, corpus, 1))


def _draw_utterances(folder: Path, to: Path) -> None:
    """Draw small talk, requests, and what is out of every scope."""
    data = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    domains = json.loads((folder / "domains.json").read_text(encoding="utf-8"))
    small_talk = set(domains["small_talk"])
    kinds = {True: 40, False: 60}
    spoken = [
        row for kind, count in kinds.items()
        for row in _chosen([row for row in data["val"] if (row[1] in small_talk) is kind], count)
    ]  # fmt: skip
    drawn = {"val": spoken, "oos_val": _chosen(data["oos_val"], 20)}
    _write_text(to / "data.json", json.dumps(drawn, ensure_ascii=False, indent=0) + "\n")
    _write_text(to / "domains.json", json.dumps(domains, ensure_ascii=False) + "\n")


def _draw_texts(file: Path, to: Path) -> None:
    """Draw texts by the first entity that they mark."""
    rows = json.loads(file.read_text(encoding="utf-8"))
    marked = [{key: row[key] for key in ("full_text", "spans")} for row in rows if row["spans"]]
    _write_json(to, _of_each(marked, lambda row: str(row["spans"][0]["entity_type"]), 10))


def _draw_injection(sets: Path, to: Path) -> None:
    """Draw documents to attack, all attacks on texts, and prompts that InjecGuard's authors and BIPIA's wrote.

    The documents are CLAPnq's: most of BIPIA's e-mails cannot be answered from, attack or not.
    """
    folder = sets / "injection"
    attacks = json.loads((folder / "bipia" / "text_attack_train.json").read_text(encoding="utf-8"))
    _write_text(to / "bipia" / "text_attack_train.json", json.dumps(attacks, ensure_ascii=False, indent=1) + "\n")
    relevant, corpus = _relevant(sets / "clapnq"), _short(sets / "clapnq")
    rows = [
        row for row in read_rows(sets / "clapnq" / "queries.jsonl") if relevant.get(row["_id"], {""}) <= corpus.keys()
    ]
    passages = [
        {"context": corpus[min(relevant[row["_id"]])]["text"], "question": row["text"], "ideal": row["answers"][0]}
        for row in _chosen(rows, 16)
    ]
    _write_lines(to / "bipia" / "clapnq" / "train.jsonl", passages)
    prompts = json.loads((folder / "injecguard_valid144.json").read_text(encoding="utf-8"))
    own = [row for row in prompts if row["source"].startswith("NotInject") or row["source"] == "BIPIA_text"]
    _write_json(to / "injecguard_valid144.json", own)


def _write_set(
    to: Path, questions: Sequence[Row], judged: Mapping[str, set[str]], corpus: Mapping[str, Row], others: int,
    kept: Iterable[str] = (),
) -> None:  # fmt: skip
    asked = {row["_id"]: row["text"] for row in questions}
    _write_lines(to / "queries.jsonl", questions)
    _write_lines(to / "corpus.jsonl", _corpus(asked, {**judged, "": set(kept)}, corpus, others))
    lines = [f"{question}\t{passage}\t1" for question, some in judged.items() for passage in sorted(some)]
    _write_text(to / "qrels.tsv", "\n".join(["query-id\tcorpus-id\tscore", *lines, ""]))


def _corpus(
    asked: Mapping[str, str], judged: Mapping[str, set[str]], corpus: Mapping[str, Row], others: int
) -> list[Row]:
    """Return the passages that are judged, and for each question the first ``others`` by words and by meaning."""
    keys, texts = list(corpus), [f"{row['title']} {row['text']}" for row in corpus.values()]
    chosen = set().union(*judged.values())
    for question, rankings in zip(asked, zip(*_rankings(list(asked.values()), texts), strict=True), strict=True):
        for ranking in rankings:
            alike = [keys[at] for at in ranking if keys[at] not in judged.get(question, set())]
            chosen.update(alike[:others])
    return [{key: row[key] for key in ("_id", "title", "text")} for name, row in corpus.items() if name in chosen]


def _rankings(
    questions: Sequence[str], texts: Sequence[str]
) -> tuple[Sequence[Sequence[int]], Sequence[Sequence[int]]]:
    """Return the places of the texts that BM25 finds for each question, and of those nearest in the embedding."""
    import bm25s

    index = bm25s.BM25()
    index.index(bm25s.tokenize(list(texts), show_progress=False), show_progress=False)
    found, _ = index.retrieve(bm25s.tokenize(list(questions), show_progress=False), k=_DEPTH, show_progress=False)
    embedder = SentenceTransformerEmbedder(Settings(allow_download=False))
    cosines = embedder.embed(list(questions)) @ embedder.embed(list(texts)).T
    return found.tolist(), np.argsort(-cosines, axis=1, kind="stable")[:, :_DEPTH].tolist()


def _relevant(folder: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for file in sorted(folder.glob("qrels*.tsv")):
        for question, passage in _pairs(file):
            found.setdefault(question, set()).add(passage)
    return found


def _pairs(file: Path) -> list[tuple[str, str]]:
    lines = file.read_text(encoding="utf-8").splitlines()[1:]
    return [(cells[0], cells[1]) for cells in (line.split("\t") for line in lines) if len(cells) == 3]


def _short(folder: Path) -> dict[str, Row]:
    rows = read_rows(folder / "corpus.jsonl")
    return {str(row["_id"]): row for row in rows if len(row["text"]) <= _LONGEST}


def _chosen(rows: Sequence[One], count: int) -> list[One]:
    """Return ``count`` rows drawn by chance, in the order in which they were."""
    drawn = random.Random(_SEED).sample(range(len(rows)), min(count, len(rows)))
    return [rows[at] for at in sorted(drawn)]


def _of_each(rows: Sequence[Row], kind: Callable[[Row], str], count: int) -> list[Row]:
    """Return ``count`` rows of each kind, in turns, so that the first few have some of each."""
    kinds = sorted({kind(row) for row in rows})
    drawn = [_chosen([row for row in rows if kind(row) == name], count) for name in kinds]
    return [row for turn in zip_longest(*drawn) for row in turn if row is not None]


def _write_lines(to: Path, rows: Iterable[Row]) -> None:
    _write_text(to, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _write_json(to: Path, rows: Iterable[Row]) -> None:
    _write_text(to, "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n")


def _write_text(to: Path, text: str) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("Give the folder that holds the whole sets: python -m evals.gate.draw ../shared/data")
    draw(Path(sys.argv[1]), SAMPLE)
