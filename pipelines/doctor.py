"""Checks of a set-up, each with a plain fix."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from pipelines.explain import explain
from pipelines.media_store import open_media_store
from pipelines.runner import Target, check_values, open_client
from pipelines.settings import read_gladly_settings, read_helpdesk_settings
from sources.gladly.jobs import ExportJob, JobStatus
from sources.gladly.media import checked_media, stored_name
from sources.gladly.resources import jobs_of, list_jobs, list_schedules
from sources.gladly.settings import (
    EVENTS_PATH,
    SCHEDULES_PATH,
    GladlySettings,
    gladly_base_url,
)
from sources.http.client import ApiClient, Params
from sources.http.errors import HelpdeskError
from sources.tables.timestamps import format_timestamp

_FREE_BYTES = 5 * 10**9
_SKEW = timedelta(minutes=1)
_MOMENT = timedelta(minutes=1)
_DAILY_JOB_LATE = timedelta(hours=36)


class Verdict(StrEnum):
    """How a check went."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was looked at, how it went, what was found and what to do."""

    name: str
    verdict: Verdict
    found: str


def examine(destination: str | None) -> Iterator[Check]:
    """Yield every check; those that depend on a failed one are left out."""
    tool = read_helpdesk_settings()
    data = Path(tool.data_dir)
    yield from attempt("disk", lambda: check_disk(data))
    name = destination or tool.destination
    yield from attempt(
        "destination",
        lambda: check_destination(Target.open(name, tool.dataset, data, tool.max_memory_mb)),
    )
    settings = None
    for check in attempt("settings", check_settings):
        yield check
        settings = read_gladly_settings() if check.verdict is Verdict.OK else None
    if settings is not None and settings.media:
        wishes = (settings.media, settings.media_url, data)
        yield from attempt("media", lambda: check_media(*wishes))
    if settings is not None:
        yield from attempt("api", lambda: check_connection(settings))


def check_settings() -> Iterator[Check]:
    """Check that Gladly's settings are complete and name a safe host."""
    settings = read_gladly_settings()
    address = gladly_base_url(settings.organization, settings.base_url)
    yield Check("settings", Verdict.OK, f"{settings.email} at {address}.")


def check_media(kinds: Sequence[str], url: str | None, data: Path) -> Iterator[Check]:
    """Check that the store of attachments and recordings can be reached and read."""
    named = checked_media(kinds)
    store = open_media_store(url, data)
    store.find(stored_name(named[0], "doctor", "doctor"))
    yield Check("media", Verdict.OK, f"{', '.join(kinds)} go to {store.place}.")


def check_destination(target: Target) -> Iterator[Check]:
    """Check that the dataset of a destination can be read."""
    with tempfile.TemporaryDirectory() as folder:
        answer = target.warehouse(Path(folder)).declare().is_reachable()
    found = "holds data" if answer else "is empty yet"
    where = f"{target.destination_name} answers; dataset {target.dataset} {found}."
    yield Check("destination", Verdict.OK, where)


def failed_check(name: str, error: Exception) -> Check:
    """Return the check that an error stopped.

    Raises:
        Exception: the error itself, where it is no error a user can act on.
    """
    explained = error if isinstance(error, HelpdeskError) else explain(error)
    if explained is None:
        raise error
    return Check(name, Verdict.FAILED, str(explained))


def attempt(name: str, check: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    """Yield the checks, or the failed one that an error stopped them at."""
    try:
        yield from check()
    except Exception as error:  # noqa: BLE001 - failed_check raises again what it cannot explain
        yield failed_check(name, error)


def check_disk(data: Path) -> Iterator[Check]:
    """Check that the raw archive has room."""
    data.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(data).free
    verdict = Verdict.OK if free > _FREE_BYTES else Verdict.WARNING
    hint = "" if verdict is Verdict.OK else " Make room, or set data_dir to a larger disk."
    yield Check("disk", verdict, f"{free / 1e9:.1f} GB free for {data}.{hint}")


def check_connection(settings: GladlySettings) -> Iterator[Check]:
    """Check what only Gladly can tell."""
    check_values(settings)
    with open_client(settings) as client:
        yield from check_api(client, settings.event_entities, lambda: datetime.now(UTC))


def check_api(
    client: ApiClient, entities: Sequence[str], now: Callable[[], datetime]
) -> Iterator[Check]:
    """Check host, token, events, schedule, jobs, clock and rate budget."""
    schedules = list_schedules(client)
    yield Check("token", Verdict.OK, "The API user may read exports.")
    yield _events(client, entities, schedules.at)
    yield _schedule(schedules.values())
    listing = list_jobs(client, {})
    yield _jobs(list(jobs_of(listing).values()), listing.at)
    yield _clock(listing.at, now())
    yield _rate(client)


def _events(client: ApiClient, entities: Sequence[str], now: datetime) -> Check:
    params: Params = {"startAt": format_timestamp(now - _MOMENT), "entities": [*entities]}
    try:
        client.request("GET", EVENTS_PATH, params=params, as_json=False)
    except HelpdeskError as error:
        return Check("events", Verdict.FAILED, f"Events cannot be read: {error}")
    return Check(
        "events",
        Verdict.OK,
        "The API user may read events. Gladly keeps them for 24 hours: run "
        "`helpdesk run gladly --select events` every hour or every six.",
    )


def _schedule(schedules: list[object]) -> Check:
    frequencies = [str(item.get("frequency")) for item in schedules if isinstance(item, dict)]
    if not frequencies:
        return Check(
            "schedule",
            Verdict.FAILED,
            "No export is scheduled. Ask Gladly Support to set up a daily or hourly export.",
        )
    return Check("schedule", Verdict.OK, f"Exports run {', '.join(frequencies)}.")


def _jobs(jobs: list[ExportJob], now: datetime) -> Check:
    completed = [job for job in jobs if job.status == JobStatus.COMPLETED]
    broken = [job for job in jobs if job.status == JobStatus.FAILED]
    if not completed:
        return Check(
            "jobs",
            Verdict.WARNING,
            "No completed job in the last 14 days. The first one appears the night after the "
            "schedule was set up; ask Gladly Support if it does not.",
        )
    newest = max(job.updated_at for job in completed)
    found = f"{len(completed)} completed jobs, the newest from {newest:%Y-%m-%d %H:%M} UTC."
    if broken:
        return Check(
            "jobs",
            Verdict.WARNING,
            f"{found} {len(broken)} failed: ask Gladly Support to run them again.",
        )
    if now - newest > _DAILY_JOB_LATE:
        return Check("jobs", Verdict.WARNING, f"{found} That is late: ask Gladly Support.")
    return Check("jobs", Verdict.OK, found)


def _clock(server: datetime, local: datetime) -> Check:
    skew = abs(server.astimezone(UTC) - local.astimezone(UTC))
    if skew > _SKEW:
        return Check(
            "clock",
            Verdict.WARNING,
            f"This machine's clock differs from Gladly's by {skew}. Loads use Gladly's; set this "
            "machine's clock so that logs agree.",
        )
    return Check("clock", Verdict.OK, "This machine's clock agrees with Gladly's.")


def _rate(client: ApiClient) -> Check:
    headers = client.request("GET", SCHEDULES_PATH).headers
    limit = headers.get("Ratelimit-Limit-Second")
    remaining = headers.get("Ratelimit-Remaining-Second")
    if limit is None or remaining is None:
        return Check("rate budget", Verdict.OK, "Gladly names no limit; 10 a second is assumed.")
    verdict = Verdict.OK if int(remaining) > 1 else Verdict.WARNING
    hint = "" if verdict is Verdict.OK else " Others use it up: runs will be slow."
    return Check(
        "rate budget", verdict, f"{remaining} of {limit} requests a second were left.{hint}"
    )
