"""From visual lines to paragraphs, headings and list items."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from ingest.loaders.pdf_columns import middle
from ingest.loaders.pdf_hyphens import joined
from ingest.loaders.pdf_labels import written_tables
from ingest.loaders.pdf_lines import Line, PageLines
from state.documents import BlockKind

_BULLET = re.compile(r"^(?:[•◦▪■●○‣∙·►➢✓❑o]|[-–*])\s+(?=\S)")
_NUMBERED_ITEM = re.compile(r"^(?:\(?(?:\d{1,2}|[a-zA-Z]|[ivx]{1,5})[.)]|\[\d+\])\s+\S")
_NUMBERED_HEADING = re.compile(
    r"^(?:(?:section|chapter|appendix|article)\s+)?((?:\d{1,2}|[A-Z])(?:\.\d{1,2}){0,4})\.?\s+[^\W\d]"
)
_SENTENCE_END = re.compile(r"[.!?:;。！？…][\"'”’)\]]*$")
_WORD = re.compile(r"[^\W\d_]{2,}")
_NEVER_HEADING = re.compile(r"^[•◦▪■●○‣∙·►➢✓❑]|^\(?\d+[.)]\s+[a-z]|:\s+\S*\d|^[\W\d]*$|^[^\w\s]{4}")
_MAX_HEADING = 150
_LARGER = 1.12


@dataclass(slots=True)
class Paragraph:
    """Lines that belong together; ``row`` holds the text of a table row as it is written, its header named."""

    lines: list[Line]
    kind: BlockKind = "paragraph"
    level: int = 0
    row: str = ""

    @property
    def text(self) -> str:
        """Its lines joined by blanks."""
        return " ".join(line.text for line in self.lines)

    def written(self, words: Collection[str]) -> Iterator[tuple[Line, str, str]]:
        """Yield each line, its text as written, and what joins it to the next: a blank, or nothing within a word.

        ``words`` are the document's, which tell how a word that a line end parts is spelt.
        """
        if self.row:
            yield self.lines[0], self.row, ""
            return
        for index, line in enumerate(self.lines):
            content = line.text
            if index == 0 and self.kind == "list_item":
                content = _BULLET.sub("", content)
            if index + 1 == len(self.lines):
                yield line, content, ""
            else:
                yield line, *joined(content, self.lines[index + 1].text, words)


def paragraphs(pages: Sequence[PageLines], words: Collection[str]) -> list[Paragraph]:
    """Return a document's blocks in reading order; a sentence that runs over a page break stays one paragraph.

    ``words`` are the document's, as for `Paragraph.written`.
    """
    leading = _leading(pages)
    found: list[Paragraph] = []
    for page, tables in zip(pages, written_tables(pages, words), strict=True):
        previous: Line | None = None
        for index, line in enumerate(page.lines):
            if index in tables:
                found += [_of_table(place, row) for place, row in tables[index]]
                previous = None
                continue
            if (previous is not None and _continues(previous, line, found[-1], leading)) or (
                index == 0 and found and _runs_over(found[-1], line)
            ):
                found[-1].lines.append(line)
            else:
                found.append(Paragraph([line]))
            previous = line
    _classify(found, _body_size(pages), _mostly_bold(pages))
    return found


def _of_table(place: Line, row: str) -> Paragraph:
    return Paragraph([place], "table_row" if row else "paragraph", row=row)


def _body_size(pages: Sequence[PageLines]) -> float:
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page.lines:
            sizes[line.size] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _mostly_bold(pages: Sequence[PageLines]) -> bool:
    weights = [(line.bold, len(line.text)) for page in pages for line in page.lines]
    return 2 * sum(n for bold, n in weights if bold) > sum(n for _, n in weights)


def _leading(pages: Sequence[PageLines]) -> dict[float, float]:
    """Return the usual distance from line to line for each type size, in points."""
    steps: dict[float, list[float]] = {}
    for page in pages:
        for above, below in zip(page.lines, page.lines[1:], strict=False):
            step = middle(above) - middle(below)
            if above.size == below.size and 0 < step < 3 * max(above.size, 1):
                steps.setdefault(above.size, []).append(step)
    return {size: median(values) for size, values in steps.items()}


def _continues(above: Line, line: Line, part: Paragraph, leading: dict[float, float]) -> bool:
    text = line.text
    if _starts_item(text) or abs(above.size - line.size) > 0.12 * max(above.size, line.size):
        return False
    ended = bool(_SENTENCE_END.search(above.text))
    if above.bold != line.bold and (ended or not text[0].islower()):
        return False
    step = middle(above) - middle(line)
    usual = leading.get(line.size) or line.size * 1.2
    if not 0 < step <= 1.3 * max(usual, line.size * 0.9) + 1 or not _overlap(above, line):
        return False
    indent = line.box[0] - above.box[0]
    begins = ended or not text[0].islower()
    if begins and indent > 0.8 * line.size and len(part.lines) > 1 and not _starts_item(part.lines[0].text):
        return False
    edge = max(line.box[2], *(other.box[2] for other in part.lines))
    short = edge - above.box[2] > max(0.25 * (edge - above.box[0]), 3 * line.size)
    return not (short and (ended or text[0].isupper() or not text[0].isalpha()))


def _overlap(above: Line, line: Line) -> bool:
    shared = min(above.box[2], line.box[2]) - max(above.box[0], line.box[0])
    return shared > 0.3 * min(above.box[2] - above.box[0], line.box[2] - line.box[0])


def _starts_item(text: str) -> bool:
    return bool(_BULLET.match(text) or _NUMBERED_ITEM.match(text))


def _runs_over(part: Paragraph, line: Line) -> bool:
    """Say whether the first line of a page goes on with the last paragraph of the page before."""
    last = part.lines[-1]
    same_type = abs(last.size - line.size) <= 0.5 and last.bold == line.bold
    return (
        part.kind == "paragraph"
        and same_type
        and not _SENTENCE_END.search(last.text)
        and line.text[:1].islower()
        and not _starts_item(line.text)
    )


def _classify(found: list[Paragraph], body: float, bold_body: bool) -> None:
    """Set kinds and heading levels: levels by number where there is one, else by type size."""
    for part in found:
        if part.kind == "table_row":
            continue
        if _is_heading(part, body, bold_body):
            part.kind = "heading"
        elif _starts_item(part.text):
            part.kind = "list_item"
    sizes = sorted({part.lines[0].size for part in found if part.kind == "heading"}, reverse=True)
    for part in found:
        if part.kind == "heading":
            part.level = _level(part, sizes, body)


def _is_heading(part: Paragraph, body: float, bold_body: bool) -> bool:
    text = part.text
    if len(text) > _MAX_HEADING or len(part.lines) > 3 or not _WORD.search(text) or _NEVER_HEADING.search(text):
        return False
    line = part.lines[0]
    if line.size > _LARGER * body and not text.endswith((",", ";")):
        return True
    bold = all(line.bold for line in part.lines) and not bold_body
    if _SENTENCE_END.search(text) and not (bold and text.endswith(":")):
        return False
    return bold or (line.size >= 0.98 * body and _is_numbered_heading(part))


def _is_numbered_heading(part: Paragraph) -> bool:
    """Say whether a plain line is a heading by its number alone: ``4.2 Returns``, not ``1. first item``."""
    match = _NUMBERED_HEADING.match(part.text)
    if not match or len(part.lines) > 1 or len(part.text) > 80:
        return False
    return "." in match.group(1) and part.text[match.end() - 1].isupper()


def _level(part: Paragraph, sizes: Sequence[float], body: float) -> int:
    numbered = _NUMBERED_HEADING.match(part.text)
    larger = [size for size in sizes if size > _LARGER * body]
    rank = larger.index(part.lines[0].size) + 1 if part.lines[0].size in larger else len(larger) + 1
    if numbered and "." in numbered.group(1):
        return min(6, max(2, numbered.group(1).count(".") + 2 if larger else numbered.group(1).count(".") + 1))
    return min(6, rank)
