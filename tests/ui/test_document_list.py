from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from bs4 import BeautifulSoup

from state.access import parse_access
from state.errors import InvalidFilter
from state.principal import Principal
from store.documents import DocumentInfo
from store.jobs import Job, JobFile
from ui.document_list import Narrowing, access_words, documents_html, facts_html, job_html, problem_html, text_html
from ui.uploads import EVERYBODY, NAMED, OWN, access_choice, grantees

ANN = Principal("local", "ann", can_write=True)
NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
HOSTILE = "<img src=x onerror=alert(1)><script>alert(1)</script>\"'</pre>"


def _document(title: str = "Leave", **more: object) -> DocumentInfo:
    facts: dict[str, object] = {
        "id": uuid4(), "collection": "default", "source": "/files/leave.md", "type": "md", "title": title,
        "language": "en", "version": 2, "content_hash": "", "size": 34_500, "page_count": 0, "chunks": 3,
        "characters": 900, "modified_at": None, "created_at": NOW, "indexed_at": NOW, "duplicate_of": None,
        "quarantined": 0, "access": ["*"], "tags": [],
    }  # fmt: skip
    return DocumentInfo(**{**facts, **more})  # type: ignore[arg-type]


def _text(html: str) -> str:
    return BeautifulSoup(html, "html.parser").get_text(" ")


def _tags(html: str) -> set[str]:
    return {tag.name for tag in BeautifulSoup(html, "html.parser").find_all()}


def test_a_row_says_what_a_document_is_and_who_may_read_it() -> None:
    row = _text(documents_html([_document(page_count=8, access=["user:ann"])], Narrowing(), ANN))
    assert "leave.md in default · 34 kB · 8 pages · version 2 · 5 Mar 2026 · only me" in row


@pytest.mark.parametrize(
    ("access", "words"),
    [
        (["*"], "everyone"),
        (["user:ann"], "only me"),
        (["group:hr", "user:ann", "user:bob"], "group hr, me, bob"),
        ([], "nobody"),
    ],
)
def test_who_may_read_is_told_in_words(access: list[str], words: str) -> None:
    assert access_words(access, ANN) == words


def test_the_list_is_narrowed_by_all_that_is_chosen() -> None:
    documents = [_document("Leave policy", tags=["hr"]), _document("Leave form", type="pdf"), _document("Tides")]
    kept = documents_html(documents, Narrowing(words="LEAVE", type="md", tag="hr"), ANN)
    assert "Leave policy" in kept and "Leave form" not in kept and "Tides" not in kept


def test_an_empty_shelf_and_a_search_without_result_say_what_to_do() -> None:
    assert "Drop files above" in documents_html([], Narrowing(), ANN)
    assert "No document fits" in documents_html([_document()], Narrowing(words="tides"), ANN)


def test_no_text_of_a_document_is_markup() -> None:
    document = _document(
        HOSTILE, source=HOSTILE, type=HOSTILE, collection=HOSTILE, tags=[HOSTILE], access=[f"user:{HOSTILE}"],
        language=HOSTILE, quarantined=1, duplicate_of=uuid4(),
    )  # fmt: skip
    job = Job(
        id=uuid4(), collection="x", state="failed", created_at=NOW,
        files=[JobFile(name=HOSTILE, state="failed", reason=HOSTILE)],
    )  # fmt: skip
    for html in (
        documents_html([document], Narrowing(), ANN),
        facts_html(document, ANN),
        text_html(HOSTILE, 1000),
        job_html(job),
        problem_html(HOSTILE),
    ):
        assert _tags(html).isdisjoint({"img", "script"})
        assert "onerror=alert(1)" in _text(html)


def test_a_long_text_is_shown_from_its_beginning_with_how_much_there_is_more() -> None:
    html = text_html("abcdefgh", 3)
    assert "abc" in _text(html) and "5 more characters" in _text(html)


def test_an_upload_is_told_file_by_file() -> None:
    files = [
        JobFile(name="a.md", state="done", document_id=UUID(int=1)),
        JobFile(name="b.pdf", state="failed", reason="b.pdf is encrypted"),
        JobFile(name="c.txt", state="reading"),
    ]
    running = Job(id=uuid4(), collection="x", state="running", files=files, created_at=NOW)
    assert "Reading 3 files: 2 done" in _text(job_html(running))
    ended = running.model_copy(update={"state": "failed", "files": files[:2]})
    assert "1 of 2 files read in, 1 failed" in _text(job_html(ended))
    assert "b.pdf is encrypted" in _text(job_html(ended))


@pytest.mark.parametrize(
    ("choice", "names", "access"),
    [
        (EVERYBODY, "ignored", ["*"]),
        (OWN, "ignored", ["user:ann"]),
        (NAMED, "bob, group:hr\nuser:cy", ["user:ann", "user:bob", "group:hr", "user:cy"]),
    ],
)
def test_a_choice_of_readers_becomes_an_access_list(choice: str, names: str, access: list[str]) -> None:
    assert grantees(choice, names, ANN) == access
    again = access_choice(access, ANN)
    assert sorted(grantees(*again, ANN)) == sorted(access)


def test_a_name_that_is_none_is_refused_further_down() -> None:
    with pytest.raises(InvalidFilter):
        parse_access(grantees(NAMED, "ann and bob", ANN))
