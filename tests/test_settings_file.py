"""A file of settings is read where the environment names it, and what is wrong in it is said in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from cli.main import _unusable_setting
from settings import SETTINGS_FILE, Settings, UnusableSettings, variables


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "own.env"
    monkeypatch.setenv(SETTINGS_FILE, str(path))
    return path


def test_a_file_sets_what_the_environment_does_not(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("# ours\nFOOTNOTE_PASSAGES=7\nFOOTNOTE_FUSION_WEIGHTS='{\"lexical\": 0.5}'\nFOOTNOTE_FUSION_K=30\n")
    monkeypatch.setenv("FOOTNOTE_FUSION_K", "40")
    read = Settings(tenant="given")
    assert (read.passages, read.fusion_weights, read.fusion_k, read.tenant) == (7, {"lexical": 0.5}, 40.0, "given")


def test_variables_with_names_of_their_own_are_read_too(file: Path) -> None:
    assert variables()["database_url"] == ["DATABASE_URL", "FOOTNOTE_DATABASE_URL"]
    file.write_text("DATABASE_URL=postgresql://somewhere/one\n")
    assert Settings().database_url == "postgresql://somewhere/one"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "which cannot be read: No such file"),
        (b"\xff\xfe", "which is not a text in UTF-8"),
        (
            b"FOOTNOTE_PASSAGES=7\nFOOTNOTE_PASSAGE=7\n",
            "Line 2 of the settings .* sets FOOTNOTE_PASSAGE, which",
        ),
        (b"FOOTNOTE_PASSAGES\n", "Line 1 .* cannot be read"),
        (b"a b c\n", "Line 1 .* cannot be read"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_told(file: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UnusableSettings, match=said) as caught:
        Settings()
    assert _unusable_setting(caught.value) == str(caught.value)  # what the command line prints


def test_a_value_beyond_its_limits_is_told_by_its_variable(file: Path) -> None:
    file.write_text("FOOTNOTE_PASSAGES=0\n")
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert _unusable_setting(caught.value).startswith("The setting FOOTNOTE_PASSAGES is unusable ('0')")


@pytest.mark.parametrize("weights", ['{"lexical": -1}', '{"words": 1}', '{"lexical": "NaN"}', "[1]", '{"codes": 1e9}'])
def test_weights_that_are_none_are_refused(weights: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_FUSION_WEIGHTS", weights)
    with pytest.raises(ValueError, match="fusion_weights"):
        Settings()
