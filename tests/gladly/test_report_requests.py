"""What is asked for: every minute of a day once, no request for a single minute, its filters."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.gladly.report_requests import (
    CHANNELS,
    Minutes,
    filtered_requests,
    minutes_of,
    report_body,
    usable_filters,
)
from sources.gladly.report_rows import ReportRequest
from sources.gladly.report_types import REPORTS
from sources.gladly.work_sessions import minute_text

MANY = settings(max_examples=300, derandomize=True, deadline=None)
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = date(2026, 3, 2)
LONG_AFTER = MIDNIGHT + timedelta(days=30)
SUMMARY = REPORTS["ContactSummaryReportV2"]
CONTACTS = REPORTS["ContactExportReportV3"]
TASKS = REPORTS["TaskExportReport"]
SECONDS = st.integers(0, 60 * 60 * 30).map(lambda seconds: MIDNIGHT + timedelta(seconds=seconds))
ZONES = st.sampled_from(["UTC", "America/Los_Angeles", "Asia/Kathmandu"]).map(ZoneInfo)


def asked(metric_set: str, **filters: Any) -> ReportRequest:  # noqa: ANN401 - any filter
    return ReportRequest(metric_set, DAY, DAY, "UTC", LONG_AFTER, filters=filters)


def minutes_inside(minutes: Minutes) -> list[str]:
    """Return the minutes that a request is answered for, the last one included."""
    last, at = minute_text(minutes.last), minutes.first
    inside: list[str] = []
    while not inside or inside[-1] != last:
        inside.append(minute_text(at))
        at += MINUTE
    return inside


@MANY
@given(SECONDS, SECONDS)
def test_halves_hold_every_minute_once_and_two_at_least(one: datetime, other: datetime) -> None:
    whole = Minutes(min(one, other), max(one, other))
    if (halves := whole.halves()) is None:
        assert whole.last - whole.first < 3 * MINUTE
        return
    first, second = map(minutes_inside, halves)
    assert first + second == minutes_inside(whole)
    assert min(len(first), len(second)) >= 2


@MANY
@given(SECONDS, ZONES, st.integers(0, 2))
def test_the_minutes_of_a_day_end_now_at_most_but_are_never_a_single_one(
    now: datetime, zone: ZoneInfo, more: int
) -> None:
    today = now.astimezone(zone).date()
    minutes = minutes_of(today - more * timedelta(days=1), today, zone, now)
    assert minute_text(minutes.first) < minute_text(minutes.last)
    assert minutes.last <= max(now, minutes.first + MINUTE)


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 7), 24), (date(2026, 3, 8), 23), (date(2026, 11, 1), 25)],
    ids=["usual", "the clock is put forward", "the clock is put back"],
)
def test_a_day_has_all_its_minutes(day: date, hours: int) -> None:
    zone = ZoneInfo("America/Los_Angeles")
    minutes = minutes_of(day, day, zone, datetime(2026, 12, 1, tzinfo=UTC))
    assert len(minutes_inside(minutes)) == hours * 60


def test_a_body_names_the_time_zone_the_days_and_what_the_report_takes() -> None:
    request = replace(asked("ContactSummaryReportV2", channel="voice"), aggregation_level="daily")
    assert report_body(SUMMARY, request) == {
        "metricSet": "ContactSummaryReportV2",
        "timezone": "UTC",
        "startAt": "2026-03-02",
        "endAt": "2026-03-02",
        "aggregationLevel": "daily",
        "filters": {"channel": "voice"},
    }


def test_a_body_of_minutes_names_no_days_and_no_time_zone() -> None:
    minutes = Minutes(MIDNIGHT, MIDNIGHT + timedelta(hours=12, seconds=30))
    assert report_body(CONTACTS, asked("ContactExportReportV3"), minutes) == {
        "metricSet": "ContactExportReportV3",
        "startAtTime": "2026-03-02T00:00Z",
        "endAtTime": "2026-03-02T12:00Z",
    }


def test_filters_that_a_report_does_not_take_or_that_limit_nothing_are_left_out() -> None:
    filters = {"channel": "voice", "inboxes": [], "teams": ["team"], "phoneNumber": "+18005550100"}
    assert usable_filters(CONTACTS, filters) == {"channel": "voice"}
    assert usable_filters(TASKS, filters) == {"teams": ["team"]}


def test_a_day_is_parted_by_inbox_then_by_channel_and_keeps_its_other_filters() -> None:
    request = asked("ContactExportReportV3")
    by_inbox = filtered_requests(CONTACTS, request, ["one", "two"])
    assert [part.filters for part in by_inbox] == [{"inboxes": ["one"]}, {"inboxes": ["two"]}]
    by_channel = filtered_requests(CONTACTS, by_inbox[0], ["one", "two"])
    assert [part.filters for part in by_channel] == [
        {"inboxes": ["one"], "channel": channel} for channel in CHANNELS
    ]
    assert filtered_requests(CONTACTS, by_channel[0], ["one", "two"]) == []


def test_a_filter_of_the_user_is_parted_into_its_own_inboxes() -> None:
    request = asked("TaskExportReport", inboxes=["one", "two"])
    parts = filtered_requests(TASKS, request, ["one", "two", "three"])
    assert [part.filters["inboxes"] for part in parts] == [["one"], ["two"]]


def test_figures_and_reports_without_filters_are_not_parted() -> None:
    assert filtered_requests(SUMMARY, asked("ContactSummaryReportV2"), ["one", "two"]) == []
    events = REPORTS["WorkSessionEventsReportV3"]
    assert filtered_requests(events, asked(events.metric_set), ["one", "two"]) == []
