"""Sandboxes whose export jobs a test names, the same job id every time a job is made again."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sandbox import Sandbox, SandboxSettings, WorldSettings
from tests.pipelines.runs import ITEMS

FIRST_DAY = datetime(2026, 3, 2, tzinfo=UTC)
NOW = FIRST_DAY + timedelta(days=8)


@dataclass(frozen=True)
class Job:
    """A job as it was extracted ``hours`` after the first day; its window is the first day."""

    hours: int
    lines: tuple[bytes, ...]
    file: str = ITEMS


@contextmanager
def gladly(jobs: Mapping[int, Job], now: datetime = NOW) -> Iterator[Sandbox]:
    """Serve these jobs and no others; equal numbers get equal ids in every sandbox.

    Its clock runs from ``now`` on: a second sandbox of the same time may seem the earlier one.
    """
    settings = SandboxSettings(
        world=WorldSettings(items=0, days=0), now=now, requests_per_second=1000
    )
    with Sandbox(settings) as sandbox:
        for number in range(max(jobs, default=-1) + 1):
            job = jobs.get(number, Job(0, ()))
            identifier = sandbox.add_job(
                {job.file: b"".join(job.lines)},
                updated_at=FIRST_DAY + timedelta(hours=job.hours),
                start_at=FIRST_DAY,
                end_at=FIRST_DAY + timedelta(days=1),
            )
            if number not in jobs:
                sandbox.remove_job(identifier)
        yield sandbox
