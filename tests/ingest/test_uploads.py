from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
import unicodedata
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import parsing, uploads
from ingest.upload_folder import UploadFolder
from ingest.upload_names import MAX_NAME, clean_name, named_files, upload_uri
from ingest.uploads import Job, Upload, Uploads
from models.tokenizer import ModelTokenCounter
from settings import Settings
from state.errors import (
    Busy,
    InvalidFilter,
    InvalidUpload,
    NotFound,
    NotPermitted,
    StoreUnavailable,
    UnreadableDocument,
)
from state.principal import Principal
from store import jobs as stored_jobs
from store.database import Database
from store.documents import DocumentInfo, document_text, list_documents
from store.jobs import INTERRUPTED, JobFile, Jobs
from store.links import link_target
from store.originals import original_of
from tests.faults.made import pdf, word
from tests.ingest.reader import HashingEmbedder, rows_of
from tools.document_access import set_document_access

ANN = Principal("local", "ann", groups=("crew",), can_write=True)
BOB = Principal("local", "bob", groups=("crew",), can_write=True)
Make = Callable[..., Uploads]


@pytest.fixture
async def make(
    database: Database, counter: ModelTokenCounter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Make]:
    """Makes what takes uploads; small texts are parsed in this process, which is quicker."""
    monkeypatch.setattr(parsing, "UPLOAD", "nothing://")
    made: list[Uploads] = []

    def make(delay: float = 0.0, **options: Any) -> Uploads:
        made.append(Uploads(database, HashingEmbedder(delay), counter, Settings(home=tmp_path / "home", **options)))
        return made[-1]

    yield make
    for one in made:
        await one.close(0)
    assert not [path for path in (tmp_path / "home").rglob("*") if path.name != "uploads"]


async def ended(taker: Uploads, principal: Principal, job: Job) -> Job:
    """Return the job once nothing of it is under way."""
    async with asyncio.timeout(30):
        while job.state == "running":
            await asyncio.sleep(0.02)
            job = await taker.job(principal, job.id)
    return job


async def read_in(taker: Uploads, principal: Principal, *files: Upload, **options: Any) -> Job:
    return await ended(taker, principal, await taker.begin(principal, files, **options))


async def seen(database: Database, principal: Principal) -> list[DocumentInfo]:
    async with database.session(principal) as connection:
        return await list_documents(connection)


def text(name: str, content: str = "The tank is emptied in June.") -> Upload:
    return Upload(name, content.encode())


async def test_files_are_read_in_and_each_is_told_of(make: Make, database: Database, tmp_path: Path) -> None:
    (tmp_path / "on disk").write_text("The boiler is cleaned in May.")
    taker = make()
    begun = await taker.begin(ANN, [text("tank.md"), Upload("boiler.txt", tmp_path / "on disk")], "plant", tags=["new"])
    (tmp_path / "on disk").unlink()
    assert (begun.state, begun.collection, [file.state for file in begun.files]) == (
        "running",
        "plant",
        ["waiting"] * 2,
    )
    job = await ended(taker, ANN, begun)
    assert (job.state, [(file.name, file.state) for file in job.files]) == (
        "done", [("tank.md", "done"), ("boiler.txt", "done")],
    )  # fmt: skip
    assert job.finished_at is not None
    boiler, tank = await seen(database, ANN)
    assert {file.document_id for file in job.files} == {boiler.id, tank.id}
    assert (tank.source, tank.title, tank.type, tank.tags) == ("upload://ann/tank.md", "tank", "md", ["new"])
    assert [one.id for one in await taker.jobs(ANN)] == [job.id]


async def test_one_file_that_cannot_be_read_stops_no_other(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # as it is: in processes of their own
    bomb = word("<w:p/>", picture=b"\0" * 120_000_000)
    taker = make(max_file_mb=0.5)
    job = await read_in(
        taker, ANN, text("good.md"), Upload("empty.txt", b""), Upload("broken.pdf", b"%PDF-1.4 nothing"),
        Upload("locked.pdf", pdf("Secret.", password="x")), Upload("picture.png", b"\x89PNG\r\n\x1a\n..."),
        Upload("bomb.docx", bomb), Upload("large.txt", b"x " * 300_000), Upload("pdf.md", b"%PDF-1.4 nothing"),
        Upload("\0", b"nameless"), text("a/good.md"), Upload("fine.pdf", pdf("It is read.")),
    )  # fmt: skip
    assert job.state == "failed"
    states = {file.name: file.state for file in job.files}
    assert states.pop("fine.pdf") == "done"
    assert [file.state for file in job.files if file.name == "good.md"] == ["done", "failed"]
    assert set(states.values()) == {"failed"}
    reasons = [file.reason for file in job.files]
    said = [
        "",
        "is empty",
        "damaged",
        "encrypted",
        "PNG",
        "bomb.docx",
        "limit is 0",
        "damaged",
        "no name",
        "rename",
        "",
    ]
    assert [word in reason for word, reason in zip(said, reasons, strict=True)] == [True] * len(said), reasons
    assert not any("home" in reason for reason in reasons)


async def test_one_users_same_name_is_a_new_version_and_two_users_have_two_documents(
    make: Make, database: Database
) -> None:
    taker = make()
    [first] = (await read_in(taker, ANN, text("tank.md", "It is emptied in June."))).files
    [second] = (await read_in(taker, ANN, text("tank.md", "It is emptied in July."))).files
    [same] = (await read_in(taker, ANN, text("../tank.md", "It is emptied in July."))).files
    [other] = (await read_in(taker, BOB, text("tank.md", "It is emptied in May."))).files
    assert first.document_id == second.document_id == same.document_id != other.document_id
    assert same.state == "unchanged"
    [document] = await seen(database, ANN)
    assert document.version == 2
    async with database.session(ANN) as connection:
        assert await document_text(connection, document.id) == "It is emptied in July."


async def test_a_name_with_signs_of_an_address_in_user_or_file_stays_that_users(make: Make, database: Database) -> None:
    slashed = Principal("local", "ann/x", can_write=True)
    assert upload_uri("ann/x", "y") != upload_uri("ann", "x/y")
    await read_in(make(), slashed, text("50% off?#.md"))
    [document] = await seen(database, slashed)
    assert document.source == "upload://ann%2Fx/50% off?#.md"


def test_uploaded_files_link_to_those_of_the_same_user_by_their_names() -> None:
    assert link_target("upload://ann/start.md", "tank%20plan.md#valves") == "upload://ann/tank plan.md"
    assert link_target("upload://ann/start.md", "https://example.org/x#y") == "https://example.org/x"
    assert link_target("/notes/start.md", "../plan.md") == "/plan.md"


async def test_what_a_user_uploads_is_theirs_and_what_the_command_lines_user_does_is_for_everyone(
    make: Make, database: Database, local: Principal
) -> None:
    taker = make()
    await read_in(taker, ANN, text("mine.md", "Only mine."))
    await read_in(taker, ANN, text("ours.md", "All of the crew's."), access=["group:crew"])
    await read_in(taker, local, text("all.md", "For all."))
    await read_in(taker, local, text("hidden.md", "For the owner."), access=[])
    assert {document.title: document.access for document in await seen(database, ANN)} == {
        "mine": ["user:ann"], "ours": ["group:crew", "user:ann"], "all": ["*"],
    }  # fmt: skip
    assert {document.title for document in await seen(database, BOB)} == {"ours", "all"}
    assert {document.title for document in await seen(database, local)} == {"all", "hidden"}


async def test_a_new_version_keeps_the_access_that_the_document_has_unless_said_otherwise(
    make: Make, database: Database
) -> None:
    taker = make()
    await read_in(taker, ANN, text("plan.md", "First."), text("notes.md", "Notes."))
    [plan] = [document for document in await seen(database, ANN) if document.title == "plan"]
    changed = await set_document_access(database, ANN, plan.id, ["group:crew"])
    assert changed.access == ["group:crew", "user:ann"]
    await read_in(taker, ANN, text("plan.md", "Second."), text("notes.md", "More notes."), text("new.md", "New."))
    assert {document.title: document.access for document in await seen(database, ANN)} == {
        "plan": ["group:crew", "user:ann"], "notes": ["user:ann"], "new": ["user:ann"],
    }  # fmt: skip
    await read_in(taker, ANN, text("plan.md", "Second."), access=["user:bob"])
    assert [document.access for document in await seen(database, BOB)] == [["user:ann", "user:bob"]]


async def test_who_may_not_write_changes_nobodys_access_and_nobody_that_of_what_they_do_not_see(
    make: Make, database: Database
) -> None:
    await read_in(make(), ANN, text("plan.md"))
    [plan] = await seen(database, ANN)
    with pytest.raises(NotPermitted):
        await set_document_access(database, Principal("local", "ann"), plan.id, ["*"])
    for stranger in (BOB, Principal("other", "ann", can_write=True)):
        with pytest.raises(NotFound):
            await set_document_access(database, stranger, plan.id, ["*"])
    with pytest.raises(InvalidFilter):
        await set_document_access(database, ANN, plan.id, ["everybody"])
    assert [document.access for document in await seen(database, ANN)] == [["user:ann"]]


async def test_a_pdf_is_done_when_its_original_is_kept_and_other_files_are_not_kept(
    make: Make, database: Database, local: Principal
) -> None:
    content = pdf("The tank is emptied in June.")
    taker = make()
    job = await read_in(taker, ANN, Upload("tank.pdf", content), text("tank.md"))
    identity = job.files[0].document_id
    assert isinstance(identity, UUID)
    async with database.session(ANN) as connection:
        assert await original_of(connection, identity, 1) == content
    assert await rows_of(database, ANN, "select count(*) from originals") == [(1,)]
    assert await rows_of(database, BOB, "select count(*) from originals") == [(0,)]
    async with database.session(ANN, write=True) as connection:
        await connection.execute("delete from originals")
    [file, _] = (await read_in(taker, ANN, Upload("tank.pdf", content), text("tank.md"))).files
    assert file.state == "unchanged"
    assert await rows_of(database, ANN, "select count(*) from originals") == [(1,)]


async def test_what_cannot_be_taken_as_a_whole_leaves_nothing_behind(
    make: Make, database: Database, tmp_path: Path
) -> None:
    taker = make(max_upload_files=2, max_upload_mb=0.001)
    with pytest.raises(NotPermitted):
        await taker.begin(Principal("local", "ann"), [text("x.md")])
    for wrong in ([], [text(f"{number}.md") for number in range(3)], [text("x.md", "x" * 1001)]):
        with pytest.raises(InvalidUpload):
            await taker.begin(ANN, wrong)
    for options in ({"collection": "a\nb"}, {"tags": [""]}, {"access": ["all"]}):
        with pytest.raises(InvalidFilter):
            await taker.begin(ANN, [text("x.md")], **options)
    with pytest.raises(StoreUnavailable, match="No such file"):
        await taker.begin(ANN, [Upload("gone.md", tmp_path / "gone")])
    assert await taker.jobs(ANN) == []


async def test_a_job_is_its_owners_alone(make: Make) -> None:
    taker = make()
    job = await read_in(taker, ANN, text("x.md"))
    for stranger in (BOB, Principal("other", "ann", can_write=True)):
        with pytest.raises(NotFound):
            await taker.job(stranger, job.id)
        assert await taker.jobs(stranger) == []


async def test_progress_is_told_by_file_while_a_job_works(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.pipeline.BATCH_CHUNKS", 1)
    taker = make(delay=0.25)
    job = await taker.begin(ANN, [text(f"{number}.md", f"Note {number}.") for number in range(3)])
    told = []
    while job.state == "running":
        await asyncio.sleep(0.05)
        job = await taker.job(ANN, job.id)
        told.append([file.state for file in job.files])
    assert ["done", "reading", "reading"] in told
    assert told[-1] == ["done"] * 3


async def test_closing_interrupts_what_is_under_way_and_says_so(
    make: Make, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.pipeline.BATCH_CHUNKS", 1)
    taker = make(delay=0.2)
    job = await taker.begin(ANN, [text(f"{number}.md", f"Note {number}.") for number in range(20)])
    while not any(file.state == "done" for file in (await taker.job(ANN, job.id)).files):
        await asyncio.sleep(0.02)
    started = time.monotonic()
    await taker.close(0)
    assert time.monotonic() - started < 2
    job = await taker.job(ANN, job.id)
    assert job.state == "failed"
    assert {(file.state, file.reason) for file in job.files} == {("done", ""), ("failed", INTERRUPTED)}
    with pytest.raises(Busy):
        await taker.begin(ANN, [text("late.md")])
    done = {file.document_id for file in job.files if file.state == "done"}
    assert done <= {document.id for document in await seen(database, ANN)}


async def test_closing_lets_what_is_nearly_done_end(make: Make) -> None:
    taker = make(delay=0.1)
    job = await taker.begin(ANN, [text("x.md")])
    await taker.close()
    assert (await taker.job(ANN, job.id)).state == "done"


async def test_the_job_of_a_process_that_died_is_shown_as_interrupted(
    make: Make, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = Jobs(database)
    files = [
        JobFile(name="a.md", state="done", document_id=uuid4()),
        JobFile(name="b.md", state="reading"),
        JobFile(name="c.md"),
    ]
    job = await jobs.begin(ANN, uuid4(), "default", files)
    await jobs.note(ANN, job.id, dict(enumerate(files)))
    assert (await jobs.get(ANN, job.id)).state == "running"
    monkeypatch.setattr(stored_jobs, "SILENT_SECONDS", 0.0)
    dead = await jobs.get(ANN, job.id)
    assert (dead.state, [(file.state, file.reason) for file in dead.files]) == (
        "failed", [("done", ""), ("failed", INTERRUPTED), ("failed", INTERRUPTED)],
    )  # fmt: skip
    assert dead.finished_at is not None


async def test_how_a_job_ended_is_noted_when_the_database_is_back(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    note = Jobs.note
    failures = iter([StoreUnavailable("away"), StoreUnavailable("away")])

    async def away(self: Jobs, principal: Principal, job_id: UUID, files: Any, state: Any = "running") -> None:
        if state != "running" and (failure := next(failures, None)):
            raise failure
        await note(self, principal, job_id, files, state)

    monkeypatch.setattr(Jobs, "note", away)
    monkeypatch.setattr("ingest.upload_work.PAUSES", (0.01, 0.01, 0.01))
    assert (await read_in(make(), ANN, text("x.md"))).state == "done"
    assert next(failures, None) is None


async def test_a_reason_that_quotes_what_cannot_be_stored_is_told_without_it(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise UnreadableDocument("It says \0\ud800 here. " + "x" * 1000)

    monkeypatch.setattr("ingest.parsing.prepare", fail)
    [file] = (await read_in(make(), ANN, text("x.md"))).files
    assert (file.state, file.reason[:18], len(file.reason)) == ("failed", "It says \ufffd here. xx", 500)


async def test_a_job_that_waits_is_alive(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.upload_work.BEAT_SECONDS", 0.05)
    monkeypatch.setattr("ingest.upload_work.TELL_SECONDS", 0.01)
    monkeypatch.setattr(uploads, "AT_ONCE", 1)
    monkeypatch.setattr(stored_jobs, "SILENT_SECONDS", 0.3)
    taker = make(delay=0.8)
    first, second = [await taker.begin(ANN, [text(f"{number}.md", f"Note {number}.")]) for number in range(2)]
    await asyncio.sleep(0.6)
    waiting = await taker.job(ANN, second.id)
    assert (waiting.state, [file.state for file in waiting.files]) == ("running", ["waiting"])
    assert [(await ended(taker, ANN, job)).state for job in (first, second)] == ["done", "done"]


async def test_one_user_cannot_take_all_turns(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_OF_ONE", 2)
    taker = make(delay=0.2)
    begun = [await taker.begin(ANN, [text(f"{number}.md")]) for number in range(2)]
    with pytest.raises(Busy):
        await taker.begin(ANN, [text("more.md")])
    assert (await read_in(taker, BOB, text("x.md"))).state == "done"
    for job in begun:
        await ended(taker, ANN, job)
    assert (await read_in(taker, ANN, text("more.md"))).state == "done"


async def test_a_job_ends_with_the_reason_when_the_model_or_the_program_fails(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: HashingEmbedder, texts: object) -> None:
        raise RuntimeError(f"confidential: {texts}")

    monkeypatch.setattr(HashingEmbedder, "embed", fail)
    job = await read_in(make(), ANN, text("x.md", "The launch code is 0000."))
    assert job.state == "failed"
    assert "unexpectedly" in job.files[0].reason
    assert "RuntimeError" in caplog.text
    assert "0000" not in job.files[0].reason + caplog.text


def test_the_folder_of_a_process_that_was_killed_is_swept_up_by_the_next(tmp_path: Path) -> None:
    program = (
        "import sys, time, uuid; from pathlib import Path; from ingest.upload_folder import Upload, UploadFolder\n"
        "UploadFolder(Path(sys.argv[1])).stage(uuid.uuid4(), {0: Upload('x', b'left behind')})\n"
        "print('staged', flush=True); time.sleep(60)"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=root, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"staged\n"
        ours = UploadFolder(tmp_path)
        ours.stage(uuid4(), {0: Upload("y", b"mine")})
        assert left(tmp_path) == {b"left behind", b"mine"}
        ours.close()
        assert left(tmp_path) == {b"left behind"}
        process.kill()
    following = UploadFolder(tmp_path)
    following.stage(uuid4(), {0: Upload("z", b"next")})
    assert left(tmp_path) == {b"next"}
    following.close()
    assert os.listdir(tmp_path / "uploads") == []


def left(home: Path) -> set[bytes]:
    return {path.read_bytes() for path in (home / "uploads").rglob("*") if path.is_file() and path.suffix != ".lock"}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"), ("/etc/passwd", "passwd"), ("C:\\Users\\ann\\plan.docx", "plan.docx"),
        ("..\\..\\x.md", "x.md"), ("report.pdf\0.txt", "report.pdf.txt"), ("gnp.\u202efdp.exe", "gnp.fdp.exe"),
        ("a\r\nSet-Cookie: x.md", "aSet-Cookie: x.md"), ("cafe\u0301.md", "café.md"), ("x.md. . .", "x.md"),
        ("  two   words.md ", "two words.md"), ("nul", "nul"), ("\ud800x.md", "x.md"), (".hidden", ".hidden"),
    ],
)  # fmt: skip
def test_names_are_names_and_never_paths(sent: str, kept: str) -> None:
    assert clean_name(sent) == kept


@pytest.mark.parametrize("sent", ["", ".", "..", "a/..", "a/", "\0", " . ", "\u200b", "/"])
def test_a_file_without_a_usable_name_is_refused(sent: str) -> None:
    with pytest.raises(UnreadableDocument, match="rename it"):
        clean_name(sent)
    assert named_files([sent])[0].state == "failed"


@given(st.text(st.characters(codec=None), max_size=600) | st.text("./\\ \0a\u202eé😀.", max_size=20))
def test_whatever_a_file_is_called_its_name_is_one_short_storable_part_of_a_path(sent: str) -> None:
    try:
        name = clean_name(sent)
    except UnreadableDocument:
        return
    assert 0 < len(name) <= MAX_NAME
    assert len(name.encode("utf-8")) <= 255
    assert Path("/folder", name).parent == Path("/folder") != Path("/folder", name).resolve()
    assert not set(name) & set("/\\\0\n\r\u202e")
    assert all(unicodedata.category(character)[0] != "C" for character in name)
    assert clean_name(name) == name


def test_long_names_that_differ_at_their_end_stay_two() -> None:
    one, other = (clean_name("Minutes " * 60 + f"{number}.pdf") for number in (1, 2))
    assert one != other
    assert one.endswith(".pdf")
