"""The reader's documents: read in, listed, opened, shared and deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import gradio as gr

from state.errors import FootnoteError, NotFound
from store.documents import DocumentInfo, delete_documents, document_text, get_document, list_documents
from tools.document_access import set_document_access
from ui.document_list import ANY, Narrowing, choices, documents_html, facts_html, problem_html, text_html
from ui.shared import Page
from ui.theme import PARTS_SCRIPT
from ui.uploads import ACCESS, EVERYBODY, NAMED, UploadParts, access_choice, build_uploads, connect_uploads, grantees

TEXT_CHARS: Final = 20_000  # of a stored text that are shown
_FOCUS: Final = "() => {{ document.querySelector('{}')?.focus(); }}"
_PRIVATE: Final[dict[str, Any]] = {"show_progress": "hidden", "api_visibility": "private"}


@dataclass(frozen=True)
class Panel:
    """What shows one document: its facts and text, who may read it, and what can be done with it."""

    column: gr.Column
    facts: gr.HTML
    access: gr.Radio
    names: gr.Textbox
    save: gr.Button
    read: gr.Button
    delete: gr.Button
    close: gr.Button
    confirm: gr.Row
    really: gr.Button
    keep: gr.Button
    told: gr.HTML
    text: gr.HTML

    @property
    def shown(self) -> list[Any]:
        """Return the components that change with the document."""
        return [self.column, self.facts, self.access, self.names, self.confirm, self.told, self.text]


@dataclass(frozen=True)
class Shelf:
    """The parts of the page that are about documents; ``opened`` is the id of the one in the panel."""

    uploads: UploadParts
    narrowing: list[Any]
    listed: gr.HTML
    panel: Panel
    opened: gr.State


def build_documents() -> Shelf:
    """Build uploads, the list with what narrows it, and the panel of one document."""
    gr.HTML(
        "<h2>Documents</h2><p>Questions are answered from these, as far as whoever asks may read them.</p>",
        apply_default_css=False, js_on_load=None, elem_classes="fn-part-head",
    )  # fmt: skip
    uploads = build_uploads()
    with gr.Row(elem_id="fn-shelf", equal_height=False):
        with gr.Column(elem_id="fn-shelf-list", min_width=0, scale=3):
            with gr.Row(elem_id="fn-narrowing"):
                narrowing = [
                    gr.Textbox("", label="Search titles and names", placeholder="Words", min_width=160, scale=2),
                    gr.Dropdown([ANY], value=ANY, label="Type", min_width=110),
                    gr.Dropdown([ANY], value=ANY, label="Collection", min_width=110),
                    gr.Dropdown([ANY], value=ANY, label="Tag", min_width=110),
                ]
            listed = gr.HTML(
                "", elem_id="fn-document-list", apply_default_css=False,
                js_on_load=PARTS_SCRIPT.read_text(encoding="utf-8"),
            )  # fmt: skip
        panel = _build_panel()
    return Shelf(uploads, narrowing, listed, panel, gr.State(None))


def _build_panel() -> Panel:
    bare: dict[str, Any] = {"apply_default_css": False, "js_on_load": None}
    with gr.Column(elem_id="fn-document", min_width=0, scale=2, visible=False) as column:
        facts = gr.HTML("", elem_id="fn-facts", **bare)
        access = gr.Radio(ACCESS, value=EVERYBODY, label="Who may read it")
        names = gr.Textbox("", label="Names", info="Users, or group:NAME, separated by commas.", visible=False)
        with gr.Row():
            save = gr.Button("Save access", size="sm")
            read = gr.Button("Show its text", size="sm")
            delete = gr.Button("Delete…", size="sm", elem_classes="fn-danger")
            close = gr.Button("Close", size="sm")
        with gr.Row(visible=False, elem_id="fn-confirm") as confirm:
            gr.HTML("<p>Delete it for everyone, with all that was made from it?</p>", **bare)
            really = gr.Button("Delete for good", size="sm", elem_classes="fn-danger")
            keep = gr.Button("Keep it", size="sm")
        told = gr.HTML("", elem_id="fn-told", **bare)
        text = gr.HTML("", elem_id="fn-stored-text", **bare)
    return Panel(column, facts, access, names, save, read, delete, close, confirm, really, keep, told, text)


class _Doing:
    """What the page does with documents, always in the name of who sends the request."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def all(self, request: gr.Request) -> list[DocumentInfo]:
        async with self.page.application().database.session(self.page.who(request)) as connection:
            return await list_documents(connection)

    async def listed(self, words: str, kind: str, collection: str, tag: str, opened: Any, request: gr.Request) -> str:
        """Return the list as it is narrowed."""
        narrowing = Narrowing(words or "", kind or ANY, collection or ANY, tag or ANY)
        return documents_html(await self.all(request), narrowing, self.page.who(request), opened)

    async def afresh(self, request: gr.Request) -> tuple[Any, ...]:
        """Return what the list can be narrowed to, and the collections that uploads can go to."""
        documents = await self.all(request)
        kinds, names = [one.type for one in documents], {one.collection for one in documents}
        tags = [tag for one in documents for tag in one.tags]
        narrowed = [gr.update(choices=choices(values)) for values in (kinds, names, tags)]
        return *narrowed, gr.update(choices=sorted(names | {"default"}))

    async def panel(self, document: UUID, told: str, request: gr.Request) -> tuple[Any, ...]:
        """Return the values of `Panel.shown` for a document. Raises `NotFound`."""
        principal = self.page.who(request)
        async with self.page.application().database.session(principal) as connection:
            info = await get_document(connection, document)
        choice, names = access_choice(info.access, principal)
        return (
            gr.update(visible=True), facts_html(info, principal), choice,
            gr.update(value=names, visible=choice == NAMED), gr.update(visible=False), told, "",
        )  # fmt: skip

    async def open(self, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        try:
            document = UUID(str(event._data.get("id")))
            return document, *await self.panel(document, "", request)
        except (NotFound, ValueError):
            return None, *self.nothing(problem_html("This document is gone, or no longer yours to read."))

    def nothing(self, told: str = "") -> tuple[Any, ...]:
        """Return the values of `Panel.shown` when there is no document to show, or only ``told``."""
        skip = gr.skip()
        return gr.update(visible=bool(told)), "", skip, gr.update(visible=False), gr.update(visible=False), told, ""

    async def share(self, opened: Any, choice: str, names: str, request: gr.Request) -> tuple[Any, ...]:
        principal, database = self.page.who(request), self.page.application().database
        try:
            await set_document_access(database, principal, opened, grantees(choice, names, principal))
            return await self.panel(opened, '<p role="status">Access saved.</p>', request)
        except FootnoteError as error:
            return (*(gr.skip() for _ in range(5)), problem_html(str(error)), gr.skip())

    async def delete(self, opened: Any, request: gr.Request) -> tuple[Any, ...]:
        principal, database = self.page.who(request), self.page.application().database
        try:
            async with database.session(principal, write=True) as connection:
                await get_document(connection, opened)
                await delete_documents(connection, [opened])
        except FootnoteError as error:
            return opened, *(gr.skip() for _ in range(5)), problem_html(str(error)), gr.skip()
        return None, *self.nothing()

    async def text(self, opened: Any, request: gr.Request) -> str:
        async with self.page.application().database.session(self.page.who(request)) as connection:
            try:
                return text_html(await document_text(connection, opened), TEXT_CHARS)
            except FootnoteError as error:
                return problem_html(str(error))


def connect_documents(page: Page, shelf: Shelf, when: Sequence[Callable[..., Any]]) -> None:
    """Let documents be read in, narrowed, opened, shared and deleted; read the list anew at ``when``."""
    doing, panel, narrowed = _Doing(page), shelf.panel, [*shelf.narrowing, shelf.opened]
    uploaded = connect_uploads(page, shelf.uploads)
    removed = panel.really.click(doing.delete, shelf.opened, [shelf.opened, *panel.shown], **_PRIVATE)
    shared = panel.save.click(doing.share, [shelf.opened, panel.access, panel.names], panel.shown, **_PRIVATE)
    opened = shelf.listed.select(doing.open, None, [shelf.opened, *panel.shown], **_PRIVATE)
    closed = panel.close.click(lambda: (None, *doing.nothing()), None, [shelf.opened, *panel.shown], **_PRIVATE)
    opened.then(None, None, None, js=_FOCUS.format("#fn-document .fn-facts-title"), **_PRIVATE)
    closed.then(None, None, None, js=_FOCUS.format("#fn-document-list [aria-pressed=true]"), **_PRIVATE)
    words, *picked = shelf.narrowing
    for event in (*when, uploaded.then, removed.then):
        event(doing.afresh, None, [*picked, shelf.uploads.collection], **_PRIVATE)
    after = (uploaded.then, removed.then, shared.then, opened.then, closed.then)
    # One after another: else an earlier, longer list could come in after a narrower one.
    in_turn: dict[str, Any] = {"trigger_mode": "multiple", "concurrency_limit": 1, "concurrency_id": "shelf"}
    for event in (*when, *after, words.change, *(part.input for part in picked)):
        event(doing.listed, narrowed, shelf.listed, **in_turn, **_PRIVATE)
    panel.access.input(lambda choice: gr.update(visible=choice == NAMED), panel.access, panel.names, **_PRIVATE)
    panel.delete.click(lambda: gr.update(visible=True), None, panel.confirm, **_PRIVATE)
    panel.keep.click(lambda: gr.update(visible=False), None, panel.confirm, **_PRIVATE)
    panel.read.click(doing.text, shelf.opened, panel.text, **_PRIVATE)
