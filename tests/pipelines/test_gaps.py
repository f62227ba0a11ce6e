"""Data that will not come is a row in load_gaps, to the millisecond, and nothing else is."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.report import RunReport
from pipelines.runner import Target
from sandbox import Sandbox, SandboxSettings, WorldSettings
from tests.pipelines.runs import DESTINATIONS, ITEMS, duckdb_target, item, read_tables, run, sms

FIRST_DAY = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def day(number: float) -> datetime:
    return FIRST_DAY + timedelta(days=number)


def open_gaps(target: Target) -> list[tuple[datetime, datetime, str]]:
    rows = read_tables(target)["load_gaps"]
    gaps = [(row["from_at"], row["to_at"], row["kind"]) for row in rows if row["healed_at"] is None]
    return sorted(gaps)


def add_day(sandbox: Sandbox, start: float, end: float) -> str:
    lines = item(f"{start} to {end}", sms("hi"))
    return sandbox.add_job({ITEMS: lines}, start_at=day(start), end_at=day(end))


def reported(report: RunReport) -> list[tuple[datetime, datetime, str, bool]]:
    return [(gap.from_at, gap.to_at, gap.kind, gap.healed) for gap in report.gaps]


@pytest.mark.parametrize(
    ("pause", "lost_days"),
    [
        pytest.param(timedelta(days=1), 0, id="a day"),
        pytest.param(timedelta(days=14) - MINUTE, 0, id="13 days 23:59"),
        pytest.param(timedelta(days=14), 0, id="14 days"),
        # midnight 14 days after the end of day 2, whose job was made in the hours that follow
        pytest.param(timedelta(days=14, hours=18) - MINUTE, 0, id="14 days 17:59"),
        pytest.param(timedelta(days=15), 1, id="15 days"),
        pytest.param(timedelta(days=17), 3, id="17 days"),
        pytest.param(timedelta(days=40), 26, id="40 days"),
    ],
)
def test_jobs_that_expired_during_a_pause_are_one_gap_of_exactly_their_days(
    pause: timedelta, lost_days: int, tmp_path: Path
) -> None:
    # at 06:00 of day 2 the jobs of days 0 and 1 are there; each job is kept for 14 days
    target = duckdb_target(tmp_path)
    world = WorldSettings(items=0, days=45, first_day=date(2026, 3, 2))
    settings = SandboxSettings(world=world, now=day(2.25), requests_per_second=1000)
    expected = [(day(2), day(2 + lost_days), "expired")] if lost_days else []
    with Sandbox(settings) as sandbox:
        run(sandbox, target)
        sandbox.clock.advance(pause)
        report = run(sandbox, target)
        assert open_gaps(target) == expected
        assert len(report.open_gaps) == len(expected)
        assert report.needs_a_person == bool(expected)
        run(sandbox, target)
        assert open_gaps(target) == expected
        assert len(read_tables(target)["load_gaps"]) == len(expected)


def test_a_job_that_was_seen_and_expired_unread_is_a_gap_that_names_it(tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    with Sandbox(SandboxSettings(world=WorldSettings(items=0, days=0), now=day(3))) as sandbox:
        job = sandbox.add_job({}, status="IN_PROGRESS", start_at=day(1), end_at=day(2))
        run(sandbox, target)
        assert open_gaps(target) == []
        sandbox.clock.advance(timedelta(days=15))
        report = run(sandbox, target)
        assert open_gaps(target) == [(day(1), day(2), "expired")]
        assert job in report.gaps[0].reason


def test_a_failed_job_is_reported_and_a_gap_until_gladly_makes_it_again(
    tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    target = duckdb_target(tmp_path)
    job = empty_sandbox.add_job({}, status="FAILED", start_at=day(1), end_at=day(2))
    report = run(empty_sandbox, target)
    assert report.failed_jobs == [job]
    assert reported(report) == [(day(1), day(2), "failed", False)]
    add_day(empty_sandbox, 1, 2)
    report = run(empty_sandbox, target)
    assert reported(report) == [(day(1), day(2), "failed", True)]
    assert open_gaps(target) == []


@pytest.mark.parametrize("destination", DESTINATIONS)
def test_a_hole_between_windows_is_a_gap_that_a_later_job_heals(
    destination: str, tmp_path: Path, postgres: str, empty_sandbox: Sandbox
) -> None:
    target = DESTINATIONS[destination](tmp_path, postgres)
    add_day(empty_sandbox, 0, 1)
    add_day(empty_sandbox, 2, 3)
    assert reported(run(empty_sandbox, target)) == [(day(1), day(2), "missing", False)]
    assert open_gaps(target) == [(day(1), day(2), "missing")]
    add_day(empty_sandbox, 1, 2)
    assert reported(run(empty_sandbox, target)) == [(day(1), day(2), "missing", True)]
    assert open_gaps(target) == []
    [row] = read_tables(target)["load_gaps"]
    assert row["healed_at"] is not None
    assert run(empty_sandbox, target).gaps == []


def test_a_gap_that_is_half_healed_stays_open_for_its_other_half(
    tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    target = duckdb_target(tmp_path)
    add_day(empty_sandbox, 0, 1)
    add_day(empty_sandbox, 2, 3)
    run(empty_sandbox, target)
    add_day(empty_sandbox, 1, 1.5)
    report = run(empty_sandbox, target)
    assert open_gaps(target) == [(day(1.5), day(2), "missing")]
    assert len(report.open_gaps) == 1


def test_a_gap_that_opens_again_is_told_again(tmp_path: Path, empty_sandbox: Sandbox) -> None:
    target = duckdb_target(tmp_path)
    failed = empty_sandbox.add_job({}, status="FAILED", start_at=day(1), end_at=day(2))
    run(empty_sandbox, target)
    coming = empty_sandbox.add_job({}, status="IN_PROGRESS", start_at=day(1), end_at=day(2))
    run(empty_sandbox, target)
    assert open_gaps(target) == []
    empty_sandbox.remove_job(coming)
    run(empty_sandbox, target)
    assert failed
    assert [(start, end) for start, end, _ in open_gaps(target)] == [(day(1), day(2))]


def test_a_listed_file_that_is_gone_is_a_gap_and_other_jobs_load(
    tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    target = duckdb_target(tmp_path)
    add_day(empty_sandbox, 0, 1)
    files = {"topics.jsonl": b'{"id": "t"}\n', ITEMS: None}
    gone = empty_sandbox.add_job(files, start_at=day(1), end_at=day(2))
    add_day(empty_sandbox, 2, 3)
    for _ in range(2):
        report = run(empty_sandbox, target)
        assert reported(report) == [(day(1), day(2), "expired", False)]
        assert gone in report.gaps[0].reason
        tables = read_tables(target)
        assert sorted(row["id"] for row in tables["conversation_items"]) == ["0 to 1", "2 to 3"]
        assert gone not in {row["job_id"] for row in tables["load_files"]}
        assert len(tables["load_gaps"]) == 1


@pytest.mark.parametrize("touching", [timedelta(0), timedelta(milliseconds=1)])
def test_windows_that_touch_or_overlap_are_no_gap(
    touching: timedelta, tmp_path: Path, empty_sandbox: Sandbox
) -> None:
    for start, end in ((0, 1), (1, 2), (1.5, 3)):
        empty_sandbox.add_job({}, start_at=day(start), end_at=day(end) - touching)
    assert run(empty_sandbox, duckdb_target(tmp_path)).gaps == []


def test_excluded_jobs_are_no_gap_once_they_expire(tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    world = WorldSettings(items=0, days=30, first_day=date(2026, 3, 2))
    with Sandbox(SandboxSettings(world=world, now=day(4.25), requests_per_second=1000)) as sandbox:
        since = "2026-03-04T00:00:00Z"
        run(sandbox, target, jobs_updated_after=since)
        sandbox.clock.advance(timedelta(days=13))
        assert run(sandbox, target, jobs_updated_after=since).gaps == []
