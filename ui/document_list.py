"""How documents look on the page: the list, the facts of one, and how uploads get on. All text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from uuid import UUID

from state.principal import EVERYONE, Principal
from store.documents import DocumentInfo
from store.jobs import Job, JobFile

ANY = "Any"
MOST_ROWS = 200

_STATES = {
    "waiting": "Waiting",
    "reading": "Reading…",
    "done": "Read in",
    "unchanged": "Already there, unchanged",
    "failed": "Failed",
}


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What the list is narrowed to; ``words`` must all be in a title or source, `ANY` restricts nothing."""

    words: str = ""
    type: str = ANY
    collection: str = ANY
    tag: str = ANY

    def keeps(self, document: DocumentInfo) -> bool:
        """Say whether a document stays in the list."""
        named = f"{document.title} {document.source}".casefold()
        return (
            all(word in named for word in self.words.casefold().split())
            and self.type in (ANY, document.type)
            and self.collection in (ANY, document.collection)
            and (self.tag == ANY or self.tag in document.tags)
        )


def access_words(access: Sequence[str], principal: Principal) -> str:
    """Return who may read a document, in words."""
    if EVERYONE in access:
        return "everyone"
    if list(access) == [f"user:{principal.user}"]:
        return "only me"
    return ", ".join(_grantee_words(grantee, principal) for grantee in access) or "nobody"


def _grantee_words(grantee: str, principal: Principal) -> str:
    kind, _, name = grantee.partition(":")
    if kind == "group":
        return f"group {name}"
    return "me" if name == principal.user else name


def size_words(size: int) -> str:
    """Return a number of bytes as people read it."""
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1000:.0f} kB" if size < 1_000_000 else f"{size / 1e6:.1f} MB"


def file_name(source: str) -> str:
    """Return the last part of a source, which is what its reader called it."""
    return source.rstrip("/").rsplit("/", 1)[-1]


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y}"


def _meta(document: DocumentInfo, principal: Principal) -> str:
    parts = [size_words(document.size)]
    if document.page_count:
        parts.append(f"{document.page_count} page{'s' if document.page_count > 1 else ''}")
    parts += [f"version {document.version}", _day(document.indexed_at), access_words(document.access, principal)]
    return " · ".join(parts)


def documents_html(
    documents: Sequence[DocumentInfo], narrowing: Narrowing, principal: Principal, selected: UUID | None = None
) -> str:
    """Return the list of documents, each a button that names its id."""
    if not documents:
        return _empty("No documents yet", "Drop files above. Once they are read in, questions are answered from them.")
    kept = [document for document in documents if narrowing.keeps(document)]
    if not kept:
        return _empty("No document fits", "Take a word out of the search, or set type, collection and tag to “Any”.")
    rows = "".join(_row(document, principal, document.id == selected) for document in kept[:MOST_ROWS])
    more = len(kept) - MOST_ROWS
    rest = f'<p class="fn-docs-more">…and {more} more: narrow the list to see them.</p>' if more > 0 else ""
    return f'<ul class="fn-docs" aria-label="Documents">{rows}</ul>{rest}'


def _row(document: DocumentInfo, principal: Principal, selected: bool) -> str:
    tags = "".join(f'<span class="fn-tag">{escape(tag)}</span>' for tag in document.tags)
    notes = ""
    if document.duplicate_of:
        notes += '<span class="fn-doc-note">same text as another document: not answered from twice</span>'
    if document.quarantined:
        count = document.quarantined
        notes += f'<span class="fn-doc-note">{count} passage{_s(count)} put aside: orders to the assistant</span>'
    return (
        f'<li><button type="button" class="fn-doc" data-act="select" data-id="{document.id}"'
        f' aria-pressed="{"true" if selected else "false"}">'
        f'<span class="fn-doc-type" aria-hidden="true">{escape((document.type or "?")[:5])}</span>'
        f'<span class="fn-doc-body"><span class="fn-doc-title">{escape(document.title or file_name(document.source))}'
        f'</span><span class="fn-doc-meta">{escape(file_name(document.source))} in {escape(document.collection)}'
        f" · {escape(_meta(document, principal))}</span>{tags}{notes}</span></button></li>"
    )


def facts_html(document: DocumentInfo, principal: Principal) -> str:
    """Return what is known about one document."""
    facts = {
        "File": file_name(document.source),
        "Collection": document.collection,
        "Type and size": f"{document.type or 'unknown'}, {size_words(document.size)}",
        "Pages": str(document.page_count) if document.page_count else "",
        "Text": f"{document.characters:,} characters in {document.chunks} passage{_s(document.chunks)}",
        "Language": document.language,
        "Version": f"{document.version}, read in {_day(document.indexed_at)}",
        "Tags": ", ".join(document.tags),
        "May read it": access_words(document.access, principal),
    }
    rows = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts.items() if value)
    title = escape(document.title or file_name(document.source))
    where = escape(document.source)
    return f'<h3 class="fn-facts-title" tabindex="-1" title="{where}">{title}</h3><dl class="fn-facts">{rows}</dl>'


def text_html(text: str, shown: int) -> str:
    """Return the first ``shown`` characters of a stored text, as text."""
    rest = len(text) - shown
    more = f'<p class="fn-stored-more">{rest:,} more characters.</p>' if rest > 0 else ""
    return (
        f'<pre class="fn-stored" tabindex="0" role="region" aria-label="Stored text">{escape(text[:shown])}</pre>{more}'
    )


def job_html(job: Job) -> str:
    """Return how an upload gets on, file by file, with the reason of each failure."""
    ended = sum(file.state not in ("waiting", "reading") for file in job.files)
    failed = sum(file.state == "failed" for file in job.files)
    if job.state == "running":
        head = f"Reading {len(job.files)} file{_s(len(job.files))}: {ended} done"
    else:
        head = f"{ended - failed} of {len(job.files)} file{_s(len(job.files))} read in" + (
            f", {failed} failed" if failed else ""
        )
    rows = "".join(_file_row(file) for file in job.files)
    return (
        f'<div class="fn-job" data-state="{job.state}"><p class="fn-job-head">{head}</p>'
        f'<progress max="{len(job.files)}" value="{ended}" aria-label="Files read in"></progress>'
        f"<ul>{rows}</ul></div>"
    )


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _file_row(file: JobFile) -> str:
    reason = f'<span class="fn-file-reason">{escape(file.reason)}</span>' if file.reason else ""
    return (
        f'<li data-state="{file.state}"><span class="fn-file-name">{escape(file.name)}</span> '
        f'<span class="fn-file-state">{_STATES[file.state]}</span>{reason}</li>'
    )


def _empty(title: str, hint: str) -> str:
    return f'<div class="fn-empty"><p class="fn-empty-title">{title}</p><p>{hint}</p></div>'


def choices(values: Iterable[str]) -> list[str]:
    """Return what a list can be narrowed to: anything, or one of the values that there are."""
    return [ANY, *sorted(set(values))]


def problem_html(problem: str) -> str:
    """Return what went wrong, for all to hear."""
    return f'<p class="fn-problem" role="alert">{escape(problem)}</p>' if problem else ""
