"""Reports: every day that can still change is read again and replaced, missing days are filled.

days       |  1  |  2  |  3  |  4  |  5  | today
loaded     [=================]     [=====)             day 4 was missed, day 5 was not over
asked for                    [-----------------]       with a trailing span of one day
replaced                     each day as a whole, also by nothing

After a pause, days that could still change when they were read last are read again as well; after
a change of settings, all days that were read with others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from pipelines.loading import Loader
from pipelines.package import Package, lineage_of
from pipelines.report_fetching import FetchedReport, FetchOutcome, ReportFetcher
from pipelines.warehouse import Warehouse
from sources.gladly.report_requests import CHANNEL, INBOXES, PHONE_NUMBER, usable_filters
from sources.gladly.report_rows import ReportRequest, ReportRowsParser
from sources.gladly.report_tables import REPORT_WINDOWS
from sources.gladly.report_types import DEFAULT_REPORTS, REPORTS
from sources.gladly.report_values import day_start
from sources.gladly.report_windows import days_to_read, spans_of
from sources.gladly.reports import REPORTS_AT_ONCE
from sources.gladly.settings import REPORTS_STREAM, GladlySettings
from sources.http.budget import RateBudget
from sources.http.client import ApiClient
from sources.http.errors import (
    HelpdeskError,
    RetryableError,
    SettingsError,
    TruncatedError,
)
from sources.tables.parquet import TableFiles, join_files

_REQUESTS_PER_PACKAGE = 64
# so many reports in a row that fail in passing, each after all its attempts, are an outage
_FAULTS_OF_AN_OUTAGE = 3


@dataclass(frozen=True, slots=True)
class ReportPlan:
    """What a user wants of reports; see the settings of the same names."""

    metric_sets: tuple[str, ...]
    timezone: ZoneInfo
    aggregation_level: str
    filters: Mapping[str, Any]
    phone_numbers: tuple[str, ...]
    trailing_days: int | None
    first_day: date | None

    @property
    def begins_at(self) -> datetime | None:
        """When the first day begins, UTC, where one is set."""
        return day_start(self.first_day, self.timezone) if self.first_day else None


def report_plan(settings: GladlySettings) -> ReportPlan:
    """Return what the settings ask for.

    Raises:
        SettingsError: a setting names no metric set, time zone or day.
    """
    reports = DEFAULT_REPORTS if settings.reports is None else settings.reports
    chosen = _once(reports)
    if unknown := [name for name in chosen if name not in REPORTS]:
        raise SettingsError(
            f"reports names {', '.join(unknown)}, which Gladly does not have. Use names such as "
            "ContactExportReportV3, under [sources.gladly] in .dlt/config.toml."
        )
    try:
        zone = ZoneInfo(settings.report_timezone)
        first_day = date.fromisoformat(settings.reports_from) if settings.reports_from else None
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise SettingsError(
            f"report_timezone {settings.report_timezone!r} or reports_from "
            f"{settings.reports_from!r} cannot be read. Write them as America/Los_Angeles and "
            "2026-01-01, under [sources.gladly] in .dlt/config.toml."
        ) from error
    return ReportPlan(
        chosen,
        zone,
        settings.report_aggregation,
        {
            CHANNEL: settings.report_channel,
            INBOXES: settings.report_inboxes,
            "teams": settings.report_teams,
        },
        _once(settings.report_phone_numbers or ()),
        settings.report_trailing_days,
        first_day,
    )


def _once(names: Iterable[str]) -> tuple[str, ...]:
    # a day in one package twice would have its rows twice
    return tuple(dict.fromkeys(names))


def load_reports(
    client: ApiClient,
    budget: RateBudget,
    archive: Path,
    loader: Loader,
    plan: ReportPlan,
    now: datetime,
) -> list[HelpdeskError]:
    """Load the days of reports that are missing or may have changed.

    A report that Gladly refuses, or answers with something else, keeps no other from being loaded,
    and a day that it cuts no other day.

    Args:
        client: For Gladly.
        budget: That of all requests for reports.
        archive: The folder of raw reports.
        loader: Loads them.
        plan: Which, and how.
        now: Gladly's clock.

    Returns:
        Why some were not loaded.

    Raises:
        HelpdeskError: no report can be fetched at present; what came before is loaded.
    """
    inboxes = sorted(identifier for (identifier,) in loader.warehouse.read("inboxes", ("id",)))
    fetcher = ReportFetcher(client, budget, archive, loader.progress, now, inboxes)
    errors: list[HelpdeskError] = []
    wanted = _requests(plan, loader.warehouse, now)
    fetching = _Fetching(fetcher)
    while batch := list(islice(wanted, _REQUESTS_PER_PACKAGE)):
        reports: list[FetchedReport] = []
        try:
            for outcome in fetching.outcomes(batch):
                reports += outcome.reports
                errors += outcome.errors
        except HelpdeskError:
            _load(loader, reports)
            raise
        _load(loader, reports)
    return errors


@dataclass(slots=True)
class _Fetching:
    """Fetches reports, two at once; a metric set that is refused is not asked for again."""

    fetcher: ReportFetcher
    _refused: set[str] = field(default_factory=set)
    _faults_in_a_row: int = 0

    def outcomes(self, requests: Iterable[ReportRequest]) -> Iterator[FetchOutcome]:
        """Yield what came of each request, in order.

        Raises:
            HelpdeskError: no report can be fetched at present.
        """
        with ThreadPoolExecutor(REPORTS_AT_ONCE) as executor:
            try:
                for outcome in executor.map(self._fetch, requests):
                    yield outcome
                    self._check_for_outage(outcome)
            finally:
                executor.shutdown(cancel_futures=True)

    def _fetch(self, request: ReportRequest) -> FetchOutcome:
        if request.metric_set in self._refused:
            return FetchOutcome()
        outcome = self.fetcher.fetch(request)
        # a day that is cut says nothing of the other days
        if not all(isinstance(error, TruncatedError) for error in outcome.errors):
            self._refused.add(request.metric_set)
        return outcome

    def _check_for_outage(self, outcome: FetchOutcome) -> None:
        if outcome.reports:
            self._faults_in_a_row = 0
        for error in outcome.errors:
            if isinstance(error, RetryableError):
                self._faults_in_a_row += 1
                if self._faults_in_a_row == _FAULTS_OF_AN_OUTAGE:
                    raise error


def _requests(plan: ReportPlan, warehouse: Warehouse, now: datetime) -> Iterator[ReportRequest]:
    read = _days_read(warehouse)
    first_days = _first_days_read(read)
    today = now.astimezone(plan.timezone).date()
    for metric_set in plan.metric_sets:
        report = REPORTS[metric_set]
        trailing = plan.trailing_days or report.trailing_days
        for part in plan.phone_numbers if report.required_filter == PHONE_NUMBER else ("",):
            asked = ReportRequest(
                metric_set,
                today,
                today,
                plan.timezone.key,
                now,
                plan.aggregation_level if report.is_aggregated else "",
                usable_filters(report, {**plan.filters, PHONE_NUMBER: part}),
                part,
            )
            before = read.get(_identity(asked), {})
            trailing_day = today - timedelta(days=trailing - 1)
            days = days_to_read(
                before,
                first_day=plan.first_day
                or min(trailing_day, first_days.get((metric_set, part), today)),
                now=now,
                timezone=plan.timezone,
                trailing_days=trailing,
            )
            for first_day, last_day in spans_of(days, report.days_per_request):
                yield replace(asked, first_day=first_day, last_day=last_day)


def _identity(request: ReportRequest) -> tuple[str, ...]:
    """Return what must be equal for a day that was read to count as read."""
    filters = _canonical(request.filters)
    return request.metric_set, request.timezone, request.aggregation_level, filters


def _first_days_read(
    read: Mapping[tuple[str, ...], Mapping[date, datetime]],
) -> dict[tuple[str, str], date]:
    """Return the first day of each metric set and part that is loaded, whatever the settings."""
    first_days: dict[tuple[str, str], date] = {}
    for (metric_set, _, _, filters), days in read.items():
        key = metric_set, orjson.loads(filters).get(PHONE_NUMBER, "")
        first_days[key] = min([*days, *filter(None, [first_days.get(key)])])
    return first_days


def _days_read(warehouse: Warehouse) -> dict[tuple[str, ...], dict[date, datetime]]:
    columns = ("metric_set", "timezone", "aggregation_level", "filters")
    read: dict[tuple[str, ...], dict[date, datetime]] = {}
    for metric_set, zone, level, filters, day, at in warehouse.read(
        REPORT_WINDOWS.name, (*columns, "report_day", "requested_at")
    ):
        found = orjson.loads(filters) if isinstance(filters, str) else filters
        days = read.setdefault((metric_set, zone, level or "", _canonical(found or {})), {})
        days[date.fromisoformat(day)] = at.astimezone(UTC)
    return read


def _canonical(filters: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(filters), option=orjson.OPT_SORT_KEYS).decode()


def _load(loader: Loader, reports: Sequence[FetchedReport]) -> None:
    if not reports:
        return
    package = Package([])
    with TableFiles(loader.folder) as files, loader.progress.work("parse reports", None) as done:
        for report in reports:
            parser = ReportRowsParser(REPORTS[report.request.metric_set])
            with ExitStack() as stack:
                parts = [
                    (stack.enter_context(raw.path.open("rb")), lineage_of(raw))
                    for raw in report.files
                ]
                counts = parser.parse_parts(
                    parts, report.request, files, lambda lines, size: done(size, lines)
                )
            package.counts += zip(report.files, counts, strict=True)
        package.tables = join_files(files.finish())
    loader.load_package(package, stream=REPORTS_STREAM)
