"""What rewriting follow-ups brings: passages found after it against before, and how near it comes to what people wrote.

Two kinds of sets, told apart by their files: pairs of a last turn and a rewrite with the ids of relevant passages
(`rewrite_pairs.jsonl` with `corpus.jsonl`, as MTRAG has), and questions with history and a human rewrite
(`rewrites*.jsonl`, as TREC CAsT has).
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.runs.intervals import mean_interval
from evals.scratch import scratch_database
from evals.sets.beir import UnreadableSet, read_corpus
from ingest.pipeline import Ingester
from ingest.sources import Found
from models.embedder import SentenceTransformerEmbedder
from models.tokenizer import ModelTokenCounter
from nodes.enhance import WEIGHTS
from settings import settings
from state.documents import Source
from state.evidence import Hit
from state.ports import Embedder
from state.principal import Principal, local_principal
from text.politeness import without_politeness
from text.topics import content_words
from tools.fusion import fuse
from tools.rewriting import Exchange, rewrite
from tools.routing import SEARCHES
from tools.search import DEPTH, Searcher

_READ = 5  # passages whose recall counts
_SPEAKER = "|user|:"


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A question with the turns before it, what a person made of it, and the passages that are relevant to it."""

    question: str
    turns: list[Exchange]
    human: str
    relevant: frozenset[str] = frozenset()

    def rewritten(self) -> str:
        """Return the question as the rules rewrite it."""
        return rewrite(without_politeness(self.question), self.turns).question


async def evaluate_rewriting(folder: Path) -> dict[str, Any]:
    """Return retrieval and similarity before and after rewriting, by a person too, and the gains with intervals.

    Looks in the folder and in those directly inside it. ``together`` is the mean gain over the questions of both kinds
    of sets. Recall is of the relevant passages that are in the corpus. Raises `UnreadableSet`.
    """
    pairs, written = _found(folder)
    if pairs is None and not written:
        raise UnreadableSet(f"{folder} has neither rewrite_pairs.jsonl nor rewrites*.jsonl.")
    embedder = SentenceTransformerEmbedder(settings())
    await asyncio.to_thread(embedder.open)
    result: dict[str, Any] = {}
    gains: list[float] = []
    try:
        if pairs is not None:
            result["retrieval"], more = await _retrieval(_pairs(pairs), read_corpus(pairs), embedder)
            gains += more
        if written:
            result["similarity"], more = _similarity(_written(written), embedder)
            gains += more
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableSet(f"{folder} holds a file that is not as it should be: {error}.") from error
    return {**result, "together": mean_interval(gains)}


def _found(folder: Path) -> tuple[Path | None, list[Path]]:
    """Return the folder with pairs, if any, and the files with rewrites, of a folder and those directly inside it."""
    folders = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())] if folder.is_dir() else []
    pairs = next((path for path in folders if (path / "rewrite_pairs.jsonl").exists()), None)
    return pairs, [file for path in folders for file in sorted(path.glob("rewrites*.jsonl"))]


async def _retrieval(
    pairs: list[FollowUp], sources: list[Source], embedder: Embedder
) -> tuple[dict[str, Any], list[float]]:
    configuration = settings()
    principal = local_principal(configuration)
    known = {source.uri for source in sources}
    asked = [pair for pair in pairs if pair.relevant & known]
    async with scratch_database(configuration) as database:
        ingester = Ingester(database, embedder, ModelTokenCounter(configuration), principal)
        await ingester.ingest(Found(sources=sources), "eval")
        searcher = Searcher(database, embedder)
        recalls = {
            name: [await _recall(searcher, principal, queries, pair.relevant & known) for queries, pair in tried]
            for name, tried in {
                "before": [([pair.question], pair) for pair in asked],
                "after": [([pair.rewritten(), pair.question], pair) for pair in asked],
                "human": [([pair.human], pair) for pair in asked],
            }.items()
        }
    gains = [after - before for before, after in zip(recalls["before"], recalls["after"], strict=True)]
    human = [after - before for before, after in zip(recalls["before"], recalls["human"], strict=True)]
    means = {name: round(sum(values) / len(values), 4) for name, values in recalls.items()}
    summary = {
        "pairs": len(asked),
        f"R@{_READ}": means,
        "gain": mean_interval(gains),
        "human_gain": mean_interval(human),
    }
    return summary, gains


async def _recall(searcher: Searcher, principal: Principal, queries: Sequence[str], relevant: frozenset[str]) -> float:
    """Search for a query, and as the graph does for the question as it was asked beside it, if that is another."""
    rankings: dict[str, list[Hit]] = {}
    weights: dict[str, float] = {}
    for number, query in enumerate(dict.fromkeys(queries)):
        for mode in SEARCHES["hybrid"]:
            rankings[f"{mode} {number}"] = await searcher.search(principal, query, mode, k=DEPTH)
            weights[f"{mode} {number}"] = WEIGHTS["asked"] if number else 1.0
    hits = fuse(queries[0], rankings, weights=weights)
    rows = list(dict.fromkeys(hit.passage.source for hit in hits))[:_READ]
    return len(relevant.intersection(rows)) / len(relevant)


def _similarity(questions: list[FollowUp], embedder: Embedder) -> tuple[dict[str, Any], list[float]]:
    texts = [[q.question for q in questions], [q.rewritten() for q in questions], [q.human for q in questions]]
    before, after, human = (embedder.embed(some) for some in texts)
    bare, rewritten = (before * human).sum(axis=1), (after * human).sum(axis=1)
    words = [_overlap(rewritten, human) - _overlap(bare, human) for bare, rewritten, human in zip(*texts, strict=True)]
    gains = [float(gain) for gain in rewritten - bare]
    summary = {
        "questions": len(questions),
        "cosine": {"before": round(float(bare.mean()), 4), "after": round(float(rewritten.mean()), 4)},
        "gain": mean_interval(gains),
        "words_f1_gain": mean_interval(words),
        "changed": sum(one != other for one, other in zip(texts[0], texts[1], strict=True)),
        "worse": sum(gain < 0 for gain in gains),
    }
    return summary, gains


def _overlap(text: str, other: str) -> float:
    """Return the F1 of the content words of two texts."""
    one, two = Counter(content_words(text)), Counter(content_words(other))
    total = one.total() + two.total()
    return 2 * (one & two).total() / total if total else 1.0


def _pairs(folder: Path) -> list[FollowUp]:
    """Read pairs; where the tasks of the same conversations lie beside them, their answers are known as well."""
    tasks = {row["task_id"]: row["history"] for row in _rows(folder / "human_subset_tasks.jsonl")}
    found = []
    for row in _rows(folder / "rewrite_pairs.jsonl"):
        said = [line.replace(_SPEAKER, "").strip() for line in row["all_questions"].split(f"\n{_SPEAKER}")]
        turns = _turns(tasks[row["_id"]]) if row["_id"] in tasks else [Exchange(question) for question in said[:-1]]
        question, human = (row[key].replace(_SPEAKER, "").strip() for key in ("last_turn", "rewrite"))
        found.append(FollowUp(question, turns, human, frozenset(map(str, row["gold_passage_ids"]))))
    return found


def _written(files: Sequence[Path]) -> list[FollowUp]:
    """Read questions that have turns before them."""
    rows = (row for file in files for row in _rows(file) if row["history"])
    return [FollowUp(row["question"], _turns(row["history"]), row["rewrite"]) for row in rows]


def _turns(history: Iterable[dict[str, str]]) -> list[Exchange]:
    turns: list[Exchange] = []
    for said in history:
        if said["speaker"] == "user":
            turns.append(Exchange(said["text"]))
        elif turns:
            turns[-1] = turns[-1]._replace(answer=said["text"])
    return turns


def _rows(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
