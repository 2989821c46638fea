"""Jobs of reading documents in: what is visible of them while a process works at them, and after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from state.errors import NotFound
from state.principal import Principal
from store.database import Connection, Database

FileState = Literal["waiting", "reading", "done", "unchanged", "failed"]
JobState = Literal["running", "done", "failed"]

SILENT_SECONDS: Final = 30.0
"""A running job that nobody has said to be alive for so long was interrupted: its process is gone."""
KEPT_DAYS: Final = 30.0
MOST_LISTED: Final = 100
INTERRUPTED: Final = "interrupted; upload again"


class JobFile(BaseModel):
    """A file of a job. ``document_id`` is set once it is read in, ``reason`` if it cannot be."""

    model_config = ConfigDict(frozen=True)

    name: str
    state: FileState = "waiting"
    reason: str = ""
    document_id: UUID | None = None


class Job(BaseModel):
    """Files that are read in together. It is ``failed`` if one of them is: the others are read in all the same."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    collection: str
    state: JobState
    files: list[JobFile]
    created_at: datetime
    finished_at: datetime | None = None


@dataclass(frozen=True)
class Jobs:
    """The jobs of a database. Each user sees their own."""

    database: Database

    async def begin(self, principal: Principal, job_id: UUID, collection: str, files: Sequence[JobFile]) -> Job:
        """Write a new job down; those of the principal that ended long ago are forgotten."""
        async with self.database.session(principal, write=True) as connection:
            await connection.execute(
                "delete from jobs where alive_at < now() - make_interval(secs => %s)", (KEPT_DAYS * 86400,)
            )
            await connection.execute(
                """insert into jobs (id, tenant_id, user_name, collection)
                   values (%s, current_tenant(), current_user_name(), %s)""",
                (job_id, collection),
            )
            async with connection.cursor() as cursor:
                await cursor.executemany(
                    "insert into job_files (job_id, number, name, state, reason) values (%s, %s, %s, %s, %s)",
                    [(job_id, number, file.name, file.state, file.reason) for number, file in enumerate(files)],
                )
            [job] = await _read(connection, job_id)
        return job

    async def note(
        self, principal: Principal, job_id: UUID, files: dict[int, JobFile], state: JobState = "running"
    ) -> None:
        """Note that a job is alive, or has ended, and how its files fare, by their number from 0."""
        async with self.database.session(principal, write=True) as connection:
            async with connection.cursor() as cursor:
                await cursor.executemany(
                    """update job_files set state = %s, reason = %s, document_id = %s
                       where job_id = %s and number = %s""",
                    [(f.state, f.reason, f.document_id, job_id, number) for number, f in sorted(files.items())],
                )
            await connection.execute(
                """update jobs set alive_at = now(), state = %(state)s,
                          finished_at = case when %(state)s = 'running' then null else now() end
                   where id = %(id)s""",
                {"id": job_id, "state": state},
            )

    async def get(self, principal: Principal, job_id: UUID) -> Job:
        """Return one job of the principal. Raises `NotFound`."""
        async with self.database.session(principal) as connection:
            found = await _read(connection, job_id)
        if not found:
            raise NotFound(f"There is no upload {job_id} of yours.")
        return found[0]

    async def all(self, principal: Principal) -> list[Job]:
        """Return the principal's jobs, the latest first, at most `MOST_LISTED`."""
        async with self.database.session(principal) as connection:
            return await _read(connection)


async def _read(connection: Connection, job_id: UUID | None = None) -> list[Job]:
    cursor = await connection.execute(
        """select j.id, j.collection, j.state, j.created_at, j.finished_at, j.alive_at,
                  j.state = 'running' and j.alive_at < now() - make_interval(secs => %(silent)s),
                  (select jsonb_agg(jsonb_build_object('name', f.name, 'state', f.state, 'reason', f.reason,
                                                       'document_id', f.document_id) order by f.number)
                   from job_files f where f.job_id = j.id)
           from jobs j where %(id)s::uuid is null or j.id = %(id)s order by j.created_at desc, j.id
           limit %(most)s""",
        {"silent": SILENT_SECONDS, "id": job_id, "most": MOST_LISTED},
    )
    return [_job(*row) for row in await cursor.fetchall()]


def _job(
    job_id: UUID, collection: str, state: JobState, created_at: datetime, finished_at: datetime | None,
    alive_at: datetime, is_silent: bool, rows: list[dict[str, Any]] | None,
) -> Job:  # fmt: skip
    files = [JobFile.model_validate(row) for row in rows or ()]
    if is_silent:
        state, finished_at, files = "failed", alive_at, [interrupted(file) for file in files]
    return Job(
        id=job_id, collection=collection, state=state, files=files, created_at=created_at, finished_at=finished_at
    )


def interrupted(file: JobFile) -> JobFile:
    """Return how a file fares of which nobody works any longer."""
    if file.state not in ("waiting", "reading"):
        return file
    return file.model_copy(update={"state": "failed", "reason": INTERRUPTED})
