"""Uploads: files that a face takes from its users, read in behind its back while it tells how far they are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID, uuid4

from ingest.pipeline import Ingester
from ingest.sources import file_source
from ingest.upload_folder import Upload, UploadFolder
from ingest.upload_names import named_files, upload_uri
from ingest.upload_work import Work
from settings import Settings, settings
from state.access import parse_access
from state.errors import Busy, InvalidUpload, NotPermitted, StoreUnavailable
from state.labels import check_label
from state.ports import Embedder, TokenCounter
from state.principal import EVERYONE, Principal
from store.database import Database
from store.jobs import FileState, Job, JobFile, Jobs, JobState

AT_ONCE: Final = 2
"""Jobs that are worked at side by side; what else begins waits for its turn."""
MOST_JOBS: Final = 24
"""Jobs of one process that are not ended, those that wait included."""
MOST_OF_ONE: Final = 8
"""How many of them may be one user's."""
GRACE_SECONDS: Final = 5.0


class Uploads:
    """Takes uploads and reads them in, in this process's event loop. `close` it at the end."""

    def __init__(
        self, database: Database, embedder: Embedder, counter: TokenCounter, configuration: Settings | None = None
    ) -> None:
        self._database, self._embedder, self._counter = database, embedder, counter
        self._settings = configuration or settings()
        self._jobs = Jobs(database)
        self._folder = UploadFolder(self._settings.home)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._under_way: dict[asyncio.Task[None], Principal] = {}
        self._closed = False

    async def begin(
        self,
        principal: Principal,
        uploads: Sequence[Upload],
        collection: str = "default",
        *,
        access: Sequence[str] | None = None,
        tags: Sequence[str] = (),
    ) -> Job:
        """Begin to read files in, and return at once.

        The same name once more is a new version of the user's document. With ``access`` None it keeps the access that
        it has; a new document is for its owner, one of the command line's user for everyone. A file that cannot be
        taken is ``failed`` with the reason; the others are read in.

        Raises:
            NotPermitted: the principal may not write.
            InvalidUpload: there is no file, too many, or more bytes than an upload may have.
            InvalidFilter: collection, access or a tag is none.
            Busy: too many jobs are waiting already, or the process is about to end.
            StoreUnavailable: there is no room on disk, or no database.
        """
        if not principal.can_write:
            raise NotPermitted(f"{principal.user} may not upload documents; ask someone who may.")
        check_label("collection", collection)
        for tag in tags:
            check_label("tag", tag)
        grantees = None if access is None else parse_access(access)
        own = sum((one.tenant, one.user) == (principal.tenant, principal.user) for one in self._under_way.values())
        if self._closed or len(self._under_way) >= MOST_JOBS or own >= MOST_OF_ONE:
            raise Busy("Too many uploads are waiting to be read in: try again in a minute.")
        files = dict(enumerate(named_files([upload.name for upload in uploads])))
        work = Work(uuid4(), principal, collection, grantees, self._usual(principal), files)
        try:
            await asyncio.to_thread(self._check_whole, uploads)
            await asyncio.to_thread(self._stage, work, uploads, tuple(tags))
            job = await self._jobs.begin(principal, work.id, collection, list(files.values()))
        except OSError as error:
            await asyncio.to_thread(self._folder.drop, work.id)
            raise StoreUnavailable(f"The upload cannot be put down: {error.strerror or error}.") from error
        except BaseException:
            await asyncio.to_thread(self._folder.drop, work.id)
            raise
        task = asyncio.create_task(self._work(work))
        self._under_way[task] = principal
        task.add_done_callback(self._under_way.pop)
        return job

    async def job(self, principal: Principal, job_id: UUID) -> Job:
        """Return a job of the principal as it is now. Raises `NotFound`."""
        return await self._jobs.get(principal, job_id)

    async def jobs(self, principal: Principal) -> list[Job]:
        """Return the principal's jobs of the last month, the latest first."""
        return await self._jobs.all(principal)

    async def close(self, seconds: float = GRACE_SECONDS) -> None:
        """Take no more uploads, wait a while for those under way, interrupt the others, and remove all files."""
        self._closed = True
        if tasks := set(self._under_way):
            await asyncio.wait(tasks, timeout=seconds)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(self._folder.close)

    async def _work(self, work: Work) -> None:
        ingester = Ingester(self._database, self._embedder, self._counter, work.principal)
        try:
            await work.done(self._jobs, ingester, self._turns)
        finally:
            await asyncio.to_thread(self._folder.drop, work.id)

    def _stage(self, work: Work, uploads: Sequence[Upload], tags: tuple[str, ...]) -> None:
        """Put the files down where they wait to be read in. Blocking."""
        waiting = {number: uploads[number] for number, file in work.files.items() if file.state == "waiting"}
        work.paths = self._folder.stage(work.id, waiting)
        most_bytes = int(self._settings.max_file_mb * 1e6)
        for number, path in work.paths.items():
            uri = upload_uri(work.principal.user, work.files[number].name)
            work.sources[number] = file_source(path, max_bytes=most_bytes, tags=tags, uri=uri)

    def _check_whole(self, uploads: Sequence[Upload]) -> None:
        """Raise `InvalidUpload` for what cannot be taken as a whole. Blocking."""
        most, most_bytes = self._settings.max_upload_files, self._settings.max_upload_mb * 1e6
        if not 0 < len(uploads) <= most:
            raise InvalidUpload(f"An upload has 1 to {most} files (FOOTNOTE_MAX_UPLOAD_FILES), not {len(uploads)}.")
        size = sum(upload.size for upload in uploads)
        if size > most_bytes:
            raise InvalidUpload(
                f"The upload has {size / 1e6:.0f} MB, the limit is {most_bytes / 1e6:.0f}: send fewer files at once, "
                "or raise FOOTNOTE_MAX_UPLOAD_MB."
            )

    def _usual(self, principal: Principal) -> tuple[str, ...]:
        """Return who may read a new document of which nothing else was said."""
        operator = (self._settings.tenant, self._settings.user)
        return (EVERYONE,) if (principal.tenant, principal.user) == operator else (f"user:{principal.user}",)


__all__ = ["FileState", "Job", "JobFile", "JobState", "Upload", "Uploads"]
