"""Which export jobs to load, in which order, and which data no job can bring. Pure functions.

Source: Gladly API reference, tag Export. A job's ``updatedAt`` says when it was extracted, its
``parameters`` which data it holds: jobs are loaded in the order of extraction, and holes are
looked for between data windows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sources.gladly.gaps import Gap, GapKind
from sources.gladly.settings import EXPORT_STREAM
from sources.streams.windows import Window, holes, subtract
from sources.tables.timestamps import parse_timestamp

RETENTION = timedelta(days=14)


class JobStatus(StrEnum):
    """The states of an export job."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class ExportJob:
    """One export job. ``window`` is the span of the data, ``None`` where Gladly names none."""

    id: str
    status: str
    updated_at: datetime
    schedule_id: str | None
    window: Window | None
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JobFile:
    """One file of a job."""

    job: ExportJob
    name: str


# (job id, file) -> the version of it that was loaded last
LoadedFiles = Mapping[tuple[str, str], datetime]


@dataclass(frozen=True, slots=True)
class JobPlan:
    """What to do with the jobs listed: load (in this order), wait for, report as failed."""

    load: tuple[JobFile, ...]
    unfinished: tuple[ExportJob, ...]
    failed: tuple[ExportJob, ...]


def parse_job(value: Mapping[str, Any]) -> ExportJob | None:
    """Return a job as listed, or None where it has no usable id or ``updatedAt``."""
    updated_at = _timestamp(value.get("updatedAt"))
    identifier = value.get("id")
    if not isinstance(identifier, str) or not identifier or updated_at is None:
        return None
    if "\0" in identifier:
        # no destination may hold it; the list it stands in is quarantined under the same reason
        return None
    parameters = value.get("parameters")
    parameters = parameters if isinstance(parameters, Mapping) else {}
    start, end = _timestamp(parameters.get("startAt")), _timestamp(parameters.get("endAt"))
    files = value.get("files")
    schedule_id = value.get("scheduleId")
    return ExportJob(
        id=identifier,
        status=str(value.get("status")),
        updated_at=updated_at,
        schedule_id=schedule_id if isinstance(schedule_id, str) else None,
        window=Window(start, end) if start and end else None,
        files=tuple(dict.fromkeys(name for name in files if isinstance(name, str)))
        if isinstance(files, Sequence) and not isinstance(files, str)
        else (),
    )


def plan_jobs(
    listed: Iterable[ExportJob], loaded: LoadedFiles, selected: Callable[[str], bool]
) -> JobPlan:
    """Decide what to do with each job; ``selected`` says which files are wanted.

    Files come in the order of extraction. A job that Gladly made again has a later ``updatedAt``
    and is loaded again.
    """
    jobs = sorted(listed, key=_extraction_order)
    return JobPlan(
        load=tuple(
            JobFile(job, name)
            for job in jobs
            if job.status == JobStatus.COMPLETED
            for name in job.files
            if selected(name) and not is_file_loaded(job, name, loaded)
        ),
        unfinished=tuple(
            job for job in jobs if job.status in (JobStatus.PENDING, JobStatus.IN_PROGRESS)
        ),
        failed=tuple(job for job in jobs if job.status == JobStatus.FAILED),
    )


def is_file_loaded(job: ExportJob, name: str, loaded: LoadedFiles) -> bool:
    """Return whether this version of a file, or a later one, is loaded."""
    version = loaded.get((job.id, name))
    return version is not None and version >= job.updated_at


def is_job_loaded(job: ExportJob, loaded: LoadedFiles) -> bool:
    """Return whether every file of a completed job is loaded."""
    return job.status == JobStatus.COMPLETED and all(
        is_file_loaded(job, name, loaded) for name in job.files
    )


def find_gaps(
    known: Iterable[ExportJob],
    *,
    loaded: LoadedFiles,
    listed_ids: frozenset[str],
    unreadable: Mapping[str, str],
    now: datetime,
) -> list[Gap]:
    """Return the spans whose data was not loaded and will not come by itself, in order, disjoint.

    Args:
        known: Every job listed now or ever before.
        loaded: What is loaded.
        listed_ids: The jobs Gladly still lists.
        unreadable: Jobs whose files Gladly no longer has, and what it answered.
        now: Gladly's clock.
    """
    have, coming, lost = [], [], []
    for job in sorted(known, key=_extraction_order):
        if job.window is None:
            continue
        if is_job_loaded(job, loaded):
            have.append(job.window)
        elif _may_come(job, listed_ids, unreadable):
            coming.append(job.window)
        else:
            lost.append((job, job.window))
    gaps: list[Gap] = []
    for job, window in lost:
        # a span that several jobs lost is one gap: the first of them explains it
        known_elsewhere = (*have, *coming, *(gap.window for gap in gaps))
        gaps += [
            Gap(EXPORT_STREAM, part, *_why_lost(job, unreadable), job.id)
            for part in subtract(window, known_elsewhere)
        ]
    explained = [*have, *coming, *(gap.window for gap in gaps)]
    gaps += [Gap(EXPORT_STREAM, hole, *_why_missing(hole, now)) for hole in holes(explained)]
    return sorted(gaps, key=lambda gap: gap.window)


def _extraction_order(job: ExportJob) -> tuple[datetime, str]:
    return job.updated_at, job.id


def _may_come(job: ExportJob, listed_ids: frozenset[str], unreadable: Mapping[str, str]) -> bool:
    return job.id in listed_ids and job.status != JobStatus.FAILED and job.id not in unreadable


def _why_lost(job: ExportJob, unreadable: Mapping[str, str]) -> tuple[GapKind, str]:
    if job.status == JobStatus.FAILED:
        return GapKind.FAILED, (
            f"Export job {job.id} failed at Gladly. Ask Gladly Support to run it again."
        )
    detail = unreadable.get(job.id, "Gladly no longer lists it")
    return GapKind.EXPIRED, (
        f"Export job {job.id} was gone before it was read ({detail}). Ask Gladly Support to "
        "regenerate it; the next run then loads it and closes this gap."
    )


def _why_missing(hole: Window, now: datetime) -> tuple[GapKind, str]:
    if hole.end < now - RETENTION:
        return GapKind.EXPIRED, (
            "No run read this span within the 14 days that Gladly keeps jobs. Ask Gladly Support "
            "to regenerate it; the next run then loads it and closes this gap."
        )
    return GapKind.MISSING, (
        "No export job covers this span. Ask Gladly Support for a one-time export of it."
    )


def _timestamp(value: object) -> datetime | None:
    parsed = parse_timestamp(value) if isinstance(value, str) else None
    return parsed.at if parsed else None
