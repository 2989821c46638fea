"""A source beside the conversation: the cited characters in their surroundings, and the page as it was printed."""

from __future__ import annotations

import base64
from html import escape
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from graph.application import Application
from state.errors import NotFound
from state.principal import Principal
from store.spans import SpanKey
from tools.surroundings import Surroundings, surroundings


class Place(BaseModel):
    """Characters ``start`` to ``end`` of a version of a document, cited as ``n``; ``page`` where it has pages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int = Field(ge=0)
    document_id: UUID
    version: int = Field(ge=0)
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    page: int | None = Field(default=None, ge=1)

    @property
    def span(self) -> SpanKey:
        """Return the place as the store names it."""
        return SpanKey(self.document_id, self.version, self.start, self.end)


async def source_html(application: Application, principal: Principal, place: Place) -> str:
    """Return what the panel shows of a source, as the principal may read it now. Raises `NotFound`."""
    around = await surroundings(application.database, principal, place.span, application.screen)
    name = around.source.rsplit("/", 1)[-1]
    facts = [escape(name), *([f"page {around.page}"] if around.page else []), f"version {around.version}"]
    where = ", ".join(facts)
    picture = ""
    if around.page:
        picture = (
            f'<figure class="fn-picture" data-picture aria-busy="true"><div class="fn-blank"></div>'
            f"<figcaption>Page {around.page} as it was printed</figcaption></figure>"
        )
    return (
        f'<h3 class="fn-panel-title" dir="auto">{escape(around.title or "Untitled")}</h3>'
        f'<p class="fn-where" title="{escape(around.source)}">{where}</p>{_passage(around)}{picture}'
        f'<p class="fn-quiet">Characters {place.start:,} to {place.end:,} of the stored text.</p>'
    )


def _passage(around: Surroundings) -> str:
    return (
        f'<blockquote class="fn-passage" dir="auto" tabindex="0" aria-label="The passage, with what is cited marked">'
        f'<span class="fn-around">{escape(around.before)}</span><mark id="fn-cited">{escape(around.cited)}</mark>'
        f'<span class="fn-around">{escape(around.after)}</span></blockquote>'
    )


async def page_picture(application: Application, principal: Principal, place: Place) -> str:
    """Return the page with the cited characters marked, as a data address. Raises `NotFound` without an original."""
    from tools.page_image import page_image  # late, because it brings the PDF library with it

    if place.page is None:
        raise NotFound("This document has no pages.")
    png = await page_image(
        application.database, principal, place.document_id, place.version, place.page, place.start, place.end,
        application.screen,
    )  # fmt: skip
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
