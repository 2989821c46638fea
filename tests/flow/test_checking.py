"""What a written sentence goes through: citation, judgement, one repair."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from pydantic import BaseModel

from graph.builder import AskGraph, Parts, build_graph
from nodes.ground import Judgement
from nodes.repair import Rewritten
from state.answer import Verdict
from state.errors import ChatUnavailable, ModelUnavailable
from state.usage import Usage
from tests.flow.conftest import TEXT, Ask, Fakes, passage

QUESTION = "When did the bridge open?"
OPENED, PAINTED, TOLLS = "The bridge opened in 1932.", "It is painted grey every ten years.", "Tolls ended in 1988."


@dataclass
class FakeChat:
    """A chat model that repairs or judges as it is told, in turn, and is not there for other steps."""

    answers: list[Any] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    name: str = "fake chat"

    async def structured(
        self, system: str, prompt: str, schema: type[BaseModel], usage: Usage, *, seconds: float
    ) -> Any:
        if schema not in (Rewritten, Judgement):
            raise ChatUnavailable("It only repairs and judges.")
        self.prompts.append(prompt)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return schema.model_validate(answer)

    async def stream(self, system: str, prompt: str, usage: Usage, *, seconds: float) -> AsyncIterator[str]:
        raise ChatUnavailable("It only repairs and judges.")
        yield ""


@pytest.fixture
def repairer() -> FakeChat:
    return FakeChat()


@pytest.fixture
def judge() -> FakeChat:
    return FakeChat()


@pytest.fixture
def graph(parts: Parts, request: pytest.FixtureRequest) -> AskGraph:
    """The graph with the chat models that a test asks for."""
    for fixture, field_name in (("repairer", "chat"), ("judge", "judge_chat")):
        if fixture in request.fixturenames:
            parts = replace(parts, **{field_name: request.getfixturevalue(fixture)})
    return build_graph(parts)


def verdict(verdict: Verdict, score: float = 0.7) -> tuple[Verdict, float]:
    return verdict, score


async def test_a_sentence_in_other_words_is_cited_to_the_sentence_it_rests_on(ask: Ask, fakes: Fakes) -> None:
    said = "The opening of the bridge was in 1932."
    fakes.written, fakes.aligned = [f"{said[:-1]} [1]."], {said: [(0, 0)]}
    fakes.verdicts = {said: verdict("supported", 0.8)}
    answer, _ = await ask(QUESTION)
    assert answer["answer"] == f"{said} [1]"
    (claim,) = answer["claims"]
    assert (claim["verdict"], claim["score"]) == ("supported", 0.8)
    assert [citation["quote"] for citation in claim["citations"]] == [OPENED]


async def test_a_quote_that_points_back_brings_the_sentence_before_it(ask: Ask, fakes: Fakes) -> None:
    said = "Painters give the bridge a grey coat once a decade."
    fakes.written, fakes.aligned, fakes.verdicts = [said], {said: [(0, 1)]}, {said: verdict("supported")}
    answer, _ = await ask(QUESTION)
    assert [citation["quote"] for citation in answer["claims"][0]["citations"]] == [f"{OPENED} {PAINTED}"]


async def test_neighbouring_sentences_are_one_quote_and_others_are_several(ask: Ask, fakes: Fakes) -> None:
    fakes.found = {"lexical": [passage(), passage("Ferries stopped in 1932. The mayor came.", 2)]}
    said = "The bridge opened and ferries stopped."
    fakes.written, fakes.aligned = [said], {said: [(0, 1), (1, 0), (0, 0)]}
    fakes.verdicts = {said: verdict("supported")}
    answer, _ = await ask(QUESTION)
    quotes = [citation["quote"] for citation in answer["claims"][0]["citations"]]
    assert quotes == [f"{OPENED} {PAINTED}", "Ferries stopped in 1932."]
    assert answer["answer"].endswith("[1][2]")


async def test_clauses_are_cited_and_judged_one_by_one(ask: Ask, fakes: Fakes) -> None:
    first, second = "The opening was in 1932", "it was free of tolls from 1988."
    fakes.written = [f"{first} [1], and {second}"]
    fakes.aligned = {first: [(0, 0)], second: [(0, 2)]}
    fakes.verdicts = {first: verdict("supported", 0.9), second: verdict("partly", 0.5)}
    answer, _ = await ask(QUESTION)
    (claim,) = answer["claims"]
    assert claim["verdict"] == "partly"
    assert claim["score"] == pytest.approx(0.7)
    assert [citation["quote"] for citation in claim["citations"]] == [OPENED, TOLLS]


async def test_without_a_chat_model_an_unsupported_clause_is_left_out(ask: Ask, fakes: Fakes) -> None:
    good, bad = "The opening was in 1932", "it was built by giants."
    fakes.written, fakes.aligned = [f"{good}, and {bad}"], {good: [(0, 0)], f"{good}.": [(0, 0)]}
    fakes.verdicts = {good: verdict("supported"), f"{good}.": verdict("supported")}
    answer, events = await ask(QUESTION)
    assert answer["answer"] == f"{good}. [1]"
    assert "giants" not in str(events)
    assert fakes.receipts[0].dropped == 0


async def test_without_a_chat_model_a_contradicted_sentence_gives_way_to_what_the_source_says(
    ask: Ask, fakes: Fakes
) -> None:
    said = "The bridge opened in 1950."
    fakes.written, fakes.aligned, fakes.verdicts = [said], {said: [(0, 0)]}, {said: verdict("contradicted", 0.1)}
    answer, events = await ask(QUESTION)
    assert answer["answer"] == f"{OPENED} [1]"
    assert "in 1950" not in str(events)


async def test_what_was_said_already_is_not_said_again_in_place_of_a_false_sentence(ask: Ask, fakes: Fakes) -> None:
    said = "The bridge opened in 1950."
    fakes.written, fakes.aligned = [OPENED, said], {said: [(0, 0)]}
    fakes.verdicts = {said: verdict("contradicted", 0.1)}
    answer, _ = await ask(QUESTION)
    assert answer["answer"] == f"{OPENED} [1]"
    assert fakes.receipts[0].dropped == 1


async def test_the_chat_model_repairs_a_sentence_and_the_repair_is_checked_again(
    ask: Ask, fakes: Fakes, repairer: FakeChat
) -> None:
    fakes.written, repairer.answers = ["It was built by giants."], [{"sentence": f"{TOLLS} [1]"}]
    answer, events = await ask(QUESTION)
    assert answer["answer"] == f"{TOLLS} [1]"
    assert [citation["quote"] for citation in answer["claims"][0]["citations"]] == [TOLLS]
    assert "The evidence does not say this: It was built by giants." in repairer.prompts[0]
    assert TEXT in repairer.prompts[0]
    assert "giants" not in str(events)


async def test_a_sentence_is_repaired_once_and_then_dropped(ask: Ask, fakes: Fakes, repairer: FakeChat) -> None:
    fakes.written = ["It was built by giants.", TOLLS]
    repairer.answers = [{"sentence": "It was built by dwarfs."}, {"sentence": "It was built by elves."}]
    answer, events = await ask(QUESTION)
    assert answer["answer"] == f"{TOLLS} [1]"
    assert len(repairer.prompts) == 1
    assert "dwarfs" not in str(events)
    assert fakes.receipts[0].dropped == 1


async def test_when_repairs_leave_nothing_the_answer_is_an_abstention(
    ask: Ask, fakes: Fakes, repairer: FakeChat
) -> None:
    fakes.written, repairer.answers = ["It was built by giants."], [{"sentence": "It was built by dwarfs."}]
    answer, _ = await ask(QUESTION)
    assert answer["abstained"]


async def test_a_chat_model_that_fails_to_repair_is_noted_and_a_rule_repairs(
    ask: Ask, fakes: Fakes, repairer: FakeChat
) -> None:
    said = "The bridge opened in 1950."
    fakes.written, fakes.aligned, repairer.answers = [said], {said: [(0, 0)]}, [ChatUnavailable("The model is gone.")]
    answer, _ = await ask(QUESTION)
    assert answer["answer"] == f"{OPENED} [1]"
    assert any("The model is gone." in note for note in answer["degraded"])


async def test_a_judge_has_the_last_word_on_what_is_not_verbatim(ask: Ask, fakes: Fakes, judge: FakeChat) -> None:
    said = "The opening of the bridge was in 1932."
    fakes.written, fakes.aligned = [said, TOLLS], {said: [(0, 0)]}
    fakes.verdicts, judge.answers = {said: verdict("unsupported", 0.2)}, [{"verdict": "supported"}]
    answer, _ = await ask(QUESTION)
    assert [claim["verdict"] for claim in answer["claims"]] == ["supported", "supported"]
    assert len(judge.prompts) == 1


async def test_a_judge_that_fails_is_noted_and_the_verifier_decides(ask: Ask, fakes: Fakes, judge: FakeChat) -> None:
    said = "The opening of the bridge was in 1932."
    fakes.written, fakes.aligned, fakes.verdicts = [said], {said: [(0, 0)]}, {said: verdict("supported", 0.8)}
    judge.answers = [ChatUnavailable("The model is gone.")]
    answer, _ = await ask(QUESTION)
    assert answer["claims"][0]["score"] == 0.8
    assert any("The model is gone." in note for note in answer["degraded"])


async def test_what_cannot_be_verified_is_not_said(ask: Ask, fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(claim: str, evidence: object) -> tuple[Verdict, float]:
        raise ModelUnavailable("The model is gone.")

    monkeypatch.setattr(fakes, "verify", gone)
    answer, _ = await ask(QUESTION)
    assert answer["abstained"]
    assert any("The model is gone." in note for note in answer["degraded"])
