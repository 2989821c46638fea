"""The conversation: what is asked, what is said as it passes the checks, and how to stop it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import gradio as gr

from graph.application import Application, How
from state.answer import Answer, Said, Step
from state.errors import FootnoteError
from state.principal import Principal
from state.run import in_time
from ui.answer_html import history_html, live_html
from ui.bridge import COMPOSER, SOURCE_PANEL, server_functions
from ui.first_start import welcome
from ui.preferences import Preferences, build_collections, read_preferences
from ui.running import Running, Stop, until
from ui.shared import Page, Session, ShownTurn
from ui.theme import SCRIPT

_LOG = logging.getLogger(__name__)

# What a reader is told while waiting, by the step that has just ended.
_NEXT: Final = {
    "guard": "Understanding the question…",
    "contextualize": "Understanding the question…",
    "classify": "Looking whether this was answered before…",
    "recall": "Searching…",
    "enhance": "Searching…",
    "retrieve": "Reading what was found…",
    "quarantine": "Reading what was found…",
    "rerank": "Following links between documents…",
    "hop": "Weighing what was found…",
    "broaden": "Searching more widely…",
    "budget": "Writing…",
    "write": "Checking the next sentence…",
    "repair": "Checking it again…",
    "validate": "Writing on…",
}
_BROKEN = "Something went wrong here that should not have. Try again; if it stays, the server's log says more."

_TOO_LONG = "The answer took longer than this server allows. Ask for less at once, or try again."

Shown = tuple[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and how it is to be answered; ``place`` is held meanwhile, as that of `ui.shared.Page`."""

    question: str
    chosen: Preferences
    again: bool
    place: Callable[[], AbstractContextManager[float]]

    def how(self, thread: UUID | None, seconds: float) -> How:
        """Return how to ask it; what is asked again is not answered from the cache."""
        context = in_time(replace(self.chosen.context, cache=not self.again), seconds)
        return {"mode": self.chosen.mode, "filters": self.chosen.filters, "context": context, "thread": thread}


def build_chat(page: Page) -> None:
    """Build the conversation, the composer below it and the panel of sources beside it."""
    with gr.Column(elem_id="fn-chat", min_width=0):
        with gr.Column(elem_id="fn-scroll", min_width=0):
            page.welcome = gr.HTML("", elem_id="fn-welcome", apply_default_css=False, js_on_load=None)
            page.history = gr.HTML("", elem_id="fn-history", apply_default_css=False, js_on_load=None)
            page.live = gr.HTML("", elem_id="fn-live", apply_default_css=False, js_on_load=None)
        page.collections = build_collections()
        page.bridge = gr.HTML(
            "",
            html_template=COMPOSER,
            elem_id="fn-composer",
            apply_default_css=False,
            js_on_load=SCRIPT.read_text(encoding="utf-8"),
            server_functions=server_functions(page),
        )
    gr.HTML(SOURCE_PANEL, elem_id="fn-side", apply_default_css=False, js_on_load=None)
    page.show = show


def show(session: Session) -> tuple[Session, str, str]:
    """Return the values of `Page.shown` for a session."""
    return session, history_html(session.turns[:-1]), live_html(session.turns[-1:], len(session.turns) - 1)


def connect_chat(page: Page, when: Sequence[Callable[..., Any]]) -> None:
    """Let the script's events ask and stop; look at ``when`` whether there is anything to ask."""
    running = Running()

    async def ask(session: Session, preferences: Any, event: gr.EventData, request: gr.Request) -> AsyncIterator[Shown]:
        principal, tab = page.who(request), str(request.session_hash)
        question = str(event._data.get("question", ""))
        again = bool(event._data.get("again", False))
        stop = running.begin(principal, tab)
        try:
            chosen = read_preferences(preferences)
            asked = Asked(question, chosen, again, lambda: page.at_work(request))
            async for shown in answered(page.application(), principal, session, asked, stop):
                yield shown
        finally:
            running.end(principal, tab, stop)

    def stop(request: gr.Request) -> None:
        running.stop(page.who(request), str(request.session_hash))

    def leave(request: gr.Request) -> None:
        running.stop(page.who(request), str(request.session_hash), left=True)

    page.leave = leave

    async def greet(request: gr.Request) -> AsyncIterator[str]:
        async for html in welcome(page.application(), page.who(request)):
            yield html

    private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    inputs = [page.session, page.preferences]
    page.answered = page.bridge.submit(ask, inputs, page.shown, trigger_mode="multiple", **private)
    page.bridge.stop(stop, queue=False, **private)
    for event in when:
        event(greet, None, page.welcome, **private)


async def answered(
    application: Application,
    principal: Principal,
    session: Session,
    asked: Asked,
    stop: Stop,
) -> AsyncIterator[Shown]:
    """Yield what to show while a question is answered; whatever fails is told in its turn."""
    session = session.of(principal)
    if asked.again and session.turns and session.turns[-1].came_to_nothing(asked.question):
        session = replace(session, turns=session.turns[:-1])
    turn = ShownTurn(asked.question, "working", _NEXT["guard"])
    session = session.with_turn(turn)
    yield show(session)
    try:
        with asked.place() as seconds:
            if session.thread is None:
                session = replace(session, thread=await application.threads.begin(principal))
            how = asked.how(session.thread, seconds)
            events = application.stream(principal, asked.question, **how)
            async for event in until(stop, events, seconds):
                turn, before = _next(turn, event), turn
                if turn != before:
                    session = session.with_last(turn)
                    yield gr.skip(), gr.skip(), show(session)[2]
        if turn.state == "working":
            turn = replace(turn, state="stopped", note="You stopped this answer.")
    except TimeoutError:
        turn = replace(turn, state="failed", note=_TOO_LONG)
    except FootnoteError as error:
        turn = replace(turn, state="failed", note=str(error))
    except Exception:  # whatever a driver or model library raises: the reader is told, the log has it all
        _LOG.exception("a question of the page could not be answered")
        turn = replace(turn, state="failed", note=_BROKEN)
    if turn.answer is None and len(session.turns) == 1 and session.thread is not None:
        session = await _without_thread(application, principal, session, session.thread)
    if not stop.left:
        yield show(session.with_last(turn))


async def _without_thread(application: Application, principal: Principal, session: Session, thread: UUID) -> Session:
    """Return the session without its thread, in which nothing was kept; a thread that stays behind is empty."""
    with contextlib.suppress(FootnoteError):
        await application.threads.delete(principal, thread)
    return replace(session, thread=None)


def _next(turn: ShownTurn, event: Step | Said | Answer) -> ShownTurn:
    if isinstance(event, Answer):
        return replace(turn, state="done", note="", answer=event)
    if isinstance(event, Said):
        return replace(turn, said=(*turn.said, event))
    return replace(turn, note=_NEXT.get(event.name, turn.note))
