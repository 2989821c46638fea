from __future__ import annotations

from uuid import UUID

import pytest

from state.answer import Citation, SpanRecord, quote_hash
from state.errors import NotFound
from state.principal import Principal
from store.database import Database
from store.documents import delete_documents, document_text, list_documents
from store.spans import SpanKey
from tests.support import CardFinder, Library
from tools.document_access import set_document_access
from tools.screening import Screen
from tools.surroundings import AROUND, surroundings

ANN = Principal("local", "ann")
QUOTE = "The tank 🙂 is emptied in June."
SCREEN = Screen(CardFinder())
CARD = "4111 1111 1111 1111"


async def stored(library: Library, database: Database, text: str) -> tuple[UUID, str]:
    """Read a document in; return its id and its stored text."""
    library.write(tank=text)
    await library.read_in()
    async with database.session(library.principal) as connection:
        [document] = await list_documents(connection)
        return document.id, await document_text(connection, document.id)


def key(document: UUID, text: str, quote: str = QUOTE, version: int = 1) -> SpanKey:
    return SpanKey(document, version, text.index(quote), text.index(quote) + len(quote))


async def test_what_is_cited_stands_between_what_comes_before_and_after(library: Library, database: Database) -> None:
    document, text = await stored(library, database, f"# Tanks\n\nÜber tanks. {QUOTE} It is filled in July.")
    found = await surroundings(database, ANN, key(document, text), SCREEN)
    assert found.cited == QUOTE
    assert found.before + found.cited + found.after == text
    assert (found.title, found.version, found.page) == ("Tanks", 1, None)
    assert found.source.endswith("/tank.md")


async def test_a_citation_and_a_receipts_span_are_looked_up_alike(library: Library, database: Database) -> None:
    document, text = await stored(library, database, f"{QUOTE} It is filled in July.")
    span = key(document, text)
    place = {"n": 1, "source": "", "sha256": quote_hash(QUOTE), **span._asdict()}
    record = SpanRecord.model_validate(place)
    citation = Citation.model_validate({**place, "title": "", "page": None, "quote": QUOTE})
    assert await surroundings(database, ANN, record, SCREEN) == await surroundings(database, ANN, citation, SCREEN)
    assert (await surroundings(database, ANN, record, SCREEN)).before == ""


async def test_of_a_long_text_whole_paragraphs_or_words_are_shown(library: Library, database: Database) -> None:
    filler = " ".join(f"Sentence number {number} says nothing." for number in range(60))
    parts = "\n\n".join(f"Paragraph {number} says nothing at all about it." for number in range(60))
    document, text = await stored(library, database, f"{filler} {QUOTE}\n\n{parts}")
    found = await surroundings(database, ANN, key(document, text), SCREEN)
    assert f"{found.before}{found.cited}{found.after}" in text
    assert AROUND // 2 < len(found.before) <= AROUND
    assert AROUND // 2 < len(found.after) <= AROUND
    assert text[text.index(found.before) - 1] == " "
    assert found.after.endswith("about it.")


async def test_a_former_version_is_shown_as_it_was(library: Library, database: Database) -> None:
    document, text = await stored(library, database, f"{QUOTE} It is filled in July.")
    await stored(library, database, "The tank is gone.")
    found = await surroundings(database, ANN, key(document, text), SCREEN)
    assert (found.cited, found.after, found.version) == (QUOTE, " It is filled in July.", 1)


async def test_what_is_gone_revoked_or_was_never_there_is_not_found(
    library: Library, database: Database, local: Principal
) -> None:
    document, text = await stored(library, database, QUOTE)
    span = key(document, text)
    for wrong in (span._replace(end=span.end + 1), span._replace(version=2), span._replace(start=span.end)):
        with pytest.raises(NotFound):
            await surroundings(database, ANN, wrong, SCREEN)
    with pytest.raises(NotFound):
        await surroundings(database, Principal("other", "ann"), span, SCREEN)
    await set_document_access(database, local, document, [])
    with pytest.raises(NotFound):
        await surroundings(database, ANN, span, SCREEN)
    assert (await surroundings(database, local, span, SCREEN)).cited == QUOTE
    async with database.session(local, write=True) as connection:
        await delete_documents(connection, [document])
    with pytest.raises(NotFound):
        await surroundings(database, local, span, SCREEN)


async def test_what_answers_may_not_show_is_masked_around_a_citation_too(library: Library, database: Database) -> None:
    filler = "It is said again. " * 50
    document, text = await stored(library, database, f"# Card {CARD}\n\n{CARD} {filler}{QUOTE} Paid by {CARD} so.")
    found = await surroundings(database, ANN, key(document, text), SCREEN)
    assert found.after == " Paid by [card number hidden] so."
    assert found.title == "Card [card number hidden]"
    within = SpanKey(document, 1, text.rindex(CARD) + 5, text.rindex(CARD) + 9)
    assert (await surroundings(database, ANN, within, SCREEN)).cited == "[card number hidden]"


@pytest.mark.parametrize("more", range(0, 24, 3))
async def test_a_number_cut_at_the_edge_of_what_is_shown_is_masked(
    library: Library, database: Database, more: int
) -> None:
    before, after = "x" * (AROUND - more), "y" * (AROUND - more)
    document, text = await stored(library, database, f"Start. {CARD} {before} {QUOTE} {after} {CARD} end.")
    found = await surroundings(database, ANN, key(document, text), SCREEN)
    assert "1111" not in found.before + found.cited + found.after
