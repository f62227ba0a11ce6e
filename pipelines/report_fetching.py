"""One request for a report to the bodies that answer it whole, split where Gladly would cut it.

several days   near the cap, or rows that do not say their day   -> halves, or single days
one day        near the cap, the report takes minutes            -> halves of the day
               near the cap, the report takes filters            -> one body an inbox or channel
               near the cap all the same                         -> an error, never silence
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pipelines.progress import ProgressReporter
from sources.gladly.report_requests import Minutes, filtered_requests, minutes_of, report_body
from sources.gladly.report_rows import ReportRequest, scan_report
from sources.gladly.report_types import REPORTS, Report
from sources.gladly.reports import (
    REPORTS_PATH,
    ROW_CAP,
    SUSPECT_ROWS,
    DaySpan,
    fetch_csv,
    halves,
)
from sources.gladly.settings import REPORTS_STREAM
from sources.http.budget import RateBudget
from sources.http.client import ApiClient
from sources.http.errors import (
    AnyHelpdeskError,
    GapError,
    GiveUpError,
    HelpdeskError,
    RetryableError,
    TruncatedError,
)
from sources.streams.archive import RawFile, archive_path
from sources.streams.windows import Window
from sources.tables.timestamps import format_timestamp


@dataclass(frozen=True, slots=True)
class FetchedReport:
    """The bodies that together answer one request."""

    request: ReportRequest
    files: tuple[RawFile, ...]


@dataclass(slots=True)
class FetchOutcome:
    """What came of one request.

    Args:
        reports: what is whole, in spans of days.
        errors: why the rest is missing: a TruncatedError for each day that is cut whatever is
            done; any other one is about all days of the metric set.
    """

    reports: list[FetchedReport] = field(default_factory=list)
    errors: list[HelpdeskError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ReportFetcher:
    """Fetches reports into the archive; thread-safe.

    A report is never taken from the archive: asked for again, it may answer otherwise.
    """

    client: ApiClient
    budget: RateBudget
    archive: Path
    progress: ProgressReporter
    now: datetime
    inbox_ids: Sequence[str]

    def fetch(self, request: ReportRequest) -> FetchOutcome:
        """Return the report, in spans of days where one request is too little, or why not.

        Raises:
            HelpdeskError: no request for anything can succeed.
        """
        outcome = FetchOutcome()
        try:
            for found in self._days(request):
                if isinstance(found, TruncatedError):
                    outcome.errors.append(found)
                else:
                    outcome.reports.append(found)
        except (GiveUpError, GapError, RetryableError) as error:
            outcome.errors.append(_named(error, request))
        for reason in outcome.errors:
            self.progress.say(str(reason))
        return outcome

    def _days(self, request: ReportRequest) -> Iterator[FetchedReport | TruncatedError]:
        try:
            yield from self._whole_or_split(request)
        except TruncatedError as error:
            yield _named(error, request)

    def _whole_or_split(self, request: ReportRequest) -> Iterator[FetchedReport | TruncatedError]:
        report = REPORTS[request.metric_set]
        whole = self._minutes(request)
        raw = self._file(report, request, whole if report.takes_only_times else None)
        with raw.path.open("rb") as stream:
            scan = scan_report(report, stream, request)
        is_one_window = request.is_one_window
        if scan.records < SUSPECT_ROWS and (is_one_window or not scan.undated):
            yield FetchedReport(request, (raw,))
            return
        raw.path.unlink()
        if not is_one_window:
            span = DaySpan(request.first_day, request.last_day)
            single = [DaySpan(day, day) for day in request.days]
            for first_day, last_day in single if scan.undated else halves(span):
                yield from self._days(replace(request, first_day=first_day, last_day=last_day))
        elif report.takes_times:
            yield FetchedReport(request, tuple(self._by_minutes(report, request, whole, ())))
        else:
            parts = self._by_filters(report, request, scan.records, ())
            yield FetchedReport(request, tuple(parts))

    def _by_minutes(
        self, report: Report, request: ReportRequest, minutes: Minutes, place: tuple[int, ...]
    ) -> Iterator[RawFile]:
        """Yield the parts of a day by minutes, each small enough."""
        parts = minutes.halves()
        if parts is None:
            raise TruncatedError(_cut(request))
        for number, part in enumerate(parts):
            raw = self._file(report, request, part, (*place, number))
            if _records(report, raw, request) < SUSPECT_ROWS:
                yield raw
            else:
                raw.path.unlink()
                yield from self._by_minutes(report, request, part, (*place, number))

    def _by_filters(
        self, report: Report, request: ReportRequest, records: int, place: tuple[int, ...]
    ) -> Iterator[RawFile]:
        """Yield the parts of a day by inbox or channel, if together they hold all of it."""
        parts = filtered_requests(report, request, self.inbox_ids)
        if not parts:
            raise TruncatedError(_cut(request))
        found = 0
        for number, part in enumerate(parts):
            raw = self._file(report, part, None, (*place, number))
            rows = _records(report, raw, part)
            found += rows
            if rows < SUSPECT_ROWS:
                yield raw
            else:
                raw.path.unlink()
                yield from self._by_filters(report, part, rows, (*place, number))
        if found < records:
            raise TruncatedError(
                f"{_cut(request)} Its parts together have {found:,} rows, fewer than the whole."
            )

    def _minutes(self, request: ReportRequest) -> Minutes:
        zone = ZoneInfo(request.timezone)
        return minutes_of(request.first_day, request.last_day, zone, self.now)

    def _file(
        self,
        report: Report,
        request: ReportRequest,
        minutes: Minutes | None,
        place: tuple[int, ...] = (),
    ) -> RawFile:
        name = ".".join([report.metric_set, *map(str, place), "csv"])
        at = format_timestamp(self.now)
        days = f"{request.first_day}/{request.last_day}"
        job_id = " ".join(filter(None, (report.metric_set, days, request.part, at)))
        path = archive_path(self.archive, job_id, name)
        with self.progress.work(f"download {name}", None):
            fetched = fetch_csv(
                self.client,
                self.budget,
                path,
                REPORTS_PATH,
                report_body(report, request, minutes),
                str(request),
            )
        whole = self._minutes(request)
        return RawFile(
            REPORTS_STREAM,
            job_id,
            name,
            self.now,
            Window(whole.first, whole.last),
            path,
            fetched.bytes,
            fetched.sha256,
            fetched.seconds,
        )


def _named(error: AnyHelpdeskError, request: ReportRequest) -> AnyHelpdeskError:
    """Return the same error; its message says which report it is about."""
    named = copy.copy(error)
    named.args = (f"{request}: {error}",)
    return named


def _records(report: Report, raw: RawFile, request: ReportRequest) -> int:
    with raw.path.open("rb") as stream:
        return scan_report(report, stream, request).records


def _cut(request: ReportRequest) -> str:
    return (
        f"Gladly cuts reports silently near {ROW_CAP:,} rows; {request.metric_set} of "
        f"{request.first_day} has that many and cannot be parted any further, so rows of that day "
        "may be missing. Ask Gladly Support for this report of that day as a whole."
    )
