"""Work sessions: a trailing span up to now, and provisional rows gone once a contact has ended.

last run   -----------[------------)until            what could still change then
asked for             [----------------------] now

A backfill reads what is before the first of these spans, newest weeks first:

first run                             [------------)
backfill   [-------)[-------)[-------)
              3rd      2nd      1st
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pipelines import ledger
from pipelines.loading import Loader
from pipelines.package import Package, lineage_of
from pipelines.progress import requests_left
from pipelines.warehouse import Warehouse
from sources.gladly.report_requests import Minutes
from sources.gladly.report_types import WORK_SESSION_EVENTS as REPORT
from sources.gladly.reports import SUSPECT_ROWS, fetch_csv
from sources.gladly.settings import BACKFILLED_SESSIONS_STREAM, WORK_SESSIONS_STREAM
from sources.gladly.work_sessions import (
    WORK_SESSION_EVENTS,
    WORK_SESSION_EVENTS_PATH,
    WorkSessionParser,
    work_session_request,
)
from sources.http.budget import RateBudget
from sources.http.client import ApiClient
from sources.http.errors import TruncatedError
from sources.streams.archive import RawFile, archive_path
from sources.streams.csv_records import CsvTable
from sources.streams.windows import Window, pieces, subtract
from sources.tables.parquet import TableFiles
from sources.tables.timestamps import format_timestamp

_FILE = "work_session_events.csv"
_MINUTE = timedelta(minutes=1)


def load_work_sessions(
    client: ApiClient,
    budget: RateBudget,
    archive: Path,
    loader: Loader,
    trailing_days: int | None,
    first: datetime | None,
    now: datetime,
) -> None:
    """Load the work sessions that ended, began or may have changed since the last run.

    Args:
        client: For Gladly.
        budget: That of all requests for reports.
        archive: The folder of raw reports.
        loader: Loads them.
        trailing_days: How far back to read again; None for as long as they can change.
        first: Where a first run begins; None for the trailing span.
        now: Gladly's clock.

    Raises:
        TruncatedError: one minute has so many that Gladly cuts it.
    """
    windows = ledger.loaded_windows(loader.warehouse, WORK_SESSIONS_STREAM).values()
    trailing = timedelta(days=trailing_days or REPORT.trailing_days)
    start = max((window.end for window in windows), default=now) - trailing
    if first and not windows:
        start = min(start, first)
    reading = _Reading(client, budget, archive, loader, now, WORK_SESSIONS_STREAM)
    reading.load(Minutes(start, now))
    drop_provisional(loader.warehouse)


def backfill_work_sessions(
    client: ApiClient,
    budget: RateBudget,
    archive: Path,
    loader: Loader,
    span: Window,
    now: datetime,
) -> None:
    """Load the work sessions of a span, as far as it is before what nightly runs read.

    Weeks that an earlier backfill read after they could change are not asked for again.

    Args:
        client: For Gladly.
        budget: That of all requests for reports.
        archive: The folder of raw reports.
        loader: Loads them.
        span: What to load.
        now: Gladly's clock.

    Raises:
        TruncatedError: one minute has so many that Gladly cuts it; the other weeks are loaded.
    """
    warehouse = loader.warehouse
    runs = ledger.loaded_windows(warehouse, WORK_SESSIONS_STREAM).values()
    wanted = Window(span.start, min([span.end, now, *(window.start for window in runs)]))
    trailing = timedelta(days=REPORT.trailing_days)
    done = ledger.settled_windows(warehouse, BACKFILLED_SESSIONS_STREAM, trailing)
    longest = timedelta(days=REPORT.days_per_request)
    weeks = [week for part in subtract(wanted, done) for week in pieces(part, longest)]
    reading = _Reading(client, budget, archive, loader, now, BACKFILLED_SESSIONS_STREAM)
    cut: list[TruncatedError] = []
    for left, week in zip(range(len(weeks), 0, -1), reversed(weeks), strict=True):
        loader.progress.say(requests_left("Work sessions", left, budget.starts_a_minute))
        try:
            reading.load(Minutes(week.start, max(week.end - _MINUTE, week.start + _MINUTE)))
        except TruncatedError as error:
            loader.progress.say(str(error))
            cut.append(error)
    drop_provisional(warehouse)
    if cut:
        raise cut[0]


def drop_provisional(warehouse: Warehouse) -> None:
    """Delete rows of contacts without an agent where the contact has rows of agents."""
    if not warehouse.can_delete:
        return
    contact, agent = WORK_SESSION_EVENTS.key
    with warehouse.session() as session:
        table = session.names.final(WORK_SESSION_EVENTS.name)
        contact, agent = session.names.column(contact), session.names.column(agent)
        have_agents = (
            f"SELECT 1 FROM {table} AS e WHERE e.{contact} = d.{contact} AND e.{agent} <> ''"
        )
        session.run([f"DELETE FROM {table} AS d WHERE d.{agent} = '' AND EXISTS ({have_agents})"])


@dataclass(frozen=True, slots=True)
class _Reading:
    """How work sessions are read and loaded, and the stream that the ledger knows them by."""

    client: ApiClient
    budget: RateBudget
    archive: Path
    loader: Loader
    now: datetime
    stream: str

    def load(self, minutes: Minutes) -> None:
        for raw in self._files(minutes):
            _load(self.loader, raw)

    def _files(self, minutes: Minutes) -> Iterator[RawFile]:
        """Yield the reports of a span, halved until none of them is cut."""
        span = f"{format_timestamp(minutes.first)}/{format_timestamp(minutes.last)}"
        job_id = f"{REPORT.metric_set} {span} {format_timestamp(self.now)}"
        path = archive_path(self.archive, job_id, _FILE)
        body = work_session_request(minutes.first, minutes.last)
        with self.loader.progress.work("download work sessions", None):
            fetched = fetch_csv(
                self.client, self.budget, path, WORK_SESSION_EVENTS_PATH, body, span
            )
        with path.open("rb") as stream:
            rows = sum(1 for _ in CsvTable(stream))
        if rows < SUSPECT_ROWS:
            yield RawFile(
                self.stream,
                job_id,
                _FILE,
                self.now,
                # the last minute is inside
                Window(minutes.first, min(minutes.last + _MINUTE, self.now)),
                path,
                fetched.bytes,
                fetched.sha256,
                fetched.seconds,
            )
            return
        path.unlink()
        parts = minutes.halves()
        if parts is None:
            raise TruncatedError(
                f"Work sessions of the minute {format_timestamp(minutes.first)} are so many that "
                "Gladly cuts them. Ask Gladly Support for them."
            )
        for part in parts:
            yield from self._files(part)


def _load(loader: Loader, raw: RawFile) -> None:
    package = Package([])
    with TableFiles(loader.folder) as files, raw.path.open("rb") as stream:
        package.counts.append((raw, WorkSessionParser().parse(stream, lineage_of(raw), files)))
        package.tables = files.finish()
    loader.load_package(package)
