from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from state.errors import NotFound
from state.principal import Principal
from store.database import Database
from tests.support import CardFinder, Library
from tests.ui.test_answer_html import ATTACKS, harmless
from tools.screening import Screen
from ui.source_panel import Place, page_picture, source_html

TEXT = f"# Rates {ATTACKS[1]}\n\nBefore it {ATTACKS[0]} stands this.\n\nThe rate is €0.38 {ATTACKS[2]} now.\n\nAfter."


async def placed(database: Database, principal: Principal, cited: str) -> Place:
    async with database.session(principal) as connection:
        cursor = await connection.execute(
            """select d.id, d.version, string_agg(t.text, '' order by t.start_char)
               from documents d join document_texts t on t.document_id = d.id group by d.id, d.version"""
        )
        [(document, version, text)] = await cursor.fetchall()
    start = text.index(cited)
    return Place(n=1, document_id=document, version=version, start=start, end=start + len(cited))


async def test_exactly_the_cited_characters_are_marked_and_no_text_becomes_markup(
    database: Database, local: Principal, library: Library
) -> None:
    library.write(rates=TEXT)
    await library.read_in()
    cited = f"The rate is €0.38 {ATTACKS[2]} now."
    application: Any = SimpleNamespace(database=database, screen=Screen(CardFinder()))
    html = await source_html(application, local, await placed(database, local, cited))
    markup = harmless(html)
    marked = harmless(html[html.index("<mark") : html.index("</mark>")])
    assert marked.text == cited
    assert f"Rates {ATTACKS[1]}" in markup.text and "version 1" in markup.text


async def test_what_is_not_ones_own_is_not_found(database: Database, local: Principal, library: Library) -> None:
    library.write(rates=TEXT)
    await library.read_in(access=("user:local",))
    place = await placed(database, local, "The rate")
    application: Any = SimpleNamespace(database=database, screen=Screen(CardFinder()))
    with pytest.raises(NotFound):
        await source_html(application, Principal("local", "someone"), place)


async def test_a_document_without_pages_has_no_picture(database: Database, local: Principal, library: Library) -> None:
    library.write(rates=TEXT)
    await library.read_in()
    application: Any = SimpleNamespace(database=database, screen=Screen(CardFinder()))
    with pytest.raises(NotFound, match="no pages"):
        await page_picture(application, local, await placed(database, local, "The rate"))


@pytest.mark.parametrize(
    "bad", [{}, {"n": 1}, [], None, {"n": 1, "document_id": "x", "version": 1, "start": 0, "end": 1}]
)
def test_places_that_point_nowhere_are_refused(bad: object) -> None:
    with pytest.raises(ValidationError):
        Place.model_validate(bad)
