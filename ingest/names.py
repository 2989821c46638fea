"""What a document can be referred to by, and what it refers to: the ends of the link graph."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from ingest.matching import NameMatcher
from state.documents import Block, Chunk, Mention, Name, NameKind, ParsedDocument
from text.normalise import name_key

__all__ = ["NameMatcher", "cross_references", "mentions_of", "names_of"]

MAX_KEY = 120
_MAX_HEADING_WORDS = 12

_PARTS = {
    "section": "section|sect?\\.|§+|abschnitt|sección|sezione|seção",
    "chapter": "chapter|chap\\.|kapitel|chapitre|capítulo|capitolo",
    "appendix": "appendix|annex|anhang|annexe|anexo|allegato",
    "article": "article|art\\.|artikel|artículo|articolo|artigo",
    "clause": "clause",
    "schedule": "schedule",
    "exhibit": "exhibit",
    "table": "table|tabelle|tableau|tabla|tabella|tabela",
    "figure": "figure|fig\\.|abbildung|abb\\.|figura",
}
_NUMBER = r"\d{1,3}(?:\.\d{1,3}){0,4}[a-z]?(?![\w%])|[A-Z](?:\.\d{1,3}){0,3}(?![\w'’])"
_REFERENCE = re.compile(
    r"(?<!\w)(?P<part>(?i:" + "|".join(_PARTS.values()) + r"))s?\s*(?P<numbers>(?:" + _NUMBER + r")"
    r"(?:\s*(?:,|and|or|und|et|y|e)\s+(?:" + _NUMBER + r"))*)"
)
_ONE_NUMBER = re.compile(_NUMBER)
_LETTERED = ("appendix", "schedule", "exhibit")
_SEE_QUOTED = re.compile(
    r"\b(?:see|cf\.|refer to|described in|siehe|voir|véase)\s+(?:also\s+)?[\"“„«](.{3,80}?)[\"”“»]", re.I
)
_URL = re.compile(r"https?://[^\s<>\"'()\[\]]+[^\s<>\"'()\[\].,;:!?]")
_HEADING_NUMBER = re.compile(
    r"^(?:(?P<part>" + "|".join(_PARTS.values()) + r")\s*)?(?P<number>\d{1,3}(?:\.\d{1,3}){0,4}|[A-Z](?=[.:)\s]))[.:)]?"
    r"(?:\s*[-–—:]\s*|\s+|$)",
    re.I,
)
_CAPTION = re.compile(
    r"^(?P<part>table|figure|fig\.|tabelle|tableau|tabla|abbildung|figura)\s*(?P<number>\d[\d.]*\d|\d)", re.I
)
_CODE = re.compile(r"(?<![\w-])(?=[A-Z\-_/.]{0,24}\d)[A-Z][A-Z0-9]{0,15}+(?:[-_/.][A-Z0-9]{1,16}+){0,5}+(?![\w-])")
_DEFINED = re.compile(
    r"[\"“„](?P<term>[^\"“”„\n]{2,60})[\"”“](?:\s*\([^)\n]{1,40}\))?\s+"
    r"(?:shall\s+mean|means?|refers?\s+to|is\s+defined\s+as|has\s+the\s+meaning|denotes|bedeutet|bezeichnet)\b"
)
_HEREINAFTER = re.compile(
    r"\((?:(?:the|each,?\s+an?|an?|collectively,?\s+the|hereinafter(?:\s+referred\s+to\s+as)?|together,?\s+the|nachfolgend|"
    r"im Folgenden)\s+)*[\"“„](?P<term>[^\"“”„\n]{2,60})[\"”“]\)"
)
_ACRONYM = re.compile(r"(?<![\w-])(?P<words>(?:[A-Za-z][\w&’']{0,24}+[ -]){2,8}+)\((?P<term>[A-Z][A-Z0-9&-]{1,9})s?\)")
_LABELLED = re.compile(r"^(?P<term>[^\W\d_][^\n.:;–—?!]{1,50}?)(?::| [–—-]) +(?=(?:\S+ +){3})")
_GENERIC_WORDS = (
    "abstract about acknowledgements acknowledgments advantages agenda answer answers appendix applications "
    "approach aims background basics benefits bibliography biography career caution chapter code comments "
    "conclusion conclusions contact content contents data day definition definitions description details "
    "disadvantages discussion early example examples exercise exercises experiments faq faqs feature features "
    "figure footnotes further future general glossary goals hint history home how important index information "
    "installation introduction issue issues item items key legacy life limitations links list main menu method "
    "methods methodology miscellaneous motivation name news next note notes objective objectives other others "
    "outline outlook overview page part personal phase preface prerequisites problem problems procedure purpose q "
    "question questions quick quiz reading reception recommendations reference references related remarks "
    "requirements resources result results scope section see setup slide solution solutions sources start step "
    "steps structure summary support table terms text tip tips title todo tools topics tutorial types usage use "
    "version videos warning warnings what why work works einleitung einführung zusammenfassung inhalt "
    "inhaltsverzeichnis fazit überblick hinweis literatur anhang introducción resumen contenido conclusiones "
    "sommaire résumé contexte sheet1 sheet2 sheet3 "
)
_GENERIC = frozenset(_GENERIC_WORDS.split())
_FUNCTION_WORDS = "a an and as at by de der des die for from in into is la le of on or our the this to und with your "
_FUNCTION = frozenset(_FUNCTION_WORDS.split())


def names_of(document: ParsedDocument, chunks: Sequence[Chunk]) -> list[Name]:
    """Return what a document can be referred to by, each key once, the title first.

    Headings count if they are distinctive, numbered ones also by their number; then defined terms and acronyms, codes
    where they are introduced, and captions of tables and figures.
    """
    found: dict[str, Name] = {}
    starts = [chunk.start for chunk in chunks]

    def add(kind: NameKind, name: str, position: int | None) -> None:
        key = name_key(name)
        if key and len(key) <= MAX_KEY and key not in found:
            ordinal = None if position is None else _chunk_from(chunks, starts, position)
            found[key] = Name(kind, key, ordinal)

    add("title", document.title, None)
    for match in _CODE.finditer(document.title):
        add("identifier", match.group(), None)
    for block in document.blocks:
        content = document.text[block.start : block.end]
        for kind, name, offset in _heading_names(content) if block.kind == "heading" else _body_names(content, block):
            add(kind, name, block.start + offset)
    return list(found.values())


def mentions_of(document: ParsedDocument, chunks: Sequence[Chunk]) -> list[Mention]:
    """Return the hyperlinks and cross-references of each chunk, each once.

    The key of a hyperlink is its target as written; that of a cross-reference is a name of the same document.
    """
    starts = [chunk.start for chunk in chunks]
    found: dict[Mention, None] = {}
    for link in document.hyperlinks:
        ordinal = _chunk_from(chunks, starts, link.start)
        if ordinal is not None and not link.target.lower().startswith(("mailto:", "javascript:", "tel:", "data:")):
            found[Mention(ordinal, "hyperlink", link.target)] = None
    for chunk in chunks:
        content = document.text[chunk.start : chunk.end]
        for match in _URL.finditer(content):
            found[Mention(chunk.ordinal, "hyperlink", match.group())] = None
        for reference in cross_references(content):
            found[Mention(chunk.ordinal, "cross_reference", name_key(reference))] = None
    return list(found)


def cross_references(text: str) -> Iterator[str]:
    """Yield what a text refers to by number or in quotation marks: ``section 4.2``, ``table 3``."""
    for match in _REFERENCE.finditer(text):
        part = _canonical(match.group("part"))
        for number in _ONE_NUMBER.finditer(match.group("numbers")):
            if number.group()[0].isdigit() or part in _LETTERED:
                yield f"{part} {number.group()}"
    for match in _SEE_QUOTED.finditer(text):
        yield match.group(1).strip(" .,;")


def _chunk_from(chunks: Sequence[Chunk], starts: Sequence[int], position: int) -> int | None:
    """Return the ordinal of the chunk that holds a position, else of the next one after it."""
    index = max(0, bisect_right(starts, position) - 1)
    while index < len(chunks) and chunks[index].end <= position:
        index += 1
    return chunks[index].ordinal if index < len(chunks) else None


def _heading_names(heading: str) -> Iterator[tuple[NameKind, str, int]]:
    name = " ".join(heading.split())
    numbered = _HEADING_NUMBER.match(name)
    if numbered:
        part, number = numbered.group("part"), numbered.group("number").upper()
        if part or number[0].isdigit():
            yield "heading", f"{_canonical(part) if part else 'section'} {number}", 0
            name = name[numbered.end() :]
    if _distinctive(name):
        yield "heading", name, 0
    for match in _CODE.finditer(heading):
        yield "identifier", match.group(), 0


def _distinctive(heading: str) -> bool:
    """Say whether a heading tells this text from others: more than common words, not a sentence, not a date."""
    words = [word.casefold() for word in re.findall(r"[^\W_]+", heading)]
    telling = [word for word in words if word not in _GENERIC and word not in _FUNCTION and not word.isdigit()]
    return bool(telling) and any(len(word) > 2 for word in telling) and len(words) <= _MAX_HEADING_WORDS


def _body_names(content: str, block: Block) -> Iterator[tuple[NameKind, str, int]]:
    caption = _CAPTION.match(content)
    if caption and block.kind != "table_row":
        yield "identifier", f"{_canonical(caption.group('part'))} {caption.group('number')}", 0
    for pattern in (_DEFINED, _HEREINAFTER):
        for match in pattern.finditer(content):
            yield "term", match.group("term").strip(" ,;."), match.start()
    for match in _ACRONYM.finditer(content):
        if _abbreviates(match.group("term"), match.group("words")):
            yield "term", match.group("term"), match.start()
    if block.kind in ("paragraph", "list_item"):
        labelled = _LABELLED.match(content)
        if labelled and _is_term(labelled.group("term")):
            yield "term", labelled.group("term"), 0
    code = _CODE.search(content, 0, len(content) if block.kind == "table_row" else MAX_KEY)
    if code and _introduced(content, code, block):
        yield "identifier", code.group(), code.start()


def _introduced(content: str, code: re.Match[str], block: Block) -> bool:
    """Say whether a code is introduced here: first in its block, or the whole first cell of a table row."""
    if block.kind == "table_row":
        cell = content.split("; ", 1)[0]
        return cell.rsplit(": ", 1)[-1] == code.group()
    follows = content[code.end() : code.end() + 1]
    return block.kind != "code" and code.start() == 0 and (not follows or follows in " :,)–—(") and "-" in code.group()


def _abbreviates(acronym: str, words: str) -> bool:
    initials = "".join(word[0] for word in re.split(r"[\s-]+", words.strip()) if word).casefold()
    return initials.endswith("".join(c for c in acronym if c.isalpha()).casefold())


def _is_term(label: str) -> bool:
    words = [word.casefold() for word in re.findall(r"[^\W_]+", label)]
    return 0 < len(words) <= 5 and words[0] not in _GENERIC and words[0] not in _FUNCTION and label[0].isupper()


def _canonical(part: str) -> str:
    return next(name for name, spellings in _PARTS.items() if re.fullmatch(spellings, part, re.I))
