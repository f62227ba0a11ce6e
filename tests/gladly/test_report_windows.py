"""Which days of a report each run asks for."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.gladly.report_windows import day_spans, days_of, days_to_read, settled_at, spans_of
from sources.streams.windows import Window

MANY = settings(max_examples=300, derandomize=True, deadline=None)
UTC_ZONE = ZoneInfo("UTC")
LOS_ANGELES = ZoneInfo("America/Los_Angeles")
MARCH = date(2026, 3, 1)
zones = st.sampled_from([UTC_ZONE, LOS_ANGELES, ZoneInfo("Asia/Kolkata")])
moments = st.datetimes(datetime(2026, 2, 20), datetime(2026, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
days = st.dates(date(2026, 1, 1), date(2026, 2, 15))
# across the end of a February with 29 days, often at midnight
TIMES = st.builds(
    lambda days, rest: datetime(2024, 2, 26, tzinfo=UTC) + timedelta(days=days) + rest,
    st.integers(0, 7),
    st.just(timedelta(0)) | st.timedeltas(timedelta(0), timedelta(days=1)),
)


def test_a_first_run_reads_every_day_up_to_today() -> None:
    now = datetime(2026, 3, 4, 6, tzinfo=UTC)
    found = days_to_read({}, first_day=MARCH, now=now, timezone=UTC_ZONE, trailing_days=1)
    assert found == [date(2026, 3, day) for day in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("read_at", "is_read_again"),
    [
        pytest.param(datetime(2026, 3, 2, 12, tzinfo=UTC), True, id="while it lasted"),
        pytest.param(datetime(2026, 3, 3, 1, 59, tzinfo=UTC), True, id="before its rows were in"),
        pytest.param(datetime(2026, 3, 3, 2, tzinfo=UTC), False, id="when its rows were in"),
    ],
)
def test_a_day_is_read_again_unless_it_was_over(read_at: datetime, *, is_read_again: bool) -> None:
    now = datetime(2026, 3, 9, 6, tzinfo=UTC)
    read = {MARCH + timedelta(days=n): now for n in range(9)} | {date(2026, 3, 2): read_at}
    found = days_to_read(read, first_day=MARCH, now=now, timezone=UTC_ZONE, trailing_days=1)
    assert (date(2026, 3, 2) in found) is is_read_again


@pytest.mark.parametrize(
    ("read_at", "is_read_again"),
    [
        pytest.param(datetime(2026, 3, 4, 7, 59, tzinfo=UTC), True, id="while it could change"),
        pytest.param(datetime(2026, 3, 4, 8, tzinfo=UTC), False, id="when it no longer could"),
    ],
)
def test_after_a_pause_a_day_is_read_again_unless_it_was_read_as_late_as_it_can_change(
    read_at: datetime, *, is_read_again: bool
) -> None:
    now = datetime(2026, 3, 20, 6, tzinfo=UTC)
    read = {date(2026, 3, 2): read_at}
    found = days_to_read(
        read, first_day=date(2026, 3, 2), now=now, timezone=LOS_ANGELES, trailing_days=3
    )
    assert (date(2026, 3, 2) in found) is is_read_again


@pytest.mark.parametrize(
    ("day", "hours_until_midnight"),
    [
        pytest.param(date(2026, 3, 7), 24, id="a common day"),
        pytest.param(date(2026, 3, 8), 23, id="clocks go forward"),
        pytest.param(date(2026, 11, 1), 25, id="clocks go back"),
    ],
)
def test_a_day_ends_when_its_zone_says(day: date, hours_until_midnight: int) -> None:
    begins = datetime(day.year, day.month, day.day, tzinfo=LOS_ANGELES).astimezone(UTC)
    assert settled_at(day, LOS_ANGELES) == begins + timedelta(hours=hours_until_midnight + 2)


@given(st.lists(moments, min_size=1, max_size=8).map(sorted), days, zones, st.integers(1, 30))
def test_after_any_runs_every_day_that_is_over_was_read_after_it_was(
    runs: list[datetime], first_day: date, timezone: ZoneInfo, trailing_days: int
) -> None:
    read: dict[date, datetime] = {}
    for now in runs:
        asked = days_to_read(
            read, first_day=first_day, now=now, timezone=timezone, trailing_days=trailing_days
        )
        today = now.astimezone(timezone).date()
        assert asked == sorted(set(asked))
        assert (
            asked[-trailing_days:]
            == [
                today - timedelta(days=n)
                for n in reversed(range(trailing_days))
                if today - timedelta(days=n) >= first_day
            ][-trailing_days:]
        )
        read |= dict.fromkeys(asked, now)
        for n in range((today - first_day).days + 1):
            day = first_day + timedelta(days=n)
            assert read[day] >= min(settled_at(day, timezone), now)


@given(st.sets(st.dates(date(2026, 1, 1), date(2026, 3, 1))), st.integers(1, 9))
def test_spans_hold_each_day_once_and_are_no_longer_than_allowed(
    wanted: set[date], days_per_request: int
) -> None:
    spans = spans_of(wanted, days_per_request)
    assert [day for span in spans for day in days_of(span)] == sorted(wanted)
    assert all(len(days_of(span)) <= days_per_request for span in spans)


@MANY
@given(start=TIMES, end=TIMES, days_per_request=st.integers(1, 4))
def test_day_spans_are_the_days_a_window_touches(
    start: datetime, end: datetime, days_per_request: int
) -> None:
    spans = day_spans(Window(start, end), days_per_request)
    days = [day for span in spans for day in days_of(span)]
    one = timedelta(days=1)
    midnights = [datetime(2024, 2, 25, tzinfo=UTC) + number * one for number in range(12)]
    touched = [day for day in midnights if start < end and day < end and day + one > start]
    assert days == [day.date() for day in touched]
    assert all(len(days_of(span)) == days_per_request for span in spans[:-1])
    assert all(1 <= len(days_of(span)) <= days_per_request for span in spans)
