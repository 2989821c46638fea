"""Markdown, parsed by markdown-it-py, as clean text with blocks: no mark-up is left in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.loaders.builder import Run, TextBuilder, meaningful_alt
from ingest.loaders.decoding import decode
from ingest.loaders.tables import add_table
from state.documents import ParsedDocument
from text.normalise import clean_text

if TYPE_CHECKING:
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?:[\w -]+:.*\n|[ \t#-].*\n|\n)+?(?:---|\.\.\.)[ \t]*(?:\n|\Z)")
_FRONT_TITLE = re.compile(r"(?m)^title:[ \t]*[\"']?(.+?)[\"']?[ \t]*$")
_TAG = re.compile(r"<[^>]*>")
_BREAK = re.compile(r"(?i)<br\s*/?>")
_SLIDE = re.compile(r"<!-- Slide number: (\d+) -->")
_DEFINITION = re.compile(r"^:\s+")


def load_markdown(path: Path, data: bytes) -> ParsedDocument:
    """Load a Markdown file; a title in its front matter counts as metadata."""
    source = clean_text(decode(data, path.name))
    title = ""
    front = _FRONT_MATTER.match(source)
    if front:
        source = source[front.end() :]
        stated = _FRONT_TITLE.search(front.group())
        title = stated.group(1) if stated else ""
    builder = TextBuilder()
    add_markdown(builder, source)
    return builder.document(path, "text/markdown", title)


def add_markdown(builder: TextBuilder, source: str, *, keep_lines: bool = False) -> None:
    """Append the blocks of Markdown text. ``keep_lines`` makes each line of a paragraph a block (slides)."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    _Writer(builder, keep_lines).write(parser.parse(source))


class _Writer:
    """Walks markdown-it's flat token list and appends blocks."""

    def __init__(self, builder: TextBuilder, keep_lines: bool) -> None:
        self.builder = builder
        self.keep_lines = keep_lines
        self.lists: list[int | None] = []
        self.bullet: str | None = None
        self.rows: list[list[list[Run]]] = []
        self.in_table = False

    def write(self, tokens: Sequence[Token]) -> None:
        level = 0
        for token in tokens:
            match token.type:
                case "heading_open":
                    level = int(token.tag[1])
                case "heading_close":
                    level = 0
                case "inline":
                    self._inline(token, level)
                case "fence" | "code_block":
                    self.builder.add_code(token.content)
                case "html_block":
                    self._html(token.content)
                case _:
                    self._list(token) if "list" in token.type else self._table(token)

    def _list(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open":
                self.lists.append(None)
            case "ordered_list_open":
                self.lists.append(int(token.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                self.lists.pop()
            case "list_item_open":
                number = self.lists[-1]
                self.bullet = "" if number is None else f"{number}{token.markup} "
                if number is not None:
                    self.lists[-1] = number + 1
            case "list_item_close":
                self.bullet = None

    def _table(self, token: Token) -> None:
        match token.type:
            case "table_open":
                self.rows, self.in_table = [], True
            case "tr_open":
                self.rows.append([])
            case "table_close":
                self.in_table = False
                named = any(text.strip() for cell in self.rows[0] for text, _ in cell)
                add_table(self.builder, self.rows, header=True if named else None)

    def _inline(self, token: Token, level: int) -> None:
        runs = _runs(token.children or [], "\n" if self.keep_lines else " ")
        if self.in_table:
            self.rows[-1].append(runs)
        elif level:
            self.builder.add("heading", runs, level)
        elif self.bullet is not None:
            self.builder.add("list_item", [(self.bullet, ""), *runs] if runs else [])
            self.bullet = None
        else:
            lines = _lines(runs) if self.keep_lines else [_definition(runs)]
            for line in lines:
                self.builder.add("list_item" if len(lines) > 1 else "paragraph", line)

    def _html(self, content: str) -> None:
        slide = _SLIDE.match(content)
        if slide:
            self.builder.start_page(int(slide.group(1)))
        elif _TAG.sub("", content).strip():
            from ingest.loaders.html import add_html, parse_html

            add_html(self.builder, parse_html(content))


def _runs(children: Sequence[Token], soft_break: str) -> list[Run]:
    runs: list[Run] = []
    target = ""
    for child in children:
        match child.type:
            case "text" | "code_inline":
                runs.append((child.content, target))
            case "softbreak":
                runs.append((soft_break, target if soft_break == " " else ""))
            case "hardbreak":
                runs.append(("\n", ""))
            case "link_open":
                target = str(child.attrs.get("href", ""))
            case "link_close":
                target = ""
            case "image" if meaningful_alt(child.content):
                runs.append((f" {child.content} ", target))
            case "html_inline" if _BREAK.match(child.content):
                runs.append(("\n", ""))
            case _:
                pass
    return runs


def _lines(runs: Sequence[Run]) -> list[list[Run]]:
    lines: list[list[Run]] = [[]]
    for run in runs:
        if run[0] == "\n":
            lines.append([])
        else:
            lines[-1].append(run)
    return lines


def _definition(runs: list[Run]) -> list[Run]:
    """Write a definition-list pair, which reads ``term`` / ``: meaning``, as ``term: meaning``."""
    for index, (text, target) in enumerate(runs):
        if index and _DEFINITION.match(text) and not runs[index - 1][0].strip():
            return [*runs[: index - 1], (_DEFINITION.sub(": ", text), target), *runs[index + 1 :]]
    return runs
