"""Where cited characters stand on a page: found among the page's own characters, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple
from unicodedata import bidirectional, normalize

Box = tuple[float, float, float, float]
"""Left, bottom, right and top, in points from the bottom left of the page."""
LEAST_FOUND = 0.6
"""Share of the characters of text or page, whichever are fewer, below which they are not taken for the same line."""
_LEFTWARD = frozenset({"R", "AL", "AN"})


class CitedLine(NamedTuple):
    """A line of a page: its box, its stored text, and which of its characters are cited (the end exclusive)."""

    box: Box
    text: str
    first: int
    last: int


class _Character(NamedTuple):
    letter: str
    box: Box


def mark_boxes(textpage: Any, lines: Sequence[CitedLine]) -> list[Box]:
    """Return a box for each line around what is cited of it; the page is only read where a line is parted."""
    parted = [line for line in lines if line.text[line.first : line.last].strip() != line.text.strip()]
    page = _characters(textpage) if parted else []
    boxes = []
    for line in lines:
        box = line.box if line not in parted else (_found(page, line) or _by_share(line))
        boxes.append(box)
    return boxes


def _characters(textpage: Any) -> list[_Character]:
    """Return what is seen on a page in pdfium's order; a ligature gives several characters of one box."""
    import pypdfium2.raw as raw

    found = []
    for index in range(textpage.count_chars()):
        code = raw.FPDFText_GetUnicode(textpage, index)
        letters = _letters(chr(code)) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else ""
        if letters:
            box = textpage.get_charbox(index)
            found += [_Character(letter, box) for letter in letters]
    return found


def _letters(text: str) -> str:
    return "".join(normalize("NFKC", text).split())


def _found(page: Sequence[_Character], line: CitedLine) -> Box | None:
    """Return the box around the cited characters as they stand in the line's box, None if they are not to be found."""
    here = [character for character in page if _is_inside(character.box, line.box)]
    wanted, owners = [], []
    for place, character in enumerate(line.text):
        for letter in _letters(character):
            wanted.append(letter)
            owners.append(place)
    matcher = SequenceMatcher(None, wanted, [character.letter for character in here], autojunk=False)
    blocks = matcher.get_matching_blocks()
    # Of a table's row the stored text says its columns' heads too, which stand elsewhere on the page.
    if sum(block.size for block in blocks) < LEAST_FOUND * max(min(len(wanted), len(here)), 1):
        return None
    boxes = [
        here[block.b + step].box
        for block in blocks
        for step in range(block.size)
        if line.first <= owners[block.a + step] < line.last
    ]
    if not boxes:
        return None
    # As high as the line is, so that what is marked over several lines is even.
    return min(box[0] for box in boxes), line.box[1], max(box[2] for box in boxes), line.box[3]


def _is_inside(box: Box, line: Box) -> bool:
    across, up = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return line[0] - 1 <= across <= line[2] + 1 and line[1] - 1 <= up <= line[3] + 1


def _by_share(line: CitedLine) -> Box:
    """Return the part of the line's box that the cited characters' share of its text makes up."""
    left, bottom, right, top = line.box
    width, count = right - left, max(len(line.text), 1)
    first, last = line.first / count, line.last / count
    if any(bidirectional(character) in _LEFTWARD for character in line.text):
        first, last = 1 - last, 1 - first
    return left + first * width, bottom, left + last * width, top
