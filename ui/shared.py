"""What the parts of the page share: who asks, what is open, and the components that more than one part touches."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID

import gradio as gr
from starlette.requests import Request

from graph.application import Application
from state.answer import Answer, Said
from state.identity import NotAuthenticated
from state.principal import Principal

TurnState = Literal["working", "done", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class ShownTurn:
    """A question as the page shows it, with what was said so far; ``note`` is the step now, or why it ended.

    ``withheld`` counts sentences of an earlier answer that may no longer be read.
    """

    question: str
    state: TurnState = "done"
    note: str = ""
    said: tuple[Said, ...] = ()
    answer: Answer | None = None
    withheld: int = 0

    def came_to_nothing(self, question: str) -> bool:
        """Whether this is a question that was stopped or failed."""
        return self.question == question and self.state in ("stopped", "failed")


@dataclass(frozen=True, slots=True)
class Session:
    """The conversation that one tab shows, kept on the server: whose it is, its thread if begun, and its turns."""

    user: str = ""
    thread: UUID | None = None
    turns: tuple[ShownTurn, ...] = ()

    def of(self, principal: Principal) -> Session:
        """Return this session if it is the principal's, else an empty one: nobody goes on with another's."""
        user = f"{principal.tenant}/{principal.user}"
        return self if self.user == user else Session(user=user)

    def with_turn(self, turn: ShownTurn) -> Session:
        """Return the session with one turn more."""
        return replace(self, turns=(*self.turns, turn))

    def with_last(self, turn: ShownTurn) -> Session:
        """Return the session with its last turn replaced."""
        return replace(self, turns=(*self.turns[:-1], turn))


@dataclass
class Page:
    """The page being built. ``application`` gives what is open, ``principal_of`` who sends a request.

    ``place`` gives what is held while a question is worked on, entered with the seconds that it may take; it raises
    `FootnoteError` when no more are taken on.

    Parts put events on these components: ``session`` holds the `Session` of the tab; ``welcome`` is seen while it has
    no turns, ``history`` shows its turns but the last, ``live`` the last one; ``bridge`` is where the page's script
    sends what people do; ``collections`` chooses the ones asked; ``preferences`` is the browser's own dict, which
    `ui.preferences.read_preferences` reads. ``answered`` is the event of a question answered, to hang a ``.then`` on;
    ``show`` gives the values of ``shown`` (session, history, live) for a session to be shown, after ``leave`` has ended
    what is being answered in its place.
    """

    application: Callable[[], Application]
    principal_of: Callable[[Request], Principal]
    place: Callable[[Request], AbstractContextManager[float]]
    session: gr.State = field(init=False)
    preferences: gr.BrowserState = field(init=False)
    welcome: gr.HTML = field(init=False)
    history: gr.HTML = field(init=False)
    live: gr.HTML = field(init=False)
    bridge: gr.HTML = field(init=False)
    collections: gr.CheckboxGroup = field(init=False)
    answered: Any = field(init=False)
    show: Callable[[Session], tuple[Session, str, str]] = field(init=False)
    leave: Callable[[gr.Request], None] = field(init=False)

    @property
    def shown(self) -> list[Any]:
        """Return the components that show a session: outputs for what ``show`` gives."""
        return [self.session, self.history, self.live]

    def who(self, request: gr.Request | Request) -> Principal:
        """Return who sends a request, whichever way Gradio hands it over."""
        return self.principal_of(_sent(request))

    def at_work(self, request: gr.Request | Request) -> AbstractContextManager[float]:
        """Return ``place`` for a request, whichever way Gradio hands it over."""
        return self.place(_sent(request))


def _sent(request: gr.Request | Request) -> Request:
    sent = request.request if isinstance(request, gr.Request) else request
    if sent is None:
        raise NotAuthenticated("Nobody sent this: sign in again.")
    return sent
