"""How questions are asked: kept in the reader's browser, applied to the next question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import gradio as gr
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from settings import settings
from state.evidence import Mode
from state.run import Preset, RunContext
from store.documents import list_documents
from ui.shared import Page

# What can be chosen, as (what is read, what is kept).
PRESETS: Final = [
    ("Quick: search as asked", "minimal"),
    ("Balanced: more queries where they pay", "balanced"),
    ("Thorough: every way of understanding the question", "comprehensive"),
]
MODES: Final = [
    ("Whatever fits the question", ""),
    ("By words", "lexical"),
    ("By meaning", "vector"),
    ("Both", "hybrid"),
]
STYLES: Final = [("Prose by the chat model", True), ("Sentences of the documents, word for word", False)]
DEADLINES: Final = [("None", 0), ("2 seconds", 2), ("5 seconds", 5), ("15 seconds", 15), ("60 seconds", 60)]


class Preferences(BaseModel):
    """What a reader has chosen. ``mode`` None lets the question decide; ``deadline`` is in seconds, None without one.

    ``collections`` are the ones asked, all when there is none; ``prose`` lets a chat model write, if one is configured.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    preset: Preset = "balanced"
    mode: Mode | None = None
    deadline: float | None = Field(default=None, gt=0, le=600)
    prose: bool = True
    sentences: int = Field(default=3, ge=1, le=10)
    collections: tuple[str, ...] = ()

    @property
    def context(self) -> RunContext:
        """Return what a run is told of it."""
        return RunContext(preset=self.preset, deadline=self.deadline, prose=self.prose, sentences=self.sentences)

    @property
    def filters(self) -> list[str]:
        """Return the filters of the collections asked."""
        return [f"collection={name}" for name in self.collections]


def read_preferences(kept: Any) -> Preferences:
    """Return what a browser has kept; the defaults if it is nothing that can be used."""
    try:
        return Preferences.model_validate(kept or {})
    except ValidationError:
        return Preferences()


def build_preferences() -> dict[str, Any]:
    """Build the settings of questions; return their components by the names in `Preferences`."""
    gr.HTML(
        "<h2>Settings</h2><p>They are kept in this browser and hold from the next question on.</p>",
        apply_default_css=False, js_on_load=None, elem_classes="fn-part-head",
    )  # fmt: skip
    return {
        "preset": gr.Radio(PRESETS, value="balanced", label="How much is done to understand a question"),
        "mode": gr.Radio(MODES, value="", label="How passages are searched for"),
        "deadline": gr.Radio(DEADLINES, value=0, label="Time limit for an answer"),
        "sentences": gr.Slider(1, 10, value=3, step=1, label="Sentences of an answer, at most"),
        "prose": gr.Radio(STYLES, value=True, label="Style of answers", visible=False),
    }


def build_collections() -> gr.CheckboxGroup:
    """Build the choice of collections, which stands beside the question: seen where there are several."""
    return gr.CheckboxGroup([], label="Ask only in", visible=False, elem_id="fn-collections")


def _style(prose: bool) -> dict[str, Any]:
    """Return how the choice of a style looks: there is none without a chat model, and with one it has its names."""
    configured = settings()
    models = [configured.chat_model, configured.chat_small_model, configured.chat_fallback_model]
    named = ", ".join(dict.fromkeys(model for model in models if model))
    update: dict[str, Any] = gr.update(value=prose, visible=bool(configured.chat_model), info=named)
    return update


def connect_preferences(
    page: Page, parts: dict[str, Any], loaded: Callable[..., Any], opened: Callable[..., Any]
) -> None:
    """Show what the browser has kept once the page is ``loaded``, and keep what is chosen.

    Later, when the conversation is ``opened``, only the collections are read anew: nothing chosen meanwhile is undone.
    """
    names, components = list(parts), list(parts.values())

    async def collections(request: gr.Request) -> list[str]:
        async with page.application().database.session(page.who(request)) as connection:
            documents = await list_documents(connection)
        return sorted({document.collection for document in documents})

    async def show(kept: Any, request: gr.Request) -> list[Any]:
        chosen, there = read_preferences(kept), await collections(request)
        values = {**chosen.model_dump(), "mode": chosen.mode or "", "deadline": chosen.deadline or 0}
        updates = [gr.update(value=values[name]) for name in names if name not in ("prose", "collections")]
        asked = [name for name in chosen.collections if name in there]
        offered = gr.update(choices=there, value=asked, visible=len(there) > 1)
        # Kept without the collections that are gone: asked alone, they would leave every question without an answer.
        return [*updates, _style(chosen.prose), offered, {**chosen.model_dump(mode="json"), "collections": asked}]

    async def offer(asked: list[str], request: gr.Request) -> Any:
        there = await collections(request)
        return gr.update(choices=sorted({*there, *asked}), visible=len(there) > 1)

    def keep(*values: Any) -> dict[str, Any]:
        given = dict(zip(names, values, strict=True))
        return read_preferences(
            {**given, "mode": given["mode"] or None, "deadline": given["deadline"] or None}
        ).model_dump(mode="json")

    private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    loaded(show, page.preferences, [*components, page.preferences], **private)
    opened(offer, parts["collections"], parts["collections"], **private)
    for component in components:
        component.input(keep, components, page.preferences, **private)
