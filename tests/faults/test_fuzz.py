"""A few seconds of fuzzing with a fixed seed, and what longer fuzzing and hostile inputs have found, by name."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.loaders import load
from ingest.prepare import prepare
from models.tokenizer import ModelTokenCounter
from state.documents import Source
from state.errors import UnreadableDocument
from store.duplicates import signature
from tests.faults import made
from tests.faults.fuzz import check_document, check_file, check_question, damaged, fuzz
from tests.faults.seeds import seeds
from text.tokens import index_terms


def test_seconds_of_fuzzing_find_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz(5, 7, tmp_path) == 0, capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(seeds()))
def test_every_seed_is_read_whole_so_that_its_damage_means_something(name: str, counter: ModelTokenCounter) -> None:
    check_document(load(Path(name), seeds()[name]))
    check_file(name, seeds()[name], counter)
    check_file(f"damaged-{name}", damaged(random.Random(name), seeds()[name]), counter)


@settings(max_examples=200, deadline=1000)
@given(st.text(max_size=200) | st.text(alphabet="ab1-−\"“”'.,$ \0\ud800\u0301日", max_size=200))
def test_any_question_is_cut_up_within_its_bounds(text: str) -> None:
    check_question(text)


GROWING: dict[str, Callable[[int], tuple[str, bytes]]] = {
    "one word": lambda n: ("a.txt", b"a" * n),
    "one line": lambda n: ("a.txt", b"Some words. " * (n // 12)),
    "short lines": lambda n: ("a.txt", b"ab\n" * (n // 6)),
    "opening brackets": lambda n: ("a.txt", b"(" * n + b"x"),
    "quotation marks": lambda n: ("a.txt", b'"' * n + b"x"),
    "dashed letters": lambda n: ("a.txt", b"a-" * (n // 2)),
    "combining marks": lambda n: ("a.txt", ("a" + "\u0301" * (n // 2)).encode()),
    "script without spaces": lambda n: ("a.txt", "日本語文書".encode() * (n // 15)),
    "stars": lambda n: ("a.md", b"*a " * (n // 3)),
    "link openings": lambda n: ("a.md", b"[a](" * (n // 8)),
    "one heading over many paragraphs": lambda n: (
        "a.md",
        b"# " + b"long " * (n // 20) + b"\n\n" + b"word\n\n" * (n // 24),
    ),
    "spanning cells": lambda n: ("a.html", b"<table>" + b"<tr><td rowspan=9999 colspan=9>x" * (n // 64)),
    "line breaks": lambda n: ("a.html", b"x" + b"<br>" * (n // 8) + b"y"),
    "ragged rows": lambda n: ("a.csv", b"a,b\n" * (n // 8) + b"," * (n // 2) + b"x\n"),
    "an open quotation": lambda n: ("a.csv", b'a,b\n"' + b"x,y\n" * (n // 4)),
    "numbers in a list": lambda n: ("a.json", b"[" + b"1," * (n // 8) + b"1]"),
    "a line of code": lambda n: ("a.js", b"var a=function(b){return b+1};" * (n // 60)),
    "encoded words": lambda n: ("a.eml", b"Subject: " + b"=?" * (n // 4) + b"\n\nbody\n"),
}


def _seconds(name: str, data: bytes, counter: ModelTokenCounter) -> float:
    started = time.process_time()
    document = load(Path(name), data)
    prepare(Source(name, bytes, lambda: document), b"", counter)
    return time.process_time() - started


@pytest.mark.parametrize("what", GROWING)
def test_twice_the_file_takes_twice_the_time_and_not_the_square(what: str, counter: ModelTokenCounter) -> None:
    """Four times the size may take eight times as long: between linear (4) and quadratic (16)."""
    small, large = (GROWING[what](n) for n in (30_000, 120_000))
    _seconds(*GROWING[what](1000), counter)  # loads what is loaded once
    assert _seconds(*large, counter) < 0.5 + 8 * _seconds(*small, counter)


def test_a_heading_as_long_as_a_book_is_not_carried_by_every_chunk_below_it(counter: ModelTokenCounter) -> None:
    data = b"# " + b"long " * 10_000 + b"\n\n" + b"A paragraph of some words that fill it.\n\n" * 500
    document = load(Path("a.md"), data)
    draft = prepare(Source("a.md", bytes, lambda: document), b"", counter)
    assert sum(map(len, draft.inputs)) < 3 * len(data)


def test_a_few_wrong_bytes_do_not_garble_the_rest() -> None:
    text = "Größe, Übermaß und Straße. " * 20
    assert load(Path("a.txt"), text.encode() + b"\xff\xfe").text == f"{text}\ufffd\ufffd"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Größe, Übermaß und Straße. " * 20, "cp1252"),
        ("Le café coûte 5 € à Genève, où l’été est très agréable.", "cp1252"),
        ("Smørrebrød på færøsk, ål og øl", "cp1252"),
        ("Příliš žluťoučký kůň úpěl ďábelské ódy.", "cp1250"),
        ("Привет, как дела? Это простой текст для проверки.", "koi8_r"),
        ("日本語の文書です。これは試験です。", "euc_jp"),
    ],
)
def test_old_encodings_are_told_by_how_the_text_reads(text: str, encoding: str) -> None:
    assert load(Path("a.txt"), text.encode(encoding)).text == text.strip()


def test_a_word_of_ten_million_letters_or_a_million_parts_is_cut_up_in_little_memory() -> None:
    assert index_terms("a" * 10_000_000, "en") == []
    assert set(index_terms("a-" * 1_000_000, "")) == {"a"}


def test_a_long_text_has_the_signature_of_its_shingles_whatever_the_batches() -> None:
    terms = [f"word{number % 6000}" for number in range(20_000)]
    assert signature(terms) == signature(terms[:6003])


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-32"])
def test_wide_text_is_read_with_and_without_a_mark(encoding: str) -> None:
    text = "The ferry sails at noon, für 5 € a head."
    assert load(Path("a.txt"), text.encode(encoding)).text == text


def test_a_pdf_without_pages_is_not_called_encrypted_after_one_that_is() -> None:
    with pytest.raises(UnreadableDocument, match="encrypted"):
        load(Path("locked.pdf"), made.pdf("x", password="x"))
    with pytest.raises(UnreadableDocument, match="without pages"):
        load(Path("none.pdf"), made.pdf_of("<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Count 0/Kids[]>>"))


def test_a_header_with_thousands_of_parameters_is_refused_at_once() -> None:
    started = time.process_time()
    with pytest.raises(UnreadableDocument, match=r"'Content-Type' of 1000\d\d characters"):
        load(Path("a.eml"), b"Subject: x\nContent-Type: text/plain; " + b"a=b; " * 20_000 + b"\n\nhello")
    assert time.process_time() - started < 2
