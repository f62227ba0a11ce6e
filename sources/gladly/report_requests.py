"""What to ask Gladly for: the bodies of report requests, and how a day that is cut is split.

Source: Gladly API reference, Generate a Report. Days are asked for as days where the report takes
them, else as minutes, both of which are inside:

    days      | 1st              | 2nd              |
    minutes   [00:00        23:59][00:00        23:59]
    halves    [00:00 11:59][12:00 23:59]

As the end must be after the start, and both are inside, no request is for a single minute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sources.gladly.report_rows import ReportRequest
from sources.gladly.report_types import Report
from sources.gladly.report_values import day_start
from sources.gladly.reports import report_request
from sources.gladly.work_sessions import work_session_request

# Gladly API reference, Generate a Report: filters.channel, but for allChannels.
CHANNELS: Final = (
    "chat",
    "email",
    "fbMessenger",
    "instagramDirect",
    "sms",
    "twitter",
    "voice",
    "whatsapp",
)
CHANNEL, INBOXES, PHONE_NUMBER = "channel", "inboxes", "phoneNumber"
_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Minutes:
    """A span of minutes; the first and the last are both inside."""

    first: datetime
    last: datetime

    def halves(self) -> tuple[Minutes, Minutes] | None:
        """Return both halves, of two minutes at least, or None where there are no such halves."""
        if self.last - self.first < 3 * _MINUTE:
            return None
        middle = self.first + (self.last - self.first) // 2 // _MINUTE * _MINUTE
        return Minutes(self.first, middle), Minutes(middle + _MINUTE, self.last)


def minutes_of(first_day: date, last_day: date, zone: ZoneInfo, now: datetime) -> Minutes:
    """Return the minutes of days in a time zone, as far as they have begun; two at least."""
    start = day_start(first_day, zone)
    end = day_start(last_day + _DAY, zone) - _MINUTE
    return Minutes(start, max(min(end, now), start + _MINUTE))


def report_body(
    report: Report, request: ReportRequest, minutes: Minutes | None = None
) -> dict[str, Any]:
    """Return the body of a request; with ``minutes``, for that span of it only."""
    body: dict[str, Any]
    if minutes is None:
        days = request.first_day, request.last_day
        body = {**report_request(report.metric_set, *days, request.timezone)}
    else:
        span = work_session_request(minutes.first, minutes.last)
        body = {"metricSet": report.metric_set, **span}
    if request.aggregation_level:
        body["aggregationLevel"] = request.aggregation_level
    return body | ({"filters": dict(request.filters)} if request.filters else {})


def usable_filters(report: Report, filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the filters that a report takes, without those that limit nothing."""
    return {name: value for name, value in filters.items() if name in report.filters and value}


def filtered_requests(
    report: Report, request: ReportRequest, inbox_ids: Sequence[str]
) -> list[ReportRequest]:
    """Return requests whose rows together are those of one day, or none where no filter parts it.

    Rows that are figures of buckets cannot be parted: each filter makes other figures of them.
    """
    if report.is_aggregated:
        return []
    inboxes = request.filters.get(INBOXES, inbox_ids)
    parts: list[dict[str, Any]] = []
    if INBOXES in report.filters and len(inboxes) > 1:
        parts = [{INBOXES: [inbox]} for inbox in inboxes]
    elif CHANNEL in report.filters and CHANNEL not in request.filters:
        parts = [{CHANNEL: channel} for channel in CHANNELS]
    return [replace(request, filters={**request.filters, **part}) for part in parts]
