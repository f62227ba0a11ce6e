"""Nights through every kind of hard time, under any clock of this machine: what Gladly says, once.

Whole runs over a schedule of nights are compared with what the sandbox says of each day, and with
runs on a machine whose clock is right.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

import pytest

from sandbox import Sandbox, SandboxSettings, WorldSettings
from tests.pipelines.events import event_differences, expected_events
from tests.pipelines.leftovers import rows
from tests.pipelines.model import deliveries, differences
from tests.pipelines.report_runs import report_differences
from tests.pipelines.runs import Tables, duckdb_target, read_tables, run

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
REPORTS = ["ContactSummaryReportV2", "TaskExportReport", "WorkSessionEventsReportV4"]
# of the world's third day, which is where something happens
HARD_TIMES = {
    "clocks go forward, New York": ("America/New_York", date(2026, 3, 8)),
    "clocks go back, New York": ("America/New_York", date(2026, 11, 1)),
    "clocks go forward, Berlin": ("Europe/Berlin", date(2026, 3, 29)),
    "clocks go back, Berlin": ("Europe/Berlin", date(2026, 10, 25)),
    "half an hour back, Lord Howe": ("Australia/Lord_Howe", date(2026, 4, 5)),
    "half an hour forward, Lord Howe": ("Australia/Lord_Howe", date(2026, 10, 4)),
    "midnight left out, Sao Paulo": ("America/Sao_Paulo", date(2018, 11, 4)),
    "midnight twice, Sao Paulo": ("America/Sao_Paulo", date(2018, 2, 18)),
    "a day left out, Apia": ("Pacific/Apia", date(2011, 12, 30)),
    "the end of a year, Kathmandu": ("Asia/Kathmandu", date(2026, 12, 31)),
    "a leap day": ("UTC", date(2024, 2, 29)),
    "a leap day to come": ("America/New_York", date(2028, 2, 29)),
}
QUICK = {"half an hour back, Lord Howe", "a day left out, Apia", "a leap day"}


def never_was(report_day: str, zone: str) -> bool:
    """Whether a time zone left a whole day out."""
    noon = datetime.fromisoformat(f"{report_day}T12:00").replace(tzinfo=ZoneInfo(zone))
    return noon.astimezone(UTC).astimezone(ZoneInfo(zone)).date() != noon.date()


@contextmanager
def gladly_around(third_day: date) -> Iterator[tuple[Sandbox, list[datetime]]]:
    """Serve five days around a day; give the times of three nights."""
    first_day = third_day - 2 * DAY
    start = datetime(first_day.year, first_day.month, first_day.day, tzinfo=UTC)
    times = [start + 2 * DAY + 6 * HOUR + number * 23 * HOUR for number in range(3)]
    world = WorldSettings(items=60, days=5, first_day=first_day)
    settings = SandboxSettings(
        world=world, now=times[0], requests_per_second=10_000, reports_per_minute=10_000
    )
    with Sandbox(settings) as sandbox:
        yield sandbox, times


def run_nights(sandbox: Sandbox, folder: Path, times: list[datetime], zone: str) -> Tables:
    """Run everything at each time; return every row."""
    target = duckdb_target(folder)
    for at in times:
        sandbox.clock.set(at)
        run(
            sandbox,
            target,
            selected=lambda _: True,
            reports=REPORTS,
            report_timezone=zone,
            reports_per_minute=10_000,
        )
    return read_tables(target)


@pytest.mark.parametrize(
    "hard_time",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in HARD_TIMES],
)
def test_nights_through_a_hard_time_leave_what_gladly_says(hard_time: str, tmp_path: Path) -> None:
    zone, third_day = HARD_TIMES[hard_time]
    with gladly_around(third_day) as (sandbox, times):
        tables = run_nights(sandbox, tmp_path, times, zone)
        assert event_differences(tables, expected_events(sandbox, times)) == []
        told = [row for row in tables["report_windows"] if not never_was(row["report_day"], zone)]
        assert report_differences(sandbox, tables | {"report_windows": told}, REPORTS) == []
        exports = [row for row in tables["load_files"] if row["stream"] == "gladly.export"]
        without_lists = {"agents", "topics"}
        found = differences(tables | {"load_files": exports}, deliveries(sandbox))
        assert [
            problem for problem in found if problem.partition(":")[0] not in without_lists
        ] == []
    assert [row for row in tables["report_windows"] if row not in told and row["rows"]] == []
    assert tables["load_gaps"] == []
    assert {row["status"] for row in tables["load_runs"]} == {"done"}


SKEWS: dict[str, tuple[timedelta, ...]] = {
    "five minutes ahead": (5 * MINUTE,) * 3,
    "a day behind": (-DAY,) * 3,
    "two years ahead": (730 * DAY,) * 3,
    "thirty years behind": (-30 * 365 * DAY,) * 3,
    "set back after each run": (3 * DAY, timedelta(0), -3 * DAY),
    "years ahead once": (timedelta(0), 2000 * DAY, timedelta(0)),
}
QUICK_SKEWS = {"two years ahead", "set back after each run"}


def skewed(skew: timedelta) -> type[datetime]:
    """Return a datetime whose now is off."""

    class EveryDatetime(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, datetime)

    class Skewed(datetime, metaclass=EveryDatetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return datetime.now(tz) + skew  # type: ignore[return-value] # a datetime is all that is asked for

    return Skewed


def set_clock(monkeypatch: pytest.MonkeyPatch, skew: timedelta) -> None:
    """Set the clock that all of the product, and dlt's numbers of loads, read."""
    monkeypatch.undo()
    for name, module in list(sys.modules.items()):
        is_ours = name.startswith(("pipelines.", "sources.", "transforms."))
        if is_ours and getattr(module, "datetime", None) is datetime:
            monkeypatch.setattr(module, "datetime", skewed(skew))
    true_time = time.time
    monkeypatch.setattr(time, "time", lambda: true_time() + skew.total_seconds())


@pytest.fixture(scope="module")
def nights(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Sandbox, list[datetime], Counter[tuple[str, str]]]]:
    """A Gladly, the times of three nights, and what they leave under a right clock."""
    with gladly_around(date(2026, 3, 8)) as (sandbox, times):
        tables = run_nights(sandbox, tmp_path_factory.mktemp("right"), times, "America/New_York")
        yield sandbox, times, rows(tables)


@pytest.mark.parametrize(
    "skew",
    [pytest.param(name, marks=() if name in QUICK_SKEWS else pytest.mark.slow) for name in SKEWS],
)
def test_a_clock_that_is_wrong_changes_no_row(
    skew: str,
    nights: tuple[Sandbox, list[datetime], Counter[tuple[str, str]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sandbox, times, expected = nights
    for at, off in zip(times, SKEWS[skew], strict=True):
        set_clock(monkeypatch, off)
        tables = run_nights(sandbox, tmp_path, [at], "America/New_York")
    assert rows(tables) == expected
    runs = sorted(row["finished_at"] for row in tables["load_runs"])
    assert all(timedelta(0) <= ended - at < HOUR for ended, at in zip(runs, times, strict=True))


@pytest.mark.parametrize(
    "zone", ["Pacific/Apia", pytest.param("Asia/Kathmandu", marks=pytest.mark.slow)]
)
def test_the_time_zone_of_this_machine_changes_no_row(
    zone: str,
    nights: tuple[Sandbox, list[datetime], Counter[tuple[str, str]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sandbox, times, expected = nights
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert rows(run_nights(sandbox, tmp_path, times, "America/New_York")) == expected
    finally:
        monkeypatch.undo()
        time.tzset()
