"""The export schedule and its jobs: calendar arithmetic (Gladly API reference, Export)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sandbox.identifiers import identifier
from sandbox.timestamps import (
    duration_in_nanoseconds,
    format_nanoseconds,
    start_of_day,
    to_nanoseconds,
)
from sandbox.world import Frequency, WorldSettings

JobStatus = Literal["PENDING", "IN_PROGRESS", "COMPLETED", "FAILED"]
JOB_STATUSES: tuple[JobStatus, ...] = get_args(JobStatus)
RETENTION = timedelta(days=14)
FILE_NAMES = ("agents.jsonl", "conversation_items.jsonl", "customers.jsonl", "topics.jsonl")

_WINDOWS: dict[Frequency, timedelta] = {"DAILY": timedelta(days=1), "HOURLY": timedelta(hours=1)}
# From a window's start to its job: daily ones run in the UTC night after, hourly ones two hours on.
_CREATED_AFTER: dict[Frequency, timedelta] = {
    "DAILY": timedelta(days=1, hours=1),
    "HOURLY": timedelta(hours=2),
}
_WAITS, _RUNS = timedelta(minutes=3), timedelta(minutes=9)
_JITTER_SECONDS = 240
_NANOSECONDS_PER_SECOND, _NANOSECONDS_PER_MICROSECOND = 10**9, 10**3
_FRACTION = 997_331


@dataclass(frozen=True, slots=True)
class ExportJob:
    """A job as it stands at one moment.

    Attributes:
        updated_at: When the job got its status, in nanoseconds since 1970.
        start_at: Start of the data window.
        end_at: End of the data window, itself outside.
        files: The names the job lists; only completed jobs have any.
    """

    id: str
    schedule_id: str
    status: JobStatus
    updated_at: int
    start_at: datetime
    end_at: datetime
    files: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """Return the job as the API shows it."""
        return {
            "id": self.id,
            "scheduleId": self.schedule_id,
            "status": self.status,
            "updatedAt": format_nanoseconds(self.updated_at),
            "parameters": {
                "type": "CONVERSATIONS",
                "startAt": format_nanoseconds(to_nanoseconds(self.start_at)),
                "endAt": format_nanoseconds(to_nanoseconds(self.end_at)),
            },
            "files": list(self.files),
        }

    def is_kept(self, now: datetime) -> bool:
        """Return whether the job exists at `now`: made already, and not over 14 days old."""
        age = to_nanoseconds(now) - self.updated_at
        return 0 <= age <= duration_in_nanoseconds(RETENTION)


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    """A job of the schedule through its whole life; instants in nanoseconds since 1970."""

    created_at: int
    started_at: int
    completed: ExportJob

    def at(self, now: datetime) -> ExportJob | None:
        """Return the job as it stands at `now`, or None before its creation."""
        instant = to_nanoseconds(now)
        if instant >= self.completed.updated_at:
            return self.completed
        if instant >= self.started_at:
            return replace(
                self.completed, status="IN_PROGRESS", updated_at=self.started_at, files=()
            )
        if instant >= self.created_at:
            return replace(self.completed, status="PENDING", updated_at=self.created_at, files=())
        return None


def schedule_id(seed: int) -> str:
    """Return the id of the organisation's one schedule."""
    return identifier(seed, "export schedule")


def _scheduled_job(settings: WorldSettings, index: int) -> ScheduledJob:
    length = _WINDOWS[settings.frequency]
    start = start_of_day(settings.first_day) + index * length
    # A digest of the index spreads the times, so that no two jobs share a fraction of a second.
    spread = int.from_bytes(identifier(settings.seed, "export time", index).encode())
    created = to_nanoseconds(start + _CREATED_AFTER[settings.frequency])
    created += spread % (_JITTER_SECONDS * _NANOSECONDS_PER_SECOND)
    started = created + duration_in_nanoseconds(_WAITS)
    completed = started + duration_in_nanoseconds(_RUNS)
    job = ExportJob(
        id=identifier(settings.seed, "export job", index),
        schedule_id=schedule_id(settings.seed),
        status="COMPLETED",
        updated_at=completed + spread % _FRACTION,
        start_at=start,
        end_at=start + length,
        files=FILE_NAMES,
    )
    return ScheduledJob(created, started, job)


def scheduled_jobs(settings: WorldSettings) -> list[ScheduledJob]:
    """Return the jobs of all windows of the world's days, oldest window first.

    The windows are adjacent: each begins where the one before ends.
    """
    windows = settings.days * (timedelta(days=1) // _WINDOWS[settings.frequency])
    return [_scheduled_job(settings, index) for index in range(windows)]


def after_jobs_under_way(settings: WorldSettings, now: datetime) -> datetime:
    """Return `now`, or when the job that is under way then is completed.

    A clock that stands still there would leave that job unfinished for ever.
    """
    for job in scheduled_jobs(settings):
        stands = job.at(now)
        if stands and stands != job.completed:
            left = job.completed.updated_at - to_nanoseconds(now)
            return now + timedelta(microseconds=-(-left // _NANOSECONDS_PER_MICROSECOND))
    return now


def schedule_record(settings: WorldSettings, now: datetime) -> dict[str, Any]:
    """Return the schedule as the API shows it: `nextStartAt` begins the next job's window."""
    length = _WINDOWS[settings.frequency]
    first = start_of_day(settings.first_day)
    created = (now - first - _CREATED_AFTER[settings.frequency]) // length + 1
    return {
        "id": schedule_id(settings.seed),
        "frequency": settings.frequency,
        "type": "CONVERSATIONS",
        "nextStartAt": format_nanoseconds(to_nanoseconds(first + max(created, 0) * length)),
        "updatedAt": format_nanoseconds(to_nanoseconds(first)),
    }
