"""The conversation: what is asked, what is said as it passes the checks, and how to stop it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import gradio as gr

from graph.application import Application
from state.answer import Answer, Said, Step
from state.errors import FootnoteError
from state.principal import Principal
from ui.answer_html import history_html, live_html
from ui.bridge import COMPOSER, SOURCE_PANEL, server_functions
from ui.first_start import welcome
from ui.preferences import Preferences, read_preferences
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

Shown = tuple[Any, Any, Any]


class Stop(asyncio.Event):
    """Set when a question is to stop; ``left`` if the reader is in another conversation, and sees no more of it."""

    left = False


class Running:
    """The questions being answered, by tab, so that they can be stopped by whoever asked them."""

    def __init__(self) -> None:
        self._stops: dict[tuple[str, str, str], Stop] = {}

    def begin(self, principal: Principal, tab: str) -> Stop:
        """Return what is set when this tab's question is to stop."""
        stop = self._stops[principal.tenant, principal.user, tab] = Stop()
        return stop

    def end(self, principal: Principal, tab: str, stop: Stop) -> None:
        """Forget a tab's question, unless it asks another one by now."""
        if self._stops.get((principal.tenant, principal.user, tab)) is stop:
            del self._stops[principal.tenant, principal.user, tab]

    def stop(self, principal: Principal, tab: str, *, left: bool = False) -> None:
        """Stop a tab's question, if one is being answered."""
        if stop := self._stops.get((principal.tenant, principal.user, tab)):
            stop.left = left
            stop.set()


def build_chat(page: Page) -> None:
    """Build the conversation, the composer below it and the panel of sources beside it."""
    with gr.Column(elem_id="fn-chat", min_width=0):
        with gr.Column(elem_id="fn-scroll", min_width=0):
            page.welcome = gr.HTML("", elem_id="fn-welcome", apply_default_css=False, js_on_load=None)
            page.history = gr.HTML("", elem_id="fn-history", apply_default_css=False, js_on_load=None)
            page.live = gr.HTML("", elem_id="fn-live", apply_default_css=False, js_on_load=None)
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
            async for shown in answered(page.application(), principal, session, question, chosen, again, stop):
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
    question: str,
    chosen: Preferences,
    again: bool,
    stop: Stop,
) -> AsyncIterator[Shown]:
    """Yield what to show while a question is answered; whatever fails is told in its turn."""
    session = session.of(principal)
    if again and session.turns and session.turns[-1].state in ("stopped", "failed"):
        session = replace(session, turns=session.turns[:-1])
    turn = ShownTurn(question, "working", _NEXT["guard"])
    session = session.with_turn(turn)
    yield show(session)
    try:
        if session.thread is None:
            session = replace(session, thread=await application.threads.begin(principal))
        context = replace(chosen.context, cache=not again)
        events = application.stream(
            principal, question, mode=chosen.mode, filters=chosen.filters, context=context, thread=session.thread
        )
        async for event in _until(stop, events):
            turn, before = _next(turn, event), turn
            if turn != before:
                session = session.with_last(turn)
                yield gr.skip(), gr.skip(), show(session)[2]
        if turn.state == "working":
            turn = replace(turn, state="stopped", note="You stopped this answer.")
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


async def _until(stop: asyncio.Event, events: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Yield events until there are no more or ``stop`` is set; then the run behind them is ended."""
    stopping = asyncio.ensure_future(stop.wait())
    try:
        async with aclosing(events):  # type: ignore[type-var]
            while True:
                event = asyncio.ensure_future(anext(events, None))
                await asyncio.wait({event, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if not event.done():
                    event.cancel()
                    await asyncio.gather(event, return_exceptions=True)
                    return
                if event.result() is None:
                    return
                yield event.result()
    finally:
        stopping.cancel()


def _next(turn: ShownTurn, event: Step | Said | Answer) -> ShownTurn:
    if isinstance(event, Answer):
        return replace(turn, state="done", note="", answer=event)
    if isinstance(event, Said):
        return replace(turn, said=(*turn.said, event))
    return replace(turn, note=_NEXT.get(event.name, turn.note))
