from __future__ import annotations

import os
from pathlib import Path

import pytest

from ingest.sources import Found, find_sources
from state.errors import UnreadableDocument


def _find(*paths: Path | str, max_bytes: int = 1000) -> Found:
    return find_sources([os.fspath(path) for path in paths], max_bytes=max_bytes)


def _names(found: Found, root: Path) -> list[str]:
    return [os.path.relpath(source.uri, root) for source in found.sources]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "docs"
    for name in ("a.md", "sub/b.txt", "sub/deeper/c.html"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def test_a_folder_gives_all_its_files_once_in_order(folder: Path) -> None:
    found = _find(folder, folder / "sub", folder / "a.md")
    assert _names(found, folder) == ["a.md", "sub/b.txt", "sub/deeper/c.html"]
    assert found.roots == [str(folder), str(folder / "sub"), str(folder / "a.md")]
    assert found.failed == []


def test_hidden_files_folders_and_editor_leftovers_are_skipped(folder: Path) -> None:
    for name in (".hidden.md", ".git/config", "a.md~", "~$a.docx", "sub/Thumbs.db"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")
    assert _names(_find(folder), folder) == ["a.md", "sub/b.txt", "sub/deeper/c.html"]


def test_links_to_folders_are_not_followed_and_loops_end(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("x")
    (folder / "link").symlink_to(outside)
    (folder / "sub" / "loop").symlink_to(folder)
    assert _names(_find(folder), folder) == ["a.md", "sub/b.txt", "sub/deeper/c.html"]
    assert _names(_find(folder / "**"), folder) == ["a.md", "sub/b.txt", "sub/deeper/c.html"]
    assert _names(_find(folder / "*"), folder) == ["a.md", "sub/b.txt", "sub/deeper/c.html"]
    assert _names(_find(folder / "link"), folder) == ["link/secret.txt"], "asked for by name, it is read"


def test_a_glob_matches_files_and_its_folder_is_no_root(folder: Path) -> None:
    found = _find(folder / "sub" / "*.txt")
    assert _names(found, folder) == ["sub/b.txt"]
    assert found.roots == [str(folder / "sub" / "b.txt")]
    assert _find(folder / "*.pdf").failed == [(str(folder / "*.pdf"), "nothing matches this pattern")]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(folder: Path) -> None:
    (folder / "notes[1].md").write_text("x")
    assert _names(_find(folder / "notes[1].md"), folder) == ["notes[1].md"]


def test_a_missing_path_is_named_and_is_no_root(folder: Path) -> None:
    found = _find(folder / "nowhere.md", folder / "a.md", "x" * 5000)
    assert [reason for _, reason in found.failed] == ["there is no such file or folder"] * 2
    assert found.roots == [str(folder / "a.md")]


def test_the_same_file_has_one_uri_however_it_is_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "sub")
    monkeypatch.setenv("HOME", str(folder))
    found = _find("../a.md", folder / "a.md", "./../sub/../a.md", "~/a.md", "~/*.md")
    assert [source.uri for source in found.sources] == [str(folder / "a.md")]


def test_a_folder_that_cannot_be_listed_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = os.scandir

    def refuse(path: str) -> object:
        if os.fspath(path).endswith("deeper"):
            raise PermissionError(13, "Permission denied", path)
        return listed(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = _find(folder)
    assert _names(found, folder) == ["a.md", "sub/b.txt"]
    assert found.failed == [(str(folder / "sub/deeper"), "the folder cannot be read: Permission denied")]


def test_odd_names_are_kept_and_undecodable_ones_are_named(folder: Path) -> None:
    odd = ["with space.md", "línea\nnueva.md", "名前.md"]
    for name in odd:
        (folder / name).write_text("x")
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.md")).write_text("x")
    found = _find(folder)
    assert set(odd) <= set(_names(found, folder))
    assert found.failed == [(f"{folder}/caf\\xe9.md", "its name is not valid UTF-8: rename it")]


def test_pipes_large_files_and_vanished_files_are_refused_without_waiting(folder: Path) -> None:
    os.mkfifo(folder / "pipe.txt")
    (folder / "large.txt").write_text("x" * 1001)
    (folder / "broken.txt").symlink_to(folder / "nothing")
    found = _find(folder)
    (folder / "a.md").unlink()
    reasons: dict[str, str] = {}
    for source in found.sources:
        for read in (source.content_hash, source.parse):
            try:
                read()
            except UnreadableDocument as error:
                reasons.setdefault(os.path.basename(source.uri), str(error))
    assert set(reasons) == {"pipe.txt", "large.txt", "broken.txt", "a.md"}
    assert "pipe" in reasons["pipe.txt"]
    assert "FOOTNOTE_MAX_FILE_MB" in reasons["large.txt"]
    assert "No such file" in reasons["a.md"]
