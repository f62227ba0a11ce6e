"""Events from before the first run come from the timestamps reports, once."""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from pipelines import healing
from pipelines.progress import NoProgress
from pipelines.report import RunReport
from pipelines.runner import Target, backfill_gladly
from sandbox import Sandbox, SandboxSettings, WorldSettings
from sandbox.faults import answer_status, stall
from sources.gladly import reports
from sources.http.errors import HelpdeskError, TruncatedError
from tests.pipelines.events import (
    FIRST_DAY,
    MARGIN,
    REACH,
    REPORTS_PATH,
    Record,
    day,
    event,
    events_of_stream,
    events_only,
    expected_events,
    gladly_with_events,
    report_requests,
    run_events,
    whole_events,
)
from tests.pipelines.runs import Tables, duckdb_target, read_tables, settings_for
from tests.pipelines.test_healing import IN_NO_REPORT, REPORT_FILES

FIRST_RUN = day(3.5)
REACHED = FIRST_RUN - REACH + MARGIN


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, Path]]:
    """A Gladly with events where the Events API begins, and the data folder of a first run."""
    folder = tmp_path_factory.mktemp("loaded")
    with gladly_with_events(FIRST_RUN, items=100) as server:
        for milliseconds in (-1, 0, 1):
            at = REACHED + timedelta(milliseconds=milliseconds)
            for number in range(2):
                server.add_event(event("CONTACT/ENDED", at, f"{milliseconds} {number}"))
        run_events(server, duckdb_target(folder))
        yield server, folder


@pytest.fixture
def sandbox(loaded: tuple[Sandbox, Path]) -> Iterator[Sandbox]:
    """That Gladly, as it stood at the first run."""
    server, _ = loaded
    server.clock.set(FIRST_RUN)
    server.requests.clear()
    yield server
    server.faults.clear()
    server.reports.row_cap = 100_000


@pytest.fixture
def target(loaded: tuple[Sandbox, Path], tmp_path: Path) -> Target:
    """The destination after the first run."""
    shutil.copytree(loaded[1], tmp_path, dirs_exist_ok=True)
    return duckdb_target(tmp_path)


def backfill(
    sandbox: Sandbox, target: Target, first: date, last: date, **changed: object
) -> RunReport:
    settings = settings_for(sandbox, **{"reports_per_minute": 10_000} | changed)
    return backfill_gladly(settings, target, NoProgress(), first, last, events_only)


def told(records: Iterable[Record]) -> Counter[tuple[str, datetime]]:
    """Return types and times, as far as a report shows them."""
    return Counter(
        (record["type"], datetime.fromisoformat(record["timestamp"]))
        for record in records
        if record["type"] not in IN_NO_REPORT
    )


def found(tables: Tables, *, healed: bool) -> Counter[tuple[str, datetime]]:
    rows = (row for rows in whole_events(tables).values() for row in rows)
    return Counter(
        (row["type"], row["timestamp"])
        for row in rows
        if row["type"] not in IN_NO_REPORT and (row["origin"] != "events") == healed
    )


def check_all_is_there(sandbox: Sandbox, tables: Tables, since: datetime) -> None:
    times = [FIRST_RUN, sandbox.clock.now()]
    assert found(tables, healed=True) == told(events_of_stream(sandbox, since, REACHED))
    assert found(tables, healed=False) == told(expected_events(sandbox, times))
    assert {row["stream"] for row in tables["load_files"]} == {
        "gladly.events",
        "gladly.timestamps_reports",
    }
    assert tables["load_gaps"] == []


def test_history_is_loaded_up_to_what_the_events_api_brought_and_only_once(
    sandbox: Sandbox, target: Target
) -> None:
    report = backfill(sandbox, target, day(0).date(), FIRST_RUN.date())
    assert {file.file.removesuffix(".csv") for file in report.files} == REPORT_FILES
    check_all_is_there(sandbox, read_tables(target), day(0))


def test_no_hole_opens_between_a_backfill_and_a_first_run_that_comes_later(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    target = duckdb_target(tmp_path)
    backfill(sandbox, target, day(0).date(), FIRST_RUN.date())
    sandbox.clock.advance(timedelta(hours=1))
    run_events(sandbox, target)
    check_all_is_there(sandbox, read_tables(target), day(0))


def test_only_the_days_asked_for_are_loaded_and_more_can_be_added(
    sandbox: Sandbox, target: Target
) -> None:
    backfill(sandbox, target, day(1).date(), day(1).date())
    tables = read_tables(target)
    assert found(tables, healed=True) == told(events_of_stream(sandbox, day(1), day(2)))
    sandbox.requests.clear()
    backfill(sandbox, target, day(0).date(), FIRST_RUN.date())
    assert report_requests(sandbox) == 2 * len(REPORT_FILES)
    check_all_is_there(sandbox, read_tables(target), day(0))


def test_a_backfill_that_is_run_again_asks_for_nothing(sandbox: Sandbox, target: Target) -> None:
    backfill(sandbox, target, day(0).date(), FIRST_RUN.date())
    before = whole_events(read_tables(target))
    sandbox.requests.clear()
    sandbox.clock.advance(timedelta(minutes=5))
    report = backfill(sandbox, target, day(0).date(), FIRST_RUN.date())
    assert report.files == []
    assert {request.method for request in sandbox.requests} == {"GET"}
    assert whole_events(read_tables(target)) == before


@pytest.mark.usefixtures("no_waiting")
def test_a_backfill_that_was_stopped_goes_on_where_it_stopped(
    sandbox: Sandbox, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(healing, "_FILES_PER_PACKAGE", 4)
    first = (FIRST_DAY - timedelta(days=6)).date()
    sandbox.faults.on(REPORTS_PATH, 4, stall(0))
    sandbox.faults.on(REPORTS_PATH, 100, answer_status(503))
    with pytest.raises(HelpdeskError, match="503"):
        backfill(sandbox, target, first, FIRST_RUN.date())
    tables = read_tables(target)
    assert sorted(row["status"] for row in tables["load_runs"]) == ["done", "failed"]
    sandbox.faults.clear()
    sandbox.requests.clear()
    backfill(sandbox, target, first, FIRST_RUN.date())
    assert report_requests(sandbox) == len(REPORT_FILES)
    check_all_is_there(sandbox, read_tables(target), day(-6))


def test_a_day_that_gladly_cuts_fails_the_backfill_once_the_rest_is_loaded(
    sandbox: Sandbox, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "SUSPECT_ROWS", 40)
    sandbox.reports.row_cap = 40
    with pytest.raises(TruncatedError, match=r"AgentTimestampsReport of 2026-03-0\d"):
        backfill(sandbox, target, day(0).date(), FIRST_RUN.date())
    loaded = {row["file"].removesuffix(".csv") for row in read_tables(target)["load_files"]}
    assert loaded == {"events.jsonl", *REPORT_FILES} - {"AgentTimestampsReport"}
    monkeypatch.undo()
    sandbox.reports.row_cap = 100_000
    backfill(sandbox, target, day(0).date(), FIRST_RUN.date())
    check_all_is_there(sandbox, read_tables(target), day(0))


def test_the_limits_of_the_organisation_are_kept(tmp_path: Path) -> None:
    world = WorldSettings(items=100, days=14, first_day=FIRST_DAY.date())
    with Sandbox(SandboxSettings(world=world, now=day(13))) as sandbox:
        backfill(
            sandbox, duckdb_target(tmp_path), day(0).date(), day(12).date(), reports_per_minute=10
        )
        assert report_requests(sandbox) == 2 * len(REPORT_FILES)
        assert sandbox.requests.count_429() == 0
        assert sandbox.requests.most_within(60, "POST", REPORTS_PATH) <= 10
        assert sandbox.requests.most_at_once("POST", REPORTS_PATH) <= 2
