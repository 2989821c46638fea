"""The page: what is where, and how a server mounts it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import gradio as gr
from starlette.requests import Request

from graph.application import Application
from state.principal import Principal
from ui.chat import build_chat, connect_chat
from ui.conversations import build_conversations, connect_conversations
from ui.documents import build_documents, connect_documents
from ui.preferences import build_preferences, connect_preferences
from ui.shared import Page, Session
from ui.theme import FAVICON, HEAD, HEADER, PARTS_STYLE, STYLE, theme

_LEFT_BEHIND = (3600, 3600)  # every so many seconds, uploads that were never read in and are this old are removed
QUESTIONS_AT_ONCE = 8  # of all tabs; more wait in line


def build_page(
    application: Callable[[], Application],
    principal_of: Callable[[Request], Principal],
    place: Callable[[Request], AbstractContextManager[float]],
) -> gr.Blocks:
    """Return the page; what is given is that of `ui.shared.Page`.

    Each part is built where it is seen, and connected once all are there. `page_options` are for mounting it.
    """
    page = Page(application, principal_of, place)
    blocks = gr.Blocks(
        title="Footnote", analytics_enabled=False, fill_width=True, fill_height=True, delete_cache=_LEFT_BEHIND
    )
    with blocks:
        page.session = gr.State(Session())
        page.preferences = gr.BrowserState({}, storage_key="footnote-preferences", secret="footnote")
        gr.HTML(HEADER, elem_id="fn-header", apply_default_css=False, js_on_load=None)
        with gr.Tabs(elem_id="fn-views", overflow_behavior="wrap"):
            with _view("Ask", "ask") as ask_tab, gr.Row(elem_id="fn-ask", equal_height=False):
                with gr.Column(elem_id="fn-conversations", min_width=0):
                    conversations = build_conversations(page)
                build_chat(page)
            with _view("Documents", "documents") as documents_tab, gr.Column(elem_id="fn-documents"):
                shelf = build_documents()
            with _view("Settings", "settings"), gr.Column(elem_id="fn-settings"):
                choices = build_preferences()
        connect_chat(page, [blocks.load, ask_tab.select])
        connect_conversations(page, conversations, [blocks.load])
        connect_documents(page, shelf, [documents_tab.select])
        connect_preferences(page, {**choices, "collections": page.collections}, blocks.load, ask_tab.select)
    blocks.queue(default_concurrency_limit=QUESTIONS_AT_ONCE, api_open=False)
    return blocks


def _view(label: str, name: str) -> gr.Tab:
    return gr.Tab(label, id=name, elem_id=f"fn-view-{name}")


def page_options() -> dict[str, Any]:
    """Return what `gradio.mount_gradio_app` needs for the page to look and behave as it should."""
    return {
        "theme": theme(),
        "css_paths": [STYLE, PARTS_STYLE],
        "head": HEAD,
        "favicon_path": str(FAVICON),
        "footer_links": [],
        "run_history": False,
        "show_error": False,
        "ssr_mode": False,
        "pwa": False,
    }
