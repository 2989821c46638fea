"""Reading documents in from the page: files dropped or chosen, with their progress and each failure by name."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import gradio as gr

from ingest.upload_folder import Upload
from state.errors import FootnoteError
from state.principal import EVERYONE, Principal
from ui.document_list import job_html, problem_html
from ui.shared import Page

EVERYBODY: Final = "Everyone"
OWN: Final = "Only me"
NAMED: Final = "People and groups"
ACCESS: Final = (EVERYBODY, OWN, NAMED)
_LOOK_SECONDS: Final = 0.25  # between two looks at how far an upload is


def _named_files(payload: Any) -> list[tuple[str, Path]]:
    """Return the names that people gave their files, each with where it lies for now."""
    return [(file.orig_name or Path(file.path).name, Path(file.path)) for file in (payload.root if payload else [])]


def grantees(choice: str, names: str, principal: Principal) -> list[str]:
    """Return who may read by what was chosen; ``names`` are users, or groups as ``group:NAME``."""
    if choice == EVERYBODY:
        return [EVERYONE]
    own = f"user:{principal.user}"
    if choice == OWN:
        return [own]
    named = [name.strip() for name in names.replace("\n", ",").split(",") if name.strip()]
    return [own, *(name if name.startswith(("user:", "group:")) else f"user:{name}" for name in named)]


def access_choice(access: Sequence[str], principal: Principal) -> tuple[str, str]:
    """Return what `grantees` would read an access list from."""
    if EVERYONE in access:
        return EVERYBODY, ""
    others = [grantee.removeprefix("user:") for grantee in access if grantee != f"user:{principal.user}"]
    return (NAMED, ", ".join(others)) if others else (OWN, "")


@dataclass(frozen=True)
class UploadParts:
    """What of the page takes uploads."""

    area: gr.File
    collection: gr.Dropdown
    tags: gr.Textbox
    access: gr.Radio
    names: gr.Textbox
    progress: gr.HTML


def build_uploads() -> UploadParts:
    """Build the area that takes files, and where they go."""
    area = gr.File(
        label="Documents to read in", show_label=False, file_count="multiple", height=132, elem_id="fn-upload"
    )
    # Gradio's own loses the names; a subclass would make it write a stub file beside this one.
    area.preprocess = _named_files  # type: ignore[method-assign,assignment]
    with gr.Accordion("Where they go and who may read them", open=False, elem_id="fn-upload-options"), gr.Row():
        collection = gr.Dropdown(
            ["default"],
            value="default",
            label="Collection",
            info="Choose one, or name a new one.",
            allow_custom_value=True,
        )
        tags = gr.Textbox("", label="Tags", info="Separated by commas.", placeholder="policy, 2026")
        access = gr.Radio(ACCESS, value=EVERYBODY, label="Who may read them")
        names = gr.Textbox("", label="Names", info="Users, or group:NAME, separated by commas.", visible=False)
    progress = gr.HTML("", elem_id="fn-upload-progress", apply_default_css=False, js_on_load=None)
    return UploadParts(area, collection, tags, access, names, progress)


def connect_uploads(page: Page, parts: UploadParts) -> Any:
    """Let files be read in; return the event of an upload that has ended."""

    async def upload(
        files: list[tuple[str, Path]], collection: str, tags: str, access: str, names: str, request: gr.Request
    ) -> AsyncIterator[tuple[str, Any]]:
        principal, uploads = page.who(request), page.application().uploads
        try:
            job = await uploads.begin(
                principal,
                [Upload(name, path) for name, path in files],
                str(collection or "default").strip(),
                access=grantees(access, names, principal),
                tags=sorted({tag.strip() for tag in tags.split(",") if tag.strip()}),
            )
        except FootnoteError as error:
            yield problem_html(str(error)), None
            return
        finally:
            await asyncio.to_thread(_forget, [path for _, path in files])
        while job.state == "running":
            yield job_html(job), gr.skip()
            await asyncio.sleep(_LOOK_SECONDS)
            job = await uploads.job(principal, job.id)
        yield job_html(job), None

    def choose(chosen: str) -> Any:
        return gr.update(visible=chosen == NAMED)

    private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    parts.access.input(choose, parts.access, parts.names, **private)
    inputs = [parts.area, parts.collection, parts.tags, parts.access, parts.names]
    return parts.area.upload(upload, inputs, [parts.progress, parts.area], **private)


def _forget(files: Sequence[Path]) -> None:
    """Remove what Gradio has put down: `Uploads.begin` has taken it, and it is nobody else's to find."""
    for file in files:
        with contextlib.suppress(OSError):
            file.unlink()
