"""`/v1/documents` and `/v1/jobs`: what is there to be asked, uploaded, opened to others, and deleted."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, File, Form, Query, Request, UploadFile
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from ingest.upload_folder import Upload
from server.identity import Asking, Opened, Writing
from server.problems import documented
from settings import Settings
from state.errors import InvalidFilter, NotFound
from state.labels import is_storable
from store.documents import DocumentInfo, delete_documents, document_text, get_document, list_documents
from store.jobs import Job
from tools.document_access import set_document_access

routes = APIRouter(prefix="/v1", tags=["documents"])


class Documents(BaseModel):
    """A page of the documents that the caller may see; ``next`` is where the one after it begins, if there is one."""

    documents: list[DocumentInfo]
    next: int | None


class Jobs(BaseModel):
    """The caller's uploads of the last month, the latest first."""

    jobs: list[Job]


class Access(BaseModel):
    """Who may see a document."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"access": ["user:ada", "group:board"]}]})

    access: list[str] = Field(
        min_length=1, max_length=100, description="`user:NAME`, `group:NAME`, or `*` for everyone of the tenant."
    )


@routes.post("/documents", status_code=202, responses=documented())
async def upload_documents(
    request: Request,
    application: Opened,
    who: Writing,
    files: Annotated[list[UploadFile], File(description="The files.")],
    collection: Annotated[str, Form(description="The collection that they belong to.")] = "default",
    access: Annotated[
        list[str],
        Form(description="Who may see them, as `user:NAME`, `group:NAME` or `*`; you alone if left out."),
    ] = [],  # noqa: B006  (FastAPI copies it)
    tags: Annotated[list[str], Form(description="Tags to filter by.")] = [],  # noqa: B006
) -> Job:
    """Upload files. They are read in behind this answer: `/v1/jobs/{job}` says how far that is.

    A file of a name that you uploaded before is a new version of that document.
    """
    settings: Settings = request.app.state.settings
    with request.app.state.uploads.place(), tempfile.TemporaryDirectory(dir=settings.home) as folder:
        uploads = await asyncio.to_thread(_put_down, files, Path(folder))
        return await application.uploads.begin(who, uploads, collection, access=access or None, tags=tags)


@routes.get("/documents", responses=documented())
async def list_all(
    application: Opened,
    who: Asking,
    collection: Annotated[list[str], Query(description="Of these collections only.", max_length=100)] = [],  # noqa: B006
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Documents:
    """List the documents that you may see, by collection and source."""
    _storable(*collection)
    async with application.database.session(who) as connection:
        found = await list_documents(connection, collection, most=limit + 1, skip=offset)
    return Documents(documents=found[:limit], next=offset + limit if len(found) > limit else None)


@routes.get("/documents/{document}", responses=documented(404))
async def get_one(application: Opened, who: Asking, document: UUID) -> DocumentInfo:
    """Return what is known of a document."""
    async with application.database.session(who) as connection:
        return await get_document(connection, document)


@routes.get(
    "/documents/{document}/text",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **documented(404)},
)
async def get_text(
    application: Opened,
    who: Asking,
    document: UUID,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="The current one if left out.")] = None,
    start: Annotated[int, Query(ge=0, description="First character to return.")] = 0,
    end: Annotated[int | None, Query(ge=0, description="The character after the last one to return.")] = None,
) -> PlainTextResponse:
    """Return the stored text of a document, exactly: characters are counted as citations count them."""
    async with application.database.session(who) as connection:
        text = await document_text(connection, document, version)
    return PlainTextResponse(text[start:end])


@routes.delete("/documents/{document}", status_code=204, responses=documented(404))
async def delete_one(application: Opened, who: Writing, document: UUID) -> None:
    """Delete a document with all that was made from it."""
    async with application.database.session(who, write=True) as connection:
        if not await delete_documents(connection, [document]):
            raise NotFound(f"There is no document {document}.")


@routes.put("/documents/{document}/access", responses=documented(404))
async def set_access(
    application: Opened, who: Writing, document: UUID, given: Annotated[Access, Body()]
) -> DocumentInfo:
    """Say who may see a document; it counts from the next question on."""
    return await set_document_access(application.database, who, document, given.access)


@routes.get("/jobs", responses=documented())
async def list_jobs(application: Opened, who: Writing) -> Jobs:
    """List your uploads."""
    return Jobs(jobs=await application.uploads.jobs(who))


@routes.get("/jobs/{job}", responses=documented(404))
async def get_job(application: Opened, who: Writing, job: UUID) -> Job:
    """Return how far an upload of yours is, file by file."""
    return await application.uploads.job(who, job)


def _put_down(files: Sequence[UploadFile], folder: Path) -> list[Upload]:
    """Put what was received into files that have a name. Blocking."""
    uploads = []
    for number, file in enumerate(files):
        path = folder / str(number)
        with path.open("wb") as copy:
            shutil.copyfileobj(file.file, copy)
        uploads.append(Upload(file.filename or "", path))
    return uploads


def _storable(*names: str) -> None:
    if not all(is_storable(name) for name in names):
        raise InvalidFilter("Unusable collection: its name is not text.")
