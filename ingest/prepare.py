"""From a source to a document ready to be stored, all but its vectors."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ingest.names import mentions_of, names_of
from ingest.splitter import split
from ingest.upload_names import UPLOAD
from state.documents import Chunk, ParsedDocument, Source
from state.errors import UnreadableDocument
from state.evidence import embedding_context
from state.ports import TokenCounter, Vectors
from store.duplicates import signature
from store.writing import PreparedDocument
from text.injection import is_order, orders
from text.languages import detect_language
from text.tokens import index_terms

SPLITTER_VERSION = "3"  # raise it when the same text gives other chunks or names: files are read again then


@dataclass(frozen=True, slots=True)
class Draft:
    """A parsed, split and indexed document whose chunks (``inputs``, one text each) are still to be embedded."""

    document: PreparedDocument
    inputs: tuple[str, ...]

    def with_vectors(self, vectors: Vectors) -> PreparedDocument:
        """Return the document with its chunk vectors, shape (chunks, dimension)."""
        return replace(self.document, vectors=vectors)


def prepare(source: Source, content_hash: bytes, counter: TokenCounter) -> Draft:
    """Parse, split and index a source. Raises `UnreadableDocument`."""
    parsed = source.parse()
    language = detect_language(parsed.text)
    chunks = _quarantined(parsed, split(parsed, counter, language))
    if not chunks:
        raise UnreadableDocument(f"{source.uri} holds no text.")
    contexts = [embedding_context(parsed.title, chunk.headings) for chunk in chunks]
    texts = [parsed.text[chunk.start : chunk.end] for chunk in chunks]
    inputs = tuple(f"{context}\n{text}" if context else text for context, text in zip(contexts, texts, strict=True))
    document = PreparedDocument(
        source=source.uri,
        type=_type(source, parsed),
        title=parsed.title,
        language=language,
        text=parsed.text,
        content_hash=content_hash,
        size=source.size,
        modified=source.modified,
        tags=source.tags,
        pages=parsed.pages,
        chunks=tuple(chunks),
        chunk_terms=_terms(inputs, language),
        names=tuple(names_of(parsed, chunks)),
        mentions=tuple(mentions_of(parsed, chunks)),
        minhash=signature(_terms_of_text(parsed.text)),
        vectors=np.empty((0, 0), dtype=np.float32),
    )
    return Draft(document, inputs)


def _quarantined(parsed: ParsedDocument, chunks: Sequence[Chunk]) -> Sequence[Chunk]:
    """Mark the chunks that give orders to whoever reads them by machine: in a sentence, a heading, or the title."""
    lines = {parsed.title, *(heading for chunk in chunks for heading in chunk.headings)}
    bad_lines = {line for line in lines if is_order(line)}
    bad = orders(parsed.text, [span for chunk in chunks for span in chunk.sentences])
    if not bad and not bad_lines:
        return chunks
    return [
        replace(
            chunk,
            quarantined=parsed.title in bad_lines
            or not bad_lines.isdisjoint(chunk.headings)
            or any(chunk.start <= span.start < chunk.end for span in bad),
        )
        for chunk in chunks
    ]


def _terms(texts: Sequence[str], language: str) -> tuple[tuple[str, ...], ...]:
    """Return the terms of each text; each term is kept once, which of a large document saves nine tenths."""
    known: dict[str, str] = {}
    return tuple(tuple(known.setdefault(term, term) for term in index_terms(text, language)) for text in texts)


def _terms_of_text(text: str) -> list[str]:
    """Return the bare terms of a whole document, found line by line: no term goes over the end of a line."""
    known: dict[str, str] = {}
    return [known.setdefault(term, term) for line in text.splitlines() for term in index_terms(line, "")]


def _type(source: Source, parsed: ParsedDocument) -> str:
    """Return what `--filter type=` compares with: the file ending, or the media type's second half."""
    by_media_type = (mimetypes.guess_extension(parsed.media_type) or parsed.media_type.rsplit("/", 1)[-1]).lstrip(".")
    if "://" in source.uri and not source.uri.startswith(
        UPLOAD
    ):  # of a web address, the ending says how the page was made, not what it is
        return by_media_type
    name = source.uri.rsplit("/", 1)[-1]
    ending = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    return ending if ending.isalnum() and len(ending) <= 8 else by_media_type
