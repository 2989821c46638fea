from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli.main import app
from evals.fidelity import common_words, evaluate_fidelity, fidelity_of
from evals.fidelity_words import expected_words, words
from evals.sets.beir import UnreadableSet
from ingest.loaders import load

FILES = Path(__file__).parents[1] / "fixtures" / "files"
FLOORS = {  # the least share of the expected words that are stored in order, over each format's files
    "text": 0.99, "markdown": 0.99, "asciidoc": 0.99, "csv": 0.99, "json": 0.99, "email": 0.99, "html": 0.97,
    "docx": 0.97, "epub": 0.99, "odf": 0.97, "pdf": 0.95, "pptx": 0.95, "xlsx": 0.93,
}  # fmt: skip
PRECISION = {"pptx": 0.5, "html": 0.9, "odf": 0.9}  # stored, not expected: speaker's notes, charts' figures


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    return evaluate_fidelity(FILES)


@pytest.mark.parametrize("kind", FLOORS)
def test_a_real_file_of_each_format_is_stored_as_its_reader_sees_it(measured: dict[str, Any], kind: str) -> None:
    row = measured["formats"][kind]
    assert row["in_order"] >= FLOORS[kind], row
    assert row["precision"] >= PRECISION.get(kind, 0.95), row


def test_every_format_has_a_floor_and_every_file_is_read(measured: dict[str, Any]) -> None:
    assert set(measured["formats"]) == set(FLOORS)
    assert measured["unread"] == {}


def share(name: str, text: str, markdown: str) -> tuple[float, float, float]:
    result = fidelity_of(name, "", load(Path(name), text.encode()), markdown)
    return result.in_order, result.present, result.precision


def test_what_is_lost_moved_or_told_twice_costs() -> None:
    expected = "One two three four.\n\nFive six seven eight."
    assert share("a.txt", "One two three four.\n\nFive six seven eight.", expected) == (1, 1, 1)
    assert share("a.txt", "One two three four.", expected) == (0.5, 0.5, 1)
    assert share("a.txt", "Five six seven eight.\n\nOne two three four.", expected) == (0.5, 1, 0.5)
    assert share("a.txt", f"{expected}\n\n{expected}", expected) == (1, 1, 0.5)


def test_names_of_columns_before_each_cell_count_once() -> None:
    table = "| Part | Price |\n|---|---|\n| KX | 5 |\n| KY | 6 |\n"
    assert share("a.csv", "Part,Price\nKX,5\nKY,6\n", table) == (1, 1, 1)


def test_mark_up_is_no_text() -> None:
    source = "# **Pay** [here](x.html) <!-- image -->\n\n- 1.2 a\\_b\n\n$$\\frac{a}{b}$$\n\n[author: Ann]: why?\n"
    assert expected_words(source)[0] == ["pay", "here", "1", "2", "a", "b", "a", "b"]


def test_scripts_without_blanks_are_compared_sign_by_sign() -> None:
    assert words("東京R2") == ["東", "京", "r", "2"]


def reference(one: list[str], other: list[str]) -> int:
    lengths = [0] * (len(other) + 1)
    for word in one:
        before = 0
        for index, against in enumerate(other, 1):
            above = lengths[index]
            lengths[index] = before + 1 if word == against else max(above, lengths[index - 1])
            before = above
    return lengths[-1]


WORDS = st.lists(st.sampled_from("abcd"), max_size=20)


@given(WORDS, WORDS)
def test_common_words_are_the_longest_common_subsequence(one: list[str], other: list[str]) -> None:
    assert common_words(one, other) == reference(one, other)


def test_a_file_that_cannot_be_read_counts_as_nothing_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4 rubbish")
    (tmp_path / "a.pdf.expected.md").write_text("Words.")
    result = evaluate_fidelity(tmp_path)
    assert result["formats"]["pdf"]["in_order"] == 0
    assert "damaged PDF" in result["unread"]["a.pdf"]


def test_a_folder_without_expected_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSet, match=r"expected\.md"):
        evaluate_fidelity(tmp_path)
    (tmp_path / "gone.pdf.expected.md").write_text("Words.")
    with pytest.raises(UnreadableSet, match=r"gone\.pdf"):
        evaluate_fidelity(tmp_path)


def test_the_command_shows_each_format_and_the_worst_files(tmp_path: Path) -> None:
    (tmp_path / "[b].txt").write_text("Some words.")
    (tmp_path / "[b].txt.expected.md").write_text("Some other words.")
    shown = CliRunner().invoke(app, ["eval", "fidelity", str(tmp_path)])
    assert shown.exit_code == 0, shown.output
    assert "text" in shown.output and "[b].txt 0.6667" in shown.output
    given_json = CliRunner().invoke(app, ["eval", "fidelity", str(tmp_path), "--json"])
    assert json.loads(given_json.output)["formats"]["text"]["least"] == 0.6667
