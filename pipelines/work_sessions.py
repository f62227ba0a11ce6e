"""Work sessions: a trailing span up to now, and provisional rows gone once a contact has ended.

last run   -----------[------------)until            what could still change then
asked for             [----------------------] now
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from pipelines import ledger
from pipelines.loading import Loader
from pipelines.package import Package, lineage_of
from pipelines.warehouse import Warehouse
from sources.gladly.report_requests import Minutes
from sources.gladly.report_types import WORK_SESSION_EVENTS as REPORT
from sources.gladly.reports import SUSPECT_ROWS, fetch_csv
from sources.gladly.settings import WORK_SESSIONS_STREAM
from sources.gladly.work_sessions import (
    WORK_SESSION_EVENTS,
    WORK_SESSION_EVENTS_PATH,
    WorkSessionParser,
    work_session_request,
)
from sources.http.budget import RateBudget
from sources.http.client import ApiClient
from sources.http.errors import TruncatedError
from sources.streams.archive import RawFile, archive_path, size_and_digest
from sources.streams.csv_records import CsvTable
from sources.streams.windows import Window
from sources.tables.parquet import TableFiles
from sources.tables.timestamps import format_timestamp

_FILE = "work_session_events.csv"


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
    for raw in _files(client, budget, archive, loader, Minutes(start, now)):
        _load(loader, raw)
    drop_provisional(loader.warehouse)


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


def _files(
    client: ApiClient,
    budget: RateBudget,
    archive: Path,
    loader: Loader,
    minutes: Minutes,
) -> Iterator[RawFile]:
    """Yield the reports of a span, halved until none of them is cut."""
    span = f"{format_timestamp(minutes.first)}/{format_timestamp(minutes.last)}"
    job_id = f"{REPORT.metric_set} {span}"
    path = archive_path(archive, job_id, _FILE)
    body = work_session_request(minutes.first, minutes.last)
    with loader.progress.work("download work sessions", None):
        fetched = fetch_csv(client, budget, path, WORK_SESSION_EVENTS_PATH, body, span)
    with path.open("rb") as stream:
        rows = sum(1 for _ in CsvTable(stream))
    if rows < SUSPECT_ROWS:
        yield RawFile(
            WORK_SESSIONS_STREAM,
            job_id,
            _FILE,
            minutes.last,
            Window(minutes.first, minutes.last),
            path,
            *size_and_digest(path),
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
        yield from _files(client, budget, archive, loader, part)


def _load(loader: Loader, raw: RawFile) -> None:
    package = Package([])
    with TableFiles(loader.folder) as files, raw.path.open("rb") as stream:
        package.counts.append((raw, WorkSessionParser().parse(stream, lineage_of(raw), files)))
        package.tables = files.finish()
    loader.load_package(package)
