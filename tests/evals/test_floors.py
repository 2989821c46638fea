"""The floors of quality that are cheap to watch. The figures of the whole sets come from `footnote eval`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from evals.answers import holds, normalised
from evals.runs.evaluation import Conditions
from evals.runs.registry import evaluate
from evals.scratch import scratch_database
from evals.sets.beir import UnreadableSet, read_beir
from graph.app import open_application
from ingest.sources import find_sources
from settings import Settings, settings
from state.principal import local_principal
from store.documents import document_text

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures"


@pytest.fixture
def configuration(home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("FOOTNOTE_HOME", str(home))
    settings.cache_clear()
    yield settings()
    settings.cache_clear()


def test_every_mode_finds_what_is_relevant_and_each_step_pays(configuration: Settings) -> None:
    result = asyncio.run(evaluate("retrieval", [FIXTURES / "clapnq_small"], Conditions(configuration)))
    quality = {mode: result[mode]["nDCG@10"] for mode in ("lexical", "vector", "hybrid", "rerank")}
    assert min(quality.values()) >= 0.93, quality
    assert quality["hybrid"] >= max(quality["lexical"], quality["vector"]) - 0.01, quality
    assert quality["rerank"] >= quality["hybrid"] - 0.005, quality


async def test_questions_about_the_samples_are_answered_with_exact_quotes(configuration: Settings) -> None:
    rows = [json.loads(line) for line in (FIXTURES / "sample_questions.jsonl").read_text().splitlines()]
    principal = local_principal(configuration)
    right, wrong = 0, []
    async with open_application(configuration, scratch_database) as application:
        ingester = application.ingester(principal)
        report = await ingester.ingest(find_sources([str(ROOT / "samples")], max_bytes=10**7), "samples")
        assert report.failed == []
        for row in rows:
            answer = await application.ask(principal, row["question"])
            said = " ".join(claim.text for claim in answer.claims)
            good = holds(said, row["answers"]) if row["answers"] else answer.abstained
            right += good
            wrong += [] if good else [row["question"]]
            for citation in (citation for claim in answer.claims for citation in claim.citations):
                async with application.database.session(principal) as connection:
                    stored = await document_text(connection, citation.document_id, citation.version)
                assert stored[citation.start : citation.end] == citation.quote
    # What is missing needs a second hop, or the refusal of a near miss.
    assert right >= 24, wrong


def test_answers_are_compared_without_case_articles_and_punctuation() -> None:
    assert normalised("The  Harbour-Bridge, (1932)") == "harbour bridge 1932"
    assert holds("It opened in 1932.", ["1932"])
    assert not holds("It opened in 19321.", ["1932"])


@pytest.mark.parametrize("missing", ["corpus.jsonl", "queries.jsonl", "qrels.tsv"])
def test_a_folder_that_is_no_set_is_refused(tmp_path: Path, missing: str) -> None:
    for file in ("corpus.jsonl", "queries.jsonl", "qrels.tsv"):
        if file != missing:
            (tmp_path / file).write_text((FIXTURES / "clapnq_small" / file).read_text())
    with pytest.raises(UnreadableSet):
        read_beir(tmp_path)


def test_a_damaged_line_is_refused(tmp_path: Path) -> None:
    for file in ("corpus.jsonl", "queries.jsonl", "qrels.tsv"):
        (tmp_path / file).write_text((FIXTURES / "clapnq_small" / file).read_text())
    (tmp_path / "corpus.jsonl").write_text('{"_id": "x"')
    with pytest.raises(UnreadableSet, match="not as it should be"):
        read_beir(tmp_path)
