"""Weeks, months and quarters: asked for whole, replaced whole, never mixed with days."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import Sandbox, SandboxSettings, WorldSettings
from sources.gladly.report_types import REPORTS
from sources.gladly.report_windows import LONG_BUCKETS, days_of, periods_of
from sources.gladly.reports import DaySpan
from sources.http.errors import SettingsError
from tests.pipelines.events import FIRST_DAY, day
from tests.pipelines.report_runs import (
    asking,
    post,
    report_differences,
    row_differences,
    run_reports,
    windows_of,
)
from tests.pipelines.runs import Tables, duckdb_target, read_tables

SETS = ["ChannelMixReportV2", "ConversationSummaryReport"]
ZONE = "America/Los_Angeles"
DAY = timedelta(days=1)
any_day = st.dates(date(1999, 1, 1), date(2101, 1, 1))
levels = st.sampled_from(sorted(LONG_BUCKETS))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    world = WorldSettings(items=400, days=10, first_day=FIRST_DAY.date())
    limits = {"requests_per_second": 10_000, "reports_per_minute": 10_000}
    with Sandbox(SandboxSettings(world=world, **limits)) as running:  # type: ignore[arg-type] # limits only
        yield running


@given(any_day, levels)
def test_every_day_is_in_one_period_and_periods_meet(one: date, level: str) -> None:
    (period,) = periods_of([one], level)
    assert one in days_of(period)
    assert periods_of(days_of(period), level) == [period]
    (after,) = periods_of([period.last_day + DAY], level)
    assert after.first_day == period.last_day + DAY


@pytest.mark.parametrize(
    ("level", "first_day", "last_day"),
    [
        ("weekly", date(2026, 3, 2), date(2026, 3, 8)),
        ("monthly", date(2026, 3, 1), date(2026, 3, 31)),
        ("quarterly", date(2026, 1, 1), date(2026, 3, 31)),
    ],
)
def test_periods_are_those_of_the_calendar(level: str, first_day: date, last_day: date) -> None:
    assert periods_of([date(2026, 3, 4)], level) == [DaySpan(first_day, last_day)]


def test_a_month_may_have_29_days_and_a_quarter_end_a_year() -> None:
    assert periods_of([date(2024, 2, 1)], "monthly") == [
        DaySpan(date(2024, 2, 1), date(2024, 2, 29))
    ]
    assert periods_of([date(2024, 11, 1)], "quarterly") == [
        DaySpan(date(2024, 10, 1), date(2024, 12, 31))
    ]


def problems(sandbox: Sandbox, tables: Tables, level: str) -> list[str]:
    """Return every way in which the rows are not what the sandbox says of whole periods."""
    found: list[str] = []
    today = sandbox.clock.now().astimezone(ZoneInfo(ZONE)).date()
    with asking(sandbox) as client:
        for metric_set in SETS:
            read = [date.fromisoformat(one) for one in windows_of(tables, metric_set)]
            rows = tables[REPORTS[metric_set].table]
            for period in periods_of(read, level):
                last_day = min(period.last_day, today)
                body = {
                    "metricSet": metric_set,
                    "timezone": ZONE,
                    "startAt": str(period.first_day),
                    "endAt": str(last_day),
                    "aggregationLevel": level,
                    "filters": {},
                }
                header, *answered = post(client, body)
                own = [row for row in rows if row["window_id"].endswith(str(period.first_day))]
                rows = [row for row in rows if row not in own]
                report = REPORTS[metric_set]
                found += row_differences(report, header, answered, own, ZoneInfo(ZONE))
                # every day of a period was read, so that no other reading of it stays
                assert {*days_of(DaySpan(period.first_day, last_day))} <= {*read}
            found += [f"of no period: {row}" for row in rows]
    return found


@pytest.mark.parametrize("level", sorted(LONG_BUCKETS))
def test_rows_are_what_gladly_says_of_whole_periods(
    level: str, tmp_path: Path, sandbox: Sandbox
) -> None:
    target = duckdb_target(tmp_path)
    for at in (day(6.5), day(7.5), day(9.5)):
        run_reports(
            sandbox,
            target,
            at,
            reports=SETS,
            report_aggregation=level,
            report_timezone=ZONE,
            report_trailing_days=7,
        )
        tables = read_tables(target)
        assert tables[REPORTS[SETS[0]].table]
        assert problems(sandbox, tables, level) == []


def test_days_and_weeks_replace_each_other(tmp_path: Path, sandbox: Sandbox) -> None:
    target = duckdb_target(tmp_path)
    asked = {"reports": SETS, "report_timezone": ZONE, "report_trailing_days": 3}
    run_reports(sandbox, target, day(8.5), report_aggregation="daily", **asked)
    run_reports(sandbox, target, day(8.6), report_aggregation="weekly", **asked)
    assert problems(sandbox, read_tables(target), "weekly") == []
    run_reports(sandbox, target, day(8.7), report_aggregation="daily", **asked)
    assert report_differences(sandbox, read_tables(target), SETS) == []


def test_another_length_is_refused_at_the_start(tmp_path: Path, sandbox: Sandbox) -> None:
    with pytest.raises(SettingsError, match="report_aggregation is 'hourly'"):
        run_reports(sandbox, duckdb_target(tmp_path), day(8.5), report_aggregation="hourly")
