"""Which reports to ask for: those of a nightly run, and those of a backfill.

A nightly run asks for every day that can still change, and for days that are missing since the
first one a nightly run read. A backfill asks for what is before that day:

    days         |  1  |  2  |  3  | ...                       |  8  |  9  | today
    nightly runs                                               [-----------------]
    backfill     [=================]    the days it was told
    the next run                                               [-----------------]

So the days between are in neither: a nightly run would need hours for them, unasked.

After a change of settings, each asks again for the days that were read with others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from pipelines.warehouse import Warehouse
from sources.gladly.report_requests import CHANNEL, INBOXES, PHONE_NUMBER, usable_filters
from sources.gladly.report_rows import ReportRequest
from sources.gladly.report_tables import REPORT_WINDOWS
from sources.gladly.report_types import AGGREGATION_LEVELS, DEFAULT_REPORTS, REPORTS, Report
from sources.gladly.report_values import day_start
from sources.gladly.report_windows import (
    LONG_BUCKETS,
    days_to_fill,
    days_to_read,
    periods_of,
    spans_of,
)
from sources.gladly.reports import DaySpan
from sources.gladly.settings import GladlySettings
from sources.http.errors import SettingsError

_DAY = timedelta(days=1)


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


@dataclass(frozen=True, slots=True)
class _Series:
    """The days of a report that belong together: one set of figures, or one phone number of it.

    Args:
        report: the report.
        asked: how it is asked for, but for the days.
        read: the days that are loaded as it is asked for now, and when each was asked for.
        first_day_of_runs: the first day that a nightly run read, with whatever settings.
        trailing_days: how many days, today among them, can still change.
    """

    report: Report
    asked: ReportRequest
    read: Mapping[date, datetime]
    first_day_of_runs: date | None
    trailing_days: int

    @property
    def today(self) -> date:
        return self.asked.last_day

    @property
    def trailing_day(self) -> date:
        """The first day that can still change."""
        return self.today - (self.trailing_days - 1) * _DAY

    @property
    def timezone(self) -> ZoneInfo:
        return ZoneInfo(self.asked.timezone)

    def requests(self, days: Iterable[date]) -> Iterator[ReportRequest]:
        level = self.asked.aggregation_level
        spans = (
            periods_of(days, level)
            if level in LONG_BUCKETS
            else spans_of(days, self.report.days_per_request)
        )
        for first_day, last_day in spans:
            yield replace(self.asked, first_day=first_day, last_day=min(last_day, self.today))

    def before_runs(self, span: DaySpan) -> list[date]:
        """Return the days of a span that are before nightly runs, and not loaded for good."""
        last_day = min(span.last_day, self.today)
        if self.first_day_of_runs:
            last_day = min(last_day, self.first_day_of_runs - _DAY)
        return days_to_fill(
            self.read,
            DaySpan(span.first_day, last_day),
            timezone=self.timezone,
            trailing_days=self.trailing_days,
        )


def report_plan(settings: GladlySettings) -> ReportPlan:
    """Return what the settings ask for.

    Raises:
        SettingsError: a setting names no metric set, time zone, day or length of buckets.
    """
    reports = DEFAULT_REPORTS if settings.reports is None else settings.reports
    if settings.report_aggregation not in AGGREGATION_LEVELS:
        raise SettingsError(
            f"report_aggregation is {settings.report_aggregation!r}. Set it to one of "
            f"{', '.join(AGGREGATION_LEVELS)}, under [sources.gladly] in .dlt/config.toml."
        )
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


def nightly_requests(plan: ReportPlan, warehouse: Warehouse, now: datetime) -> list[ReportRequest]:
    """Return what a nightly run asks for, report by report, oldest days first."""
    requests: list[ReportRequest] = []
    for series in _all_series(plan, warehouse, now):
        first_day = min(series.trailing_day, series.first_day_of_runs or series.trailing_day)
        days = days_to_read(
            series.read,
            first_day=plan.first_day or first_day,
            now=now,
            timezone=plan.timezone,
            trailing_days=series.trailing_days,
        )
        requests += series.requests(days)
    return requests


def backfill_requests(
    plan: ReportPlan, warehouse: Warehouse, now: datetime, span: DaySpan
) -> list[ReportRequest]:
    """Return what a backfill of whole days asks for, newest days first, all reports of them.

    So one that is stopped has what is asked for most, without a hole up to the nightly runs. Days
    that are loaded for good, and days that nightly runs read, are not asked for.
    """
    requests = [
        replace(request, is_backfill=True)
        for series in _all_series(plan, warehouse, now)
        for request in series.requests(series.before_runs(span))
    ]
    return sorted(requests, key=lambda request: request.last_day, reverse=True)


def days_in_neither(
    plan: ReportPlan, warehouse: Warehouse, now: datetime, span: DaySpan
) -> DaySpan | None:
    """Return the first and the last day after a backfill that no command has loaded, if any.

    It looks as far as the first day of the nightly runs that were or of the one that is next.
    """
    missing: set[date] = set()
    for series in _all_series(plan, warehouse, now):
        first_of_runs = series.first_day_of_runs or plan.first_day
        after = DaySpan(span.last_day + _DAY, (first_of_runs or series.trailing_day) - _DAY)
        missing |= {day for day in series.before_runs(after) if day not in series.read}
    return DaySpan(min(missing), max(missing)) if missing else None


def _all_series(plan: ReportPlan, warehouse: Warehouse, now: datetime) -> Iterator[_Series]:
    read, first_days = _days_read(warehouse)
    today = now.astimezone(plan.timezone).date()
    for metric_set in plan.metric_sets:
        report = REPORTS[metric_set]
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
            yield _Series(
                report,
                asked,
                read.get(_identity(asked), {}),
                first_days.get((metric_set, part)),
                plan.trailing_days or report.trailing_days,
            )


def _identity(request: ReportRequest) -> tuple[str, ...]:
    """Return what must be equal for a day that was read to count as read."""
    filters = _canonical(request.filters)
    return request.metric_set, request.timezone, request.aggregation_level, filters


def _days_read(
    warehouse: Warehouse,
) -> tuple[dict[tuple[str, ...], dict[date, datetime]], dict[tuple[str, str], date]]:
    """Return when each day was asked for, by report and settings, and where nightly runs begin.

    The latter by report and part, whatever the settings were.
    """
    columns = ("metric_set", "timezone", "aggregation_level", "filters", "report_day")
    read: dict[tuple[str, ...], dict[date, datetime]] = {}
    first_days: dict[tuple[str, str], date] = {}
    for metric_set, zone, level, told, report_day, at, is_backfill in warehouse.read(
        REPORT_WINDOWS.name, (*columns, "requested_at", "is_backfill")
    ):
        filters = (orjson.loads(told) if isinstance(told, str) else told) or {}
        day = date.fromisoformat(report_day)
        days = read.setdefault((metric_set, zone, level or "", _canonical(filters)), {})
        days[day] = at.astimezone(UTC)
        if not is_backfill:
            part = metric_set, filters.get(PHONE_NUMBER, "")
            first_days[part] = min(day, first_days.get(part, day))
    return read, first_days


def _canonical(filters: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(filters), option=orjson.OPT_SORT_KEYS).decode()


def _once(names: Iterable[str]) -> tuple[str, ...]:
    # a day in one package twice would have its rows twice
    return tuple(dict.fromkeys(names))
