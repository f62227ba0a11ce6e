"""The jobs a client can see: the schedule's, those a test added, less those removed."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock

from sandbox.clock import SandboxClock
from sandbox.export_files import write_export_files
from sandbox.exports import ExportJob, JobStatus, schedule_id, scheduled_jobs
from sandbox.identifiers import identifier
from sandbox.timestamps import to_nanoseconds
from sandbox.world import World

FileContent = bytes | Path | None
"""What an added job's file holds: bytes, a file to serve, or None for one listed but missing."""


@dataclass(frozen=True, slots=True)
class _AddedJob:
    job: ExportJob
    paths: dict[str, Path]


class ExportStore:
    """All export jobs of the sandbox and their files on disk.

    The files of a scheduled job are written when the first of them is asked for. Thread-safe.
    Names of files given by a test never become paths.
    """

    def __init__(self, world: World, clock: SandboxClock, folder: Path) -> None:
        self._world = world
        self._clock = clock
        self._folder = folder
        self._lock = Lock()
        self._writing = Lock()
        self._scheduled = {job.completed.id: job for job in scheduled_jobs(world.settings)}
        self._added: dict[str, _AddedJob] = {}
        self._removed: set[str] = set()
        self._written: set[str] = set()
        self._files_stored = 0

    def jobs(self) -> list[ExportJob]:
        """Return the jobs that exist now, oldest data window first."""
        now = self._clock.now()
        with self._lock:
            scheduled = [job.at(now) for job in self._scheduled.values()]
            added = [added.job for added in self._added.values()]
            kept = [
                job
                for job in (*scheduled, *added)
                if job is not None and job.is_kept(now) and job.id not in self._removed
            ]
        return sorted(kept, key=lambda job: job.start_at)

    def job(self, job_id: str) -> ExportJob | None:
        """Return a job that exists now, or None."""
        return next((job for job in self.jobs() if job.id == job_id), None)

    def file(self, job_id: str, name: str) -> Path | None:
        """Return where a listed file of an existing job lies, or None if it cannot be had."""
        job = self.job(job_id)
        if job is None or name not in job.files:
            return None
        with self._lock:
            added = self._added.get(job_id)
            if added is not None:
                return added.paths.get(name)
        # A lock of its own: while one request waits for a large file, others still list jobs.
        with self._writing:
            return self._scheduled_folder(job) / name

    def _scheduled_folder(self, job: ExportJob) -> Path:
        folder = self._folder / job.id
        if job.id not in self._written:
            folder.mkdir(parents=True, exist_ok=True)
            write_export_files(self._world, job.start_at, job.end_at, folder)
            for name in job.files:
                _set_modified(folder / name, job.updated_at)
            self._written.add(job.id)
        return folder

    def add(
        self,
        files: Mapping[str, FileContent],
        *,
        status: JobStatus = "COMPLETED",
        updated_at: datetime | None = None,
        start_at: datetime | None = None,
        end_at: datetime | None = None,
        of_schedule: str | None = None,
        job_id: str | None = None,
    ) -> str:
        """Add a job beside the schedule's and return its id; see `Sandbox.add_job`."""
        updated = self._clock.now() if updated_at is None else updated_at
        ending = (
            updated.replace(hour=0, minute=0, second=0, microsecond=0) if end_at is None else end_at
        )
        with self._lock:
            job = ExportJob(
                id=identifier(self._world.settings.seed, "added job", len(self._added))
                if job_id is None
                else job_id,
                schedule_id=of_schedule or schedule_id(self._world.settings.seed),
                status=status,
                updated_at=to_nanoseconds(updated),
                start_at=ending - timedelta(days=1) if start_at is None else start_at,
                end_at=ending,
                files=tuple(files),
            )
            paths = {
                name: self._stored(content, job.updated_at)
                for name, content in files.items()
                if content is not None
            }
            self._added[job.id] = _AddedJob(job, paths)
        return job.id

    def replace_file(self, job_id: str, name: str, content: bytes) -> None:
        """Give an added job's file new content, and with it another ETag."""
        with self._lock:
            paths = self._added[job_id].paths
            modified = paths[name].stat().st_mtime_ns if name in paths else 0
            paths[name] = self._stored(content, modified + 10**9)

    def remove(self, job_id: str) -> None:
        """Take a job and its files away, as any API user of the organisation may."""
        with self._lock:
            self._removed.add(job_id)

    def restore(self, job_id: str) -> None:
        """Bring back a job that was taken away."""
        with self._lock:
            self._removed.discard(job_id)

    def _stored(self, content: bytes | Path, modified_at: int) -> Path:
        if isinstance(content, Path):
            return content
        self._files_stored += 1
        path = self._folder / f"added-{self._files_stored}"
        self._folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        _set_modified(path, modified_at)
        return path


def _set_modified(path: Path, nanoseconds: int) -> None:
    # ETag and Last-Modified come from here, so they too depend on nothing but world and clock.
    os.utime(path, ns=(nanoseconds, nanoseconds))
