"""The reader's conversations: listed, opened, renamed, exported and deleted."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from html import escape
from typing import Any
from uuid import UUID

import gradio as gr

from state.errors import FootnoteError, NotFound
from state.memory import ThreadInfo
from tools.markdown import conversation_markdown
from ui.shared import Page, Session, ShownTurn
from ui.theme import PARTS_SCRIPT

_EMPTY = '<p class="fn-conv-empty">Conversations appear here once you have asked something.</p>'


def conversations_html(found: Sequence[ThreadInfo], current: UUID | None = None, notice: str = "") -> str:
    """Return the list, the latest first as it comes, with what can be done with each; ``notice`` is what went wrong."""
    told = f'<p class="fn-problem" role="alert">{escape(notice)}</p>' if notice else ""
    rows = "".join(_row(info, info.id == current) for info in found)
    listed = f'<ul class="fn-convs">{rows}</ul>' if rows else _EMPTY
    return (
        '<nav aria-label="Conversations"><details class="fn-drawer" data-drawer><summary>Conversations</summary>'
        '<button type="button" class="fn-new" data-act="clear">New conversation</button>'
        f"{told}{listed}</details></nav>"
    )


def _row(info: ThreadInfo, is_current: bool) -> str:
    title = escape(info.title or "Untitled")
    questions = "1 question" if info.turns == 1 else f"{info.turns} questions"
    when = f'<time datetime="{info.updated_at.isoformat()}">{info.updated_at:%Y-%m-%d %H:%M}</time>'
    mark = ' aria-current="true"' if is_current else ""
    return (
        f'<li data-id="{info.id}"><div class="fn-conv"><button type="button" class="fn-conv-open" data-act="select"'
        f'{mark} dir="auto"><span class="fn-conv-title">{title}</span>'
        f'<span class="fn-conv-meta">{questions} · {when}</span></button>'
        f'<details class="fn-menu"><summary aria-label="More for “{title}”">⋯</summary><div>'
        '<button type="button" data-act="show" data-form="rename">Rename</button>'
        '<button type="button" data-act="export" data-kind="md">Export as Markdown</button>'
        '<button type="button" data-act="export" data-kind="json">Export as JSON</button>'
        '<button type="button" data-act="show" data-form="delete" class="fn-danger">Delete…</button>'
        "</div></details></div>"
        '<form data-part="rename" data-act="input" hidden>'
        f'<input name="title" aria-label="Title of the conversation" maxlength="200" required value="{title}">'
        '<button type="submit">Save</button><button type="button" data-act="hide">Cancel</button></form>'
        '<div data-part="delete" role="group" aria-label="Delete this conversation?" hidden>'
        "<p>Delete it with all its answers?</p>"
        '<button type="button" class="fn-danger" data-act="delete">Delete</button>'
        '<button type="button" data-act="hide">Keep</button></div></li>'
    )


def build_conversations(page: Page) -> gr.HTML:
    """Build the list of conversations."""

    async def export(asked: Any, request: gr.Request) -> dict[str, str]:
        """Return a conversation as a file: its name, type and text, or what the problem is."""
        wanted = asked if isinstance(asked, dict) else {}
        try:
            return await _exported(page, _id(wanted.get("id")), str(wanted.get("kind")), request)
        except FootnoteError as error:
            return {"problem": str(error)}

    return gr.HTML(
        conversations_html([]), elem_id="fn-conversation-list", apply_default_css=False,
        js_on_load=PARTS_SCRIPT.read_text(encoding="utf-8"), server_functions=[export],
    )  # fmt: skip


async def _exported(page: Page, thread: UUID, kind: str, request: gr.Request) -> dict[str, str]:
    threads, principal = page.application().threads, page.who(request)
    if kind == "json":
        text = json.dumps(await threads.export(principal, thread), ensure_ascii=False, indent=2)
        return {"name": "conversation.json", "type": "application/json", "text": text}
    info, turns = await threads.get(principal, thread), await threads.history(principal, thread)
    return {"name": "conversation.md", "type": "text/markdown", "text": conversation_markdown(info, turns)}


def _id(value: Any) -> UUID:
    try:
        return UUID(str(value))
    except ValueError as error:
        raise NotFound("There is no such conversation of yours.") from error


async def opened(page: Page, request: gr.Request, thread: UUID) -> Session:
    """Return a conversation to go on with, its answers as far as they may be read now. Raises `NotFound`."""
    principal = page.who(request)
    history = await page.application().threads.history(principal, thread)
    turns = [ShownTurn(turn.question, answer=turn.answer, withheld=turn.withheld) for turn in history]
    return Session(user=Session().of(principal).user, thread=thread, turns=tuple(turns))


def connect_conversations(page: Page, conversations: gr.HTML, when: Sequence[Callable[..., Any]]) -> None:
    """Let the list act, and read it anew at ``when`` and after each answer."""
    everything = [*page.shown, conversations]

    async def listed(session: Session, request: gr.Request, notice: str = "") -> str:
        found = await page.application().threads.all(page.who(request))
        return conversations_html([info for info in found if info.turns], session.thread, notice)

    async def refresh(session: Session, request: gr.Request) -> str:
        return await listed(session, request)

    async def select(session: Session, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        try:
            session = await opened(page, request, _id(event._data.get("id")))
        except NotFound as error:
            return gr.skip(), gr.skip(), gr.skip(), await listed(session, request, str(error))
        page.leave(request)
        return *page.show(session), await listed(session, request)

    async def rename(session: Session, event: gr.EventData, request: gr.Request) -> str:
        try:
            title = " ".join(str(event._data.get("title", "")).split())
            await page.application().threads.rename(page.who(request), _id(event._data.get("id")), title)
        except FootnoteError as error:
            return await listed(session, request, str(error))
        return await listed(session, request)

    async def delete(session: Session, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        skip = (gr.skip(), gr.skip(), gr.skip())
        try:
            thread = _id(event._data.get("id"))
            await page.application().threads.delete(page.who(request), thread)
        except FootnoteError as error:
            return *skip, await listed(session, request, str(error))
        if session.thread != thread:
            return *skip, await listed(session, request)
        return await new(request)

    async def new(request: gr.Request) -> tuple[Any, ...]:
        page.leave(request)
        session = Session().of(page.who(request))
        return *page.show(session), await listed(session, request)

    private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    conversations.select(select, page.session, everything, **private)
    conversations.input(rename, page.session, conversations, **private)
    conversations.delete(delete, page.session, everything, **private)
    conversations.clear(new, None, everything, **private)
    for event in (*when, page.answered.then):
        event(refresh, page.session, conversations, **private)
