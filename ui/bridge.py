"""What the page's script can ask for besides answers: sources, receipts, checks, and an opinion kept.

Nothing here trusts what the script sends: places and ids are parsed, and read under the rights of who asks.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from html import escape
from typing import Any, Final
from uuid import UUID

import gradio as gr
from pydantic import ValidationError

from state.errors import FootnoteError, NotFound
from store.feedback import Thumb
from ui.how import how_html, verification_html
from ui.icons import icon
from ui.shared import Page
from ui.source_panel import Place, page_picture, source_html

COMPOSER: Final = f"""
<form class="fn-form" id="fn-form" data-value="${{value}}">
  <label class="fn-sr" for="fn-question">Your question</label>
  <textarea id="fn-question" rows="1" maxlength="20000" autocomplete="off" dir="auto" enterkeyhint="send"
    placeholder="Ask your documents…" aria-describedby="fn-keys"></textarea>
  <button type="submit" class="fn-send" id="fn-send" aria-label="Ask">{icon("send")}</button>
  <button type="button" class="fn-send fn-stop" id="fn-stop" data-fn="stop" aria-label="Stop this answer"
    hidden>{icon("stop")}</button>
</form>
<p class="fn-keys" id="fn-keys"><span class="fn-typing"><kbd>Enter</kbd> asks, <kbd>Shift</kbd>+<kbd>Enter</kbd>
  begins a line.</span> Every sentence is checked against its source before you see it.</p>
<div class="fn-sr" id="fn-announce" role="status" aria-live="polite"></div>
"""

SOURCE_PANEL: Final = f"""
<aside class="fn-panel" id="fn-panel" aria-labelledby="fn-panel-name" hidden>
  <div class="fn-panel-top"><h2 id="fn-panel-name" tabindex="-1">Source</h2>
    <button type="button" class="fn-icon" data-fn="close" aria-label="Close the source" data-tip="Close (Esc)">{
    icon("close")
}</button></div>
  <div class="fn-panel-body" id="fn-panel-body"></div>
</aside>
"""


def server_functions(page: Page) -> list[Callable[..., Awaitable[Any]]]:
    """Return what the script may call, each with one value, under its own name."""

    async def source(asked: Any, request: gr.Request) -> dict[str, Any]:
        return await _told(lambda: source_html(page.application(), page.who(request), _place(asked)))

    async def picture(asked: Any, request: gr.Request) -> dict[str, Any]:
        return await _told(lambda: page_picture(page.application(), page.who(request), _place(asked)))

    async def how(asked: Any, request: gr.Request) -> dict[str, Any]:
        return await _told(lambda: how_html(page.application(), page.who(request), _id(asked)))

    async def verify(asked: Any, request: gr.Request) -> dict[str, Any]:
        async def checked() -> str:
            with page.at_work(request):  # it reads as much as a question does
                return await verification_html(page.application(), page.who(request), _id(asked))

        return await _told(checked)

    async def receipt(asked: Any, request: gr.Request) -> dict[str, Any]:
        async def text() -> str:
            identity = _id(asked)
            kept = await page.application().receipts.get(page.who(request), identity)
            return kept.model_dump_json(indent=2)

        return await _told(text)

    async def opinion(asked: Any, request: gr.Request) -> dict[str, Any]:
        async def keep() -> str:
            given = asked if isinstance(asked, dict) else {}
            thumb: Thumb = "up" if given.get("thumb") == "up" else "down"
            receipt = _id(given.get("receipt"))
            reason, correction = str(given.get("reason", "")), str(given.get("correction", ""))
            await page.application().feedback.give(page.who(request), receipt, thumb, reason, correction)
            return "Thank you: kept." if reason or correction else "Kept."

        return await _told(keep)

    return [source, picture, how, verify, receipt, opinion]


async def _told(work: Callable[[], Awaitable[str]]) -> dict[str, Any]:
    """Return what came of it as the script takes it: ``html`` (or other text), or ``problem``, a sentence."""
    try:
        return {"html": await work()}
    except FootnoteError as error:
        return {"problem": str(error), "html": f'<p class="fn-problem" role="alert">{escape(str(error))}</p>'}


def _place(asked: Any) -> Place:
    try:
        return Place.model_validate(asked)
    except ValidationError as error:
        raise NotFound("That does not point at any text.") from error


def _id(asked: Any) -> UUID:
    try:
        return UUID(str(asked))
    except ValueError as error:
        raise NotFound("There is no such receipt.") from error
