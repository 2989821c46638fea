from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from state.answer import Answer, Said, Step
from state.errors import Busy, NotFound, StoreUnavailable
from state.principal import Principal
from tests.ui.test_answer_html import answer, claim
from ui.chat import Asked, answered
from ui.preferences import Preferences
from ui.running import Running, Stop
from ui.shared import Session, ShownTurn

ME, SOMEONE = Principal("local", "me"), Principal("local", "someone")
THREAD = UUID(int=7)


class Threads:
    """A book of threads of which only beginning and deleting are asked."""

    def __init__(self) -> None:
        self.deleted: list[UUID] = []

    async def begin(self, principal: Principal) -> UUID:
        return THREAD

    async def delete(self, principal: Principal, thread: UUID) -> None:
        self.deleted.append(thread)


class Made:
    """An application that answers with what it is given; None waits for ever."""

    def __init__(self, *events: Step | Said | Answer | Exception | None) -> None:
        self.events = events
        self.threads = Threads()
        self.asked: list[dict[str, Any]] = []
        self.ended = False

    async def stream(self, principal: Principal, question: str, **given: Any) -> AsyncIterator[Step | Said | Answer]:
        self.asked.append({"principal": principal, "question": question, **given})
        try:
            for event in self.events:
                if isinstance(event, Exception):
                    raise event
                if event is None:
                    await asyncio.Event().wait()
                else:
                    yield event
        finally:
            self.ended = True


async def ask(made: Made, session: Session | None = None, *, again: bool = False) -> list[tuple[Any, Any, Any]]:
    application: Any = made
    shown = answered(application, ME, session or Session(), asked(again=again), Stop())
    return [one async for one in shown]


def asked(*, again: bool = False, seconds: float = 60) -> Asked:
    return Asked("How much?", Preferences(), again, lambda: nullcontext(seconds))


SAID = Said(text="The rate is €0.38. [1]", claim=claim())


async def test_sentences_are_shown_as_they_pass_the_checks() -> None:
    shown = await ask(Made(Step(name="recall"), SAID, answer(claim())))
    live = [one[2] for one in shown]
    assert "Understanding the question…" in live[0]
    assert "Searching…" in live[1]
    assert "fn-sentence" in live[2] and 'data-state="working"' in live[2]
    assert 'data-state="done"' in live[-1]
    session: Session = shown[-1][0]
    assert session.thread == THREAD
    assert session.turns[0].answer is not None


async def test_a_failure_is_told_in_its_turn_and_leaves_no_empty_conversation() -> None:
    made = Made(SAID, StoreUnavailable("The database cannot be reached."))
    session, _, live = (await ask(made))[-1]
    assert "The database cannot be reached." in live and "fn-sentence" in live
    assert session.thread is None
    assert made.threads.deleted == [THREAD]


async def test_what_should_not_happen_is_told_without_its_words() -> None:
    session, _, live = (await ask(Made(RuntimeError("secret of the driver"))))[-1]
    assert session.turns[0].state == "failed"
    assert "secret of the driver" not in live


async def test_a_conversation_that_is_gone_is_told() -> None:
    kept = Session(user="local/me", thread=THREAD, turns=(ShownTurn("Before", answer=answer(claim())),))
    made = Made(NotFound("There is no such conversation of yours."))
    session, history, live = (await ask(made, kept))[-1]
    assert "There is no such conversation of yours." in live and "Before" in history
    assert session.thread == THREAD and made.threads.deleted == []


async def test_stopping_ends_the_run_and_keeps_what_was_said() -> None:
    made, stop = Made(SAID, None), Stop()
    application: Any = made
    last = None
    async for shown in answered(application, ME, Session(), asked(), stop):
        last = shown
        if "fn-sentence" in shown[2]:
            stop.set()
    assert last is not None
    session, _, live = last
    assert session.turns[0].state == "stopped"
    assert "You stopped this answer." in live and "fn-sentence" in live
    assert made.ended


async def test_what_the_reader_has_left_ends_and_shows_itself_no_more() -> None:
    made, stop = Made(SAID, None), Stop()
    application: Any = made
    states = []
    async for _, _, live in answered(application, ME, Session(), asked(), stop):
        states.append(live)
        if "fn-sentence" in live:
            stop.left = True
            stop.set()
    assert made.ended
    assert all('data-state="working"' in live for live in states)


async def test_asking_again_replaces_what_was_stopped_and_passes_by_the_cache() -> None:
    before = Session(user="local/me", turns=(ShownTurn("How much?", "stopped", "You stopped this answer."),))
    made = Made(answer(claim()))
    session = (await ask(made, before, again=True))[-1][0]
    assert len(session.turns) == 1
    assert made.asked[0]["context"].cache is False


async def test_asking_an_earlier_question_again_leaves_what_was_stopped_where_it_is() -> None:
    turns = (ShownTurn("How much?", answer=answer(claim())), ShownTurn("And now?", "failed", "It broke."))
    session = (await ask(Made(answer(claim())), Session(user="local/me", turns=turns), again=True))[-1][0]
    assert [turn.question for turn in session.turns] == ["How much?", "And now?", "How much?"]


async def test_asking_an_answered_question_again_keeps_the_first_answer_and_passes_by_the_cache() -> None:
    before = Session(user="local/me", thread=THREAD, turns=(ShownTurn("How much?", answer=answer(claim())),))
    made = Made(answer(claim()))
    session = (await ask(made, before, again=True))[-1][0]
    assert [turn.state for turn in session.turns] == ["done", "done"]
    assert made.asked[0]["context"].cache is False


async def test_a_question_holds_its_place_until_it_ends_and_no_longer() -> None:
    held = []

    @contextmanager
    def place() -> Iterator[float]:
        held.append(True)
        yield 8.0
        held.pop()

    made = Made(SAID, answer(claim()))
    application: Any = made
    question = Asked("How much?", Preferences(), False, place)
    seen = [list(held) async for _ in answered(application, ME, Session(), question, Stop())]
    assert seen[0] == [] and seen[1] == [True] and seen[-1] == []
    assert made.asked[0]["context"].deadline == 6.0  # so that there is an answer when the time is over


async def test_a_question_that_is_not_taken_on_is_told_and_not_asked() -> None:
    def place() -> Any:
        raise Busy("This server is working on 2 questions already.")

    made = Made(answer(claim()))
    application: Any = made
    question = Asked("How much?", Preferences(), False, place)
    shown = [one async for one in answered(application, ME, Session(), question, Stop())]
    assert "working on 2 questions already" in shown[-1][2] and 'data-fn="again"' in shown[-1][2]
    assert made.asked == []


async def test_a_question_that_takes_too_long_is_ended_and_told() -> None:
    made = Made(SAID, None)
    application: Any = made
    shown = [one async for one in answered(application, ME, Session(), asked(seconds=0.1), Stop())]
    assert "longer than this server allows" in shown[-1][2] and "fn-sentence" in shown[-1][2]
    assert made.ended


async def test_nobody_goes_on_with_the_conversation_of_someone_else() -> None:
    theirs = replace(Session().of(SOMEONE), thread=uuid4(), turns=(ShownTurn("Private", answer=answer(claim())),))
    made = Made(answer(claim()))
    session, history, live = (await ask(made, theirs))[-1]
    assert "Private" not in history + live
    assert len(session.turns) == 1
    assert made.asked[0]["thread"] == THREAD


def test_only_who_asked_can_stop_a_question() -> None:
    running = Running()
    stop = running.begin(ME, "tab")
    running.stop(SOMEONE, "tab")
    running.stop(ME, "other tab")
    assert not stop.is_set()
    running.stop(ME, "tab")
    assert stop.is_set()


def test_what_ends_late_does_not_take_the_next_question_with_it() -> None:
    running = Running()
    first = running.begin(ME, "tab")
    running.stop(ME, "tab", left=True)
    following = running.begin(ME, "tab")
    running.end(ME, "tab", first)
    assert not following.is_set()
    running.stop(ME, "tab")
    assert following.is_set()
