from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.loaders import load
from ingest.splitter import split
from state.documents import Block, BlockKind, Page, ParsedDocument


class WordCounter:
    """Counts a token for every four characters of a word, so that long words are several tokens."""

    max_tokens = 60

    def offsets(self, text: str) -> list[tuple[int, int]]:
        found = []
        start = 0
        for word in text.split():
            start = text.index(word, start)
            found += [(start + i, start + min(i + 4, len(word))) for i in range(0, len(word), 4)]
            start += len(word)
        return found

    def count(self, text: str) -> int:
        return len(self.offsets(text))


COUNTER = WordCounter()


def document(*parts: tuple[BlockKind, str, int], title: str = "Handbook") -> ParsedDocument:
    text = ""
    blocks = []
    for kind, content, level in parts:
        text += "\n\n" if text else ""
        blocks.append(Block(kind, len(text), len(text) + len(content), level))
        text += content
    return ParsedDocument(text, title, "text/plain", tuple(blocks))


def texts(doc: ParsedDocument) -> list[str]:
    return [doc.text[chunk.start : chunk.end] for chunk in split(doc, COUNTER, "en")]


def test_a_short_section_is_one_chunk_without_its_heading() -> None:
    doc = document(("heading", "Leave", 2), ("paragraph", "You have 25 days.", 0), ("list_item", "Ask first.", 0))
    assert texts(doc) == ["You have 25 days.\n\nAsk first."]


def test_a_chunk_never_crosses_a_heading() -> None:
    doc = document(("paragraph", "Before.", 0), ("heading", "Next", 1), ("paragraph", "After.", 0))
    assert texts(doc) == ["Before.", "After."]


def test_chunks_know_the_headings_above_them() -> None:
    doc = load(Path("h.md"), b"# Handbook\n\n## Leave\n\n### Sick leave\n\nCall us.\n\n## Pay\n\nMonthly.\n")
    assert [chunk.headings for chunk in split(doc, COUNTER, "en")] == [("Leave", "Sick leave"), ("Pay",)]


def test_a_heading_with_nothing_below_it_is_found_all_the_same() -> None:
    doc = load(Path("h.md"), b"# Handbook\n\n## Leave\n\n## Pay\n\nMonthly.\n\n## Contact the union\n")
    assert texts(doc) == ["Leave", "Monthly.", "Contact the union"]


def test_a_document_of_headings_only_still_has_a_chunk() -> None:
    assert texts(load(Path("h.md"), b"# Only a title\n")) == ["Only a title"]


def test_a_long_section_is_cut_into_even_parts() -> None:
    doc = document(("paragraph", " ".join(f"This is sentence number {i:03}." for i in range(12)), 0))
    sizes = [chunk.token_count for chunk in split(doc, COUNTER, "en")]
    assert len(sizes) >= 2
    assert max(sizes) - min(sizes) <= 15


def test_a_cut_falls_between_paragraphs_rather_than_within_one() -> None:
    first = " ".join(["Aaaa bbbb cccc dddd eeee."] * 6)
    second = " ".join(["Ffff gggg hhhh iiii jjjj."] * 5)
    assert texts(document(("paragraph", first, 0), ("paragraph", second, 0))) == [first, second]


def test_a_table_row_is_one_sentence() -> None:
    row = "Part: KX-200. New; Price: 5 EUR. Taxed"
    doc = document(("table_row", row, 0))
    (chunk,) = split(doc, COUNTER, "en")
    assert [doc.text[s.start : s.end] for s in chunk.sentences] == [row]


def test_a_sentence_over_the_budget_is_cut_between_words() -> None:
    doc = document(("paragraph", "word " * 200 + "end.", 0))
    assert all(set(part.split()) <= {"word", "end."} for part in texts(doc))


def test_text_without_any_gap_is_still_cut_to_size() -> None:
    doc = document(("paragraph", "x" * 2000, 0))
    assert "".join(texts(doc)) == "x" * 2000
    assert all(COUNTER.count(part) <= COUNTER.max_tokens for part in texts(doc))


def test_chunks_tell_their_pages() -> None:
    doc = document(("paragraph", "One.", 0), ("paragraph", "Two.", 0))
    paged = ParsedDocument(doc.text, "T", "application/pdf", doc.blocks, (), (Page(1, 0, 6), Page(2, 6, 10)))
    (chunk,) = split(paged, COUNTER, "en")
    assert (chunk.first_page, chunk.last_page) == (1, 2)


_CONTENT = st.text(
    alphabet=st.sampled_from("ab cD.!? \n,;:12é中文。"), min_size=1, max_size=400
).filter(lambda content: bool(content.strip()))  # fmt: skip
_PART = st.tuples(
    st.sampled_from(["heading", "paragraph", "list_item", "table_row", "code"]),
    _CONTENT.map(str.strip),
    st.integers(1, 3),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_PART, min_size=1, max_size=12), st.sampled_from(["Handbook", "a"]))
def test_whatever_the_document_its_chunks_are_exact_and_complete(
    parts: list[tuple[BlockKind, str, int]], title: str
) -> None:
    doc = document(*parts, title=title)
    chunks = split(doc, COUNTER, "en")
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    assert all(a.end <= b.start for a, b in pairwise(chunks))
    seen: set[int] = set()
    for chunk in chunks:
        content = doc.text[chunk.start : chunk.end]
        assert content and content == content.strip()
        assert COUNTER.count(content) <= chunk.token_count <= COUNTER.max_tokens
        assert (chunk.sentences[0].start, chunk.sentences[-1].end) == (chunk.start, chunk.end)
        for gap in pairwise(chunk.sentences):
            assert not doc.text[gap[0].end : gap[1].start].strip()
        seen.update(range(chunk.start, chunk.end))
    for block in doc.blocks:
        if block.kind != "heading":
            assert all(i in seen or doc.text[i].isspace() for i in range(block.start, block.end))


@pytest.mark.parametrize("level", [1, 2, 3])
def test_every_heading_is_in_a_path_or_a_chunk(level: int) -> None:
    doc = document(("heading", "Alpha", level), ("heading", "Beta", 2), ("paragraph", "Text.", 0))
    chunks = split(doc, COUNTER, "en")
    found = {name for chunk in chunks for name in chunk.headings} | {doc.text[c.start : c.end] for c in chunks}
    assert {"Alpha", "Beta"} <= found
