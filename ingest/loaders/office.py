"""Word, PowerPoint and EPUB, turned into Markdown by markitdown; archives are checked before they are opened."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

from ingest.loaders.builder import TextBuilder
from ingest.loaders.html import add_html, parse_html
from ingest.loaders.markdown import add_markdown
from state.documents import ParsedDocument
from state.errors import UnreadableDocument
from text.normalise import clean_text

MAX_UNPACKED = 200_000_000
MAX_RATIO = 200
_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Source Code'] => pre:separator('\\n')
p[style-name='Code'] => pre:separator('\\n')
p[style-name='HTML Preformatted'] => pre:separator('\\n')
"""
_NO_CHART = "[unsupported chart]"
_SMALL = 1_000_000
_EPUB_METADATA = re.compile(r"\A(?:\*\*[A-Z][a-z]+:\*\* .*\n?)+")
_TITLE = re.compile(r"<dc:title[^>]*>([^<]*)</dc:title>")


def check_archive(path: Path, data: bytes) -> zipfile.ZipFile:
    """Open a zip-based document without unpacking it. Raises `UnreadableDocument` if it is damaged or a zip bomb."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        entries = archive.infolist()
    except Exception as error:  # zipfile raises half a dozen kinds on damaged archives
        raise UnreadableDocument(f"{path.name} is damaged (a broken archive): copy or export it again.") from error
    if any(entry.flag_bits & 1 for entry in entries):
        raise UnreadableDocument(f"{path.name} is encrypted: remove its password first.")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED or (unpacked > _SMALL and unpacked > MAX_RATIO * len(data)):
        raise UnreadableDocument(
            f"{path.name} would unpack to {unpacked // 1_000_000} MB from {len(data) / 1_000_000:.1f} MB, "
            "which looks like a zip bomb: export it again or split it."
        )
    return archive


def load_docx(path: Path, data: bytes) -> ParsedDocument:
    """Load a Word document: to HTML by mammoth, after markitdown has rewritten its equations as LaTeX."""
    import mammoth  # type: ignore[import-untyped]
    from markitdown.converter_utils.docx.pre_process import pre_process_docx

    title = _core_title(check_archive(path, data))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        prepared = pre_process_docx(io.BytesIO(data))
        # Images are not opened: only their alternative text is read, and linked ones may not be there.
        html = mammoth.convert_to_html(prepared, style_map=_STYLES, convert_image=lambda image: _image(image)).value
    builder = TextBuilder()
    add_html(builder, parse_html(str(html)))
    return builder.document(path, "application/vnd.openxmlformats-officedocument.wordprocessingml.document", title)


def _image(image: Any) -> list[Any]:
    from mammoth import html

    return [html.element("img", {"alt": image.alt_text or ""})]


def load_pptx(path: Path, data: bytes) -> ParsedDocument:
    """Load a presentation: its slides are its pages."""
    from markitdown import StreamInfo
    from markitdown.converters import PptxConverter

    converter: Any = PptxConverter

    title = _core_title(check_archive(path, data))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = converter().convert(io.BytesIO(data), StreamInfo(extension=".pptx"))
    builder = TextBuilder()
    add_markdown(builder, clean_text(result.markdown.replace("\v", "\n").replace(_NO_CHART, "")), keep_lines=True)
    return builder.document(path, "application/vnd.openxmlformats-officedocument.presentationml.presentation", title)


def load_epub(path: Path, data: bytes) -> ParsedDocument:
    """Load an e-book; what its metadata says is its title, not its text."""
    from markitdown import StreamInfo
    from markitdown.converters import EpubConverter

    converter: Any = EpubConverter

    check_archive(path, data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = converter().convert(io.BytesIO(data), StreamInfo(extension=".epub"), escape_misc=True)
    builder = TextBuilder()
    add_markdown(builder, clean_text(_EPUB_METADATA.sub("", result.markdown)))
    return builder.document(path, "application/epub+zip", result.title or "")


def _core_title(archive: zipfile.ZipFile) -> str:
    from html import unescape

    try:
        properties = archive.read("docProps/core.xml").decode("utf-8", errors="replace")
    except (KeyError, zipfile.BadZipFile):
        return ""
    found = _TITLE.search(properties)
    return unescape(found.group(1)) if found else ""
