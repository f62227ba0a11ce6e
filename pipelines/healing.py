"""Event gaps filled from the timestamps reports, which Gladly keeps for ever.

    requests   [-----------)                         [-----------)
    gap                    [------------------------)
    reports            |  day 1  |  day 2  |  day 3  |               asked for whole days
    kept                   [---------------------------)             rows of the gap only

Every span of every report is a row of ``load_files``: what was filled is not asked for again, so a
backfill of years that is stopped goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import partial
from itertools import product
from pathlib import Path

from pipelines import ledger
from pipelines.loading import Loader
from pipelines.progress import requests_left
from pipelines.warehouse import Warehouse
from sources.gladly.event_matching import MATCHING_IDS, MatchingKey
from sources.gladly.event_types import EVENTS
from sources.gladly.healed_rows import ReportParser, count_rows
from sources.gladly.report_windows import SETTLED_AFTER, day_spans
from sources.gladly.reports import (
    REPORTS_AT_ONCE,
    DaySpan,
    fetch_report,
    spans_to_ask_again,
)
from sources.gladly.settings import TIMESTAMPS_REPORTS_STREAM
from sources.gladly.timestamps_reports import TIMESTAMPS_REPORTS
from sources.http.budget import RateBudget
from sources.http.client import ApiClient
from sources.http.errors import GapError, GiveUpError, HelpdeskError, TruncatedError
from sources.streams.archive import RawFile, archive_path, ends_in_newline, size_and_digest
from sources.streams.windows import Window, subtract
from sources.tables.declarations import ORIGIN, Record, records_of
from sources.tables.timestamps import format_timestamp

DAYS_PER_REQUEST = 7
_FILES_PER_PACKAGE = 16
_EVENTS_ORIGIN = "events"


@dataclass(frozen=True, slots=True)
class _Request:
    """A span of a report: the days to ask for, and the window whose rows are kept."""

    metric_set: str
    span: DaySpan
    window: Window

    @property
    def id(self) -> str:
        """What the ledger and the archive call it."""
        start, end = map(format_timestamp, self.window)
        return f"{self.metric_set} {start}/{end}"


def healed_windows(warehouse: Warehouse) -> dict[str, list[Window]]:
    """Return what each timestamps report has filled so far."""
    healed: dict[str, list[Window]] = {report.metric_set: [] for report in TIMESTAMPS_REPORTS}
    for (_, file), window in ledger.loaded_windows(warehouse, TIMESTAMPS_REPORTS_STREAM).items():
        healed[file.removesuffix(".csv")].append(window)
    return healed


def heal_events(
    client: ApiClient,
    budget: RateBudget,
    archive: Path,
    loader: Loader,
    windows: Iterable[Window],
    now: datetime,
) -> list[HelpdeskError]:
    """Fill windows from the timestamps reports, as far as they are settled and not filled yet.

    A report that Gladly refuses is not asked for again by this run; it and one that cannot be read
    keep no other from being loaded.

    Args:
        client: For Gladly.
        budget: That of all requests for reports.
        archive: The folder of raw reports.
        loader: Loads them.
        windows: What no request for events covered.
        now: Gladly's clock.

    Returns:
        Why some spans stay open: a ``TruncatedError`` for each day of a report that Gladly cuts, a
        ``GiveUpError`` for each request that it refuses and each report that cannot be read.

    Raises:
        HelpdeskError: no report can be fetched at present; what came before it is loaded.
    """
    settled = now - SETTLED_AFTER
    wanted = [Window(start, min(end, settled)) for start, end in windows if start < settled]
    errors: list[HelpdeskError] = []
    refused: set[str] = set()
    requests = list(_requests(wanted, healed_windows(loader.warehouse)))
    fetch = partial(_fetch_or_refuse, client, budget, archive, loader, now)
    with ThreadPoolExecutor(REPORTS_AT_ONCE) as executor:
        while requests := [one for one in requests if one.metric_set not in refused]:
            loader.progress.say(
                requests_left("Reports of events", len(requests), budget.starts_a_minute)
            )
            batch, requests = requests[:_FILES_PER_PACKAGE], requests[_FILES_PER_PACKAGE:]
            found = [
                (request.metric_set, one)
                for request, part in zip(batch, executor.map(fetch, batch), strict=True)
                for one in part
            ]
            raw_files = [one for _, one in found if isinstance(one, RawFile)]
            errors += [one for _, one in found if isinstance(one, HelpdeskError)]
            refused |= {name for name, one in found if isinstance(one, GiveUpError)}
            errors += _load(loader, raw_files)
    return errors


def _load(loader: Loader, raw_files: Sequence[RawFile]) -> list[GiveUpError]:
    """Load reports as one package; where one cannot be read, each alone, and return why."""
    if not raw_files:
        return []
    try:
        loader.load(raw_files, _parsers(loader.warehouse, raw_files))
    except GiveUpError as error:
        if len(raw_files) == 1:
            loader.progress.say(str(error))
            return [error]
        return [one for raw in raw_files for one in _load(loader, [raw])]
    return []


def _requests(
    windows: Iterable[Window], healed: Mapping[str, Sequence[Window]]
) -> Iterator[_Request]:
    """Yield what is still to be asked for, all reports of a span beside each other."""
    for window in windows:
        spans = day_spans(window, DAYS_PER_REQUEST)
        for span, metric_set in product(spans, healed):
            for part in subtract(_within(window, span), healed[metric_set]):
                for days in day_spans(part, DAYS_PER_REQUEST):
                    yield _Request(metric_set, days, part)


def _within(window: Window, span: DaySpan) -> Window:
    first = datetime.combine(span.first_day, time(), UTC)
    after = datetime.combine(span.last_day, time(), UTC) + timedelta(days=1)
    return Window(max(window.start, first), min(window.end, after))


def _fetch_or_refuse(
    client: ApiClient,
    budget: RateBudget,
    archive: Path,
    loader: Loader,
    now: datetime,
    request: _Request,
) -> list[RawFile | HelpdeskError]:
    """Return the report of a span, or why Gladly refuses it."""
    try:
        return _fetch(client, budget, archive, loader, now, request)
    except (GiveUpError, GapError) as error:
        first_day, last_day = request.span
        named = GiveUpError(
            f"{request.metric_set} of {first_day} to {last_day}: {error}", status=error.status
        )
        loader.progress.say(str(named))
        return [named]


def _fetch(
    client: ApiClient,
    budget: RateBudget,
    archive: Path,
    loader: Loader,
    now: datetime,
    request: _Request,
) -> list[RawFile | HelpdeskError]:
    """Return the report of a span, or those of its halves where Gladly would cut it."""
    name = f"{request.metric_set}.csv"
    path = archive_path(archive, request.id, name)
    if ends_in_newline(path):
        seconds, (size, digest) = 0.0, size_and_digest(path)
    else:
        with loader.progress.work(f"download {request.metric_set}", None):
            fetched = fetch_report(client, budget, path, request.metric_set, *request.span)
        seconds, size, digest = fetched.seconds, fetched.bytes, fetched.sha256
    with path.open("rb") as stream:
        rows = count_rows(stream)
    try:
        parts = spans_to_ask_again(request.metric_set, request.span, rows)
    except TruncatedError as error:
        path.unlink()
        loader.progress.say(str(error))
        return [error]
    if parts:
        path.unlink()
        halves = (
            replace(request, span=part, window=_within(request.window, part)) for part in parts
        )
        again = partial(_fetch, client, budget, archive, loader, now)
        return [one for half in halves for one in again(half)]
    return [
        RawFile(
            TIMESTAMPS_REPORTS_STREAM,
            request.id,
            name,
            now,
            request.window,
            path,
            size,
            digest,
            seconds,
        )
    ]


def _parsers(warehouse: Warehouse, raw_files: Iterable[RawFile]) -> dict[str, ReportParser]:
    windows = [raw.window for raw in raw_files if raw.window]
    # a report may leave fractions of seconds out, so events just outside may look inside
    second = timedelta(seconds=1)
    whole = Window(
        min(window.start for window in windows) - second,
        max(window.end for window in windows) + second,
    )
    with warehouse.opened():
        known = [key for record in records_of(EVENTS) for key in _known(warehouse, record, whole)]
    return {
        f"{report.metric_set}.csv": ReportParser(report, known) for report in TIMESTAMPS_REPORTS
    }


def _known(warehouse: Warehouse, record: Record, window: Window) -> Iterator[MatchingKey]:
    """Yield what is compared of the events that the Events API delivered within a window."""
    columns = {leaf.path.removeprefix("content."): leaf.name for leaf in record.fields}
    ids = [columns.get(name) for name in MATCHING_IDS]
    named = [name for name in ids if name]
    start, end = map(format_timestamp, window)
    rows = warehouse.read(
        record.table,
        ("type", "timestamp", *named),
        f"c.{ORIGIN} = '{_EVENTS_ORIGIN}' AND c.timestamp >= '{start}' AND c.timestamp < '{end}'",
    )
    for kind, at, *values in rows:
        found = dict(zip(named, values, strict=True))
        told = tuple(found.get(name) or None if name else None for name in ids)
        yield MatchingKey(kind, at.astimezone(UTC), told)
