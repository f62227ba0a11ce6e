"""Reports and work sessions of before the first run, whole days of them, each asked for once."""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from pipelines import backfill as backfill_module
from pipelines.progress import NoProgress
from pipelines.report import RunReport
from pipelines.runner import Target, backfill_gladly
from sandbox import Sandbox
from sources.gladly.report_types import WORK_SESSION_EVENTS
from sources.http.errors import HelpdeskError
from tests.pipelines.events import (
    EVENTS_FILE,
    FIRST_DAY,
    REPORTS_PATH,
    day,
    gladly_with_events,
    report_requests,
)
from tests.pipelines.report_runs import (
    ALWAYS,
    SESSIONS_PATH,
    asking,
    minute,
    noting,
    post,
    report_differences,
    row_differences,
    run_reports,
    uncounted_lines,
    windows_of,
)
from tests.pipelines.runs import (
    DESTINATIONS,
    Tables,
    duckdb_target,
    read_tables,
    settings_for,
)

CONTACTS = "ContactExportReportV3"
CLOSED = "ConversationSummaryReport"
TASKS = "TaskExportReport"
CHOSEN = [CONTACTS, CLOSED, TASKS]
ZONE = "America/Los_Angeles"
# long after the world ends: no day of it can change any more
NOW = day(60.5)
FIRST, LAST = date(2026, 3, 3), date(2026, 3, 12)
DAYS = {str(FIRST + timedelta(days=number)) for number in range(10)}
SETTINGS = {"reports": CHOSEN, "report_timezone": ZONE, "reports_per_minute": 10_000}


class Told(NoProgress):
    """Keeps what is said, and may stop the run at a word."""

    def __init__(self, stop_at: str = "nothing") -> None:
        self.said: list[str] = []
        self.stop_at = stop_at

    def say(self, message: str) -> None:
        self.said.append(message)
        if self.stop_at in message:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, Path]]:
    """A Gladly with two weeks of history, and the data folder of a nightly run long after it."""
    folder = tmp_path_factory.mktemp("loaded")
    with gladly_with_events(NOW, items=500, days=14) as server:
        run_reports(server, duckdb_target(folder), NOW, **SETTINGS)
        yield server, folder


@pytest.fixture
def sandbox(loaded: tuple[Sandbox, Path]) -> Iterator[Sandbox]:
    """That Gladly, as it stood at the nightly run."""
    server, _ = loaded
    server.clock.set(NOW)
    server.requests.clear()
    yield server
    server.faults.clear()


@pytest.fixture
def target(loaded: tuple[Sandbox, Path], tmp_path: Path) -> Target:
    """The destination after the nightly run."""
    shutil.copytree(loaded[1], tmp_path, dirs_exist_ok=True)
    return duckdb_target(tmp_path)


def backfill(
    sandbox: Sandbox,
    target: Target,
    first: date = FIRST,
    last: date = LAST,
    *,
    told: Told | None = None,
    selected: Iterable[str] = ("reports",),
    **changed: object,
) -> RunReport:
    settings = settings_for(sandbox, **{**SETTINGS, **changed})
    names = {*selected}
    progress = told or NoProgress()
    return backfill_gladly(settings, target, progress, first, last, names.__contains__)


def backfilled(tables: Tables, metric_set: str) -> set[str]:
    windows = windows_of(tables, metric_set).items()
    return {report_day for report_day, row in windows if row["is_backfill"]}


def session_differences(sandbox: Sandbox, tables: Tables) -> list[str]:
    """Return every way in which work sessions are not what Gladly says of the ten days."""
    begin = datetime(2026, 3, 3, tzinfo=ZoneInfo(ZONE))
    last_minute = begin + timedelta(days=10, minutes=-1)
    body = {"startAtTime": minute(begin), "endAtTime": minute(last_minute)}
    with asking(sandbox) as client:
        header, *answered = post(client, body, SESSIONS_PATH)
    rows = tables["work_session_events"]
    assert answered
    return [*row_differences(WORK_SESSION_EVENTS, header, answered, rows, ZoneInfo("UTC"))]


def days_asked_for(bodies: Iterable[dict[str, Any]]) -> Counter[tuple[str, date]]:
    asked = Counter[tuple[str, date]]()
    for body in bodies:
        at, last = map(date.fromisoformat, (body["startAt"], body["endAt"]))
        while at <= last:
            asked[body["metricSet"], at] += 1
            at += timedelta(days=1)
    return asked


def posts(sandbox: Sandbox) -> int:
    return sum(request.method == "POST" for request in sandbox.requests)


def test_every_day_asked_for_is_loaded_and_no_other(sandbox: Sandbox, target: Target) -> None:
    before = read_tables(target)
    report = backfill(sandbox, target)
    tables = read_tables(target)
    for metric_set in CHOSEN:
        assert backfilled(tables, metric_set) == DAYS, metric_set
        assert {*windows_of(tables, metric_set)} == DAYS | {*windows_of(before, metric_set)}
    assert len(tables["report_contact_export_v3"]) > 50
    assert report_differences(sandbox, tables, CHOSEN) == []
    assert session_differences(sandbox, tables) == []
    assert uncounted_lines(tables) == []
    assert report.report_rows == sum(file.rows for file in report.files) > 0
    assert sorted(row["status"] for row in tables["load_runs"]) == ["done", "done"]


def test_a_backfill_that_is_run_again_asks_for_no_report(sandbox: Sandbox, target: Target) -> None:
    backfill(sandbox, target)
    sandbox.requests.clear()
    sandbox.clock.advance(timedelta(minutes=5))
    report = backfill(sandbox, target)
    assert (report.files, posts(sandbox)) == ([], 0)
    backfill(sandbox, target, FIRST, LAST + timedelta(days=1))
    # one day more: a report of it each, and its work sessions
    assert posts(sandbox) == len(CHOSEN) + 1


def test_days_that_can_still_change_are_read_again_and_replaced(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    target = duckdb_target(tmp_path)
    sandbox.clock.set(day(8.5))
    backfill(sandbox, target)
    sandbox.clock.set(NOW)
    bodies: list[dict[str, Any]] = []
    sandbox.faults.on(REPORTS_PATH, ALWAYS, noting(bodies))
    backfill(sandbox, target)
    first_again = {CONTACTS: 9, TASKS: 9, CLOSED: 3}
    expected = {
        (name, date(2026, 3, number)) for name in CHOSEN for number in range(first_again[name], 13)
    }
    assert {*days_asked_for(bodies)} == expected
    tables = read_tables(target)
    sandbox.faults.clear()
    assert report_differences(sandbox, tables, CHOSEN) == []
    assert session_differences(sandbox, tables) == []


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("stopped_by", ["an outage", "its user"])
def test_a_backfill_that_was_stopped_goes_on_and_asks_for_no_day_twice(
    stopped_by: str, sandbox: Sandbox, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill_module, "_REPORTS_PER_PACKAGE", 4)
    bodies: list[dict[str, Any]] = []
    if stopped_by == "an outage":
        sandbox.faults.on(REPORTS_PATH, ALWAYS, noting(bodies, answered=6))
        with pytest.raises(HelpdeskError, match="503"):
            backfill(sandbox, target)
    else:
        sandbox.faults.on(REPORTS_PATH, ALWAYS, noting(bodies))
        told = Told(stop_at="Reports: 5 left")
        with pytest.raises(KeyboardInterrupt):
            backfill(sandbox, target, told=told)
    answered = len(bodies)
    first = read_tables(target)
    for name in CHOSEN:
        answered_days = {str(at) for asked, at in days_asked_for(bodies) if asked == name}
        assert backfilled(first, name) == answered_days
    newest_tasks = backfilled(first, TASKS)
    assert {str(LAST - timedelta(days=n)) for n in range(len(newest_tasks))} == newest_tasks != DAYS
    sandbox.faults.clear()
    sandbox.requests.clear()
    sandbox.faults.on(REPORTS_PATH, ALWAYS, noting(bodies))
    backfill(sandbox, target)
    assert report_requests(sandbox) == len(bodies) - answered
    asked = days_asked_for(bodies)
    assert set(asked.values()) == {1}
    assert {(name, str(at)) for name, at in asked} == {(name, at) for name in CHOSEN for at in DAYS}
    assert sandbox.requests.requests_for(SESSIONS_PATH) == []
    sandbox.faults.clear()
    assert report_differences(sandbox, read_tables(target), CHOSEN) == []


def test_the_next_nightly_run_asks_for_its_own_days_and_not_for_those_between(
    sandbox: Sandbox, target: Target, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("without")
    shutil.copytree(target.data, folder, dirs_exist_ok=True)
    nights = {}
    for name, place in (("with a backfill", target), ("without", duckdb_target(folder))):
        sandbox.clock.set(NOW)
        if place is target:
            backfill(sandbox, place)
        sandbox.requests.clear()
        bodies: list[dict[str, Any]] = []
        sandbox.faults.on(REPORTS_PATH, ALWAYS, noting(bodies))
        run_reports(sandbox, place, NOW + timedelta(days=1), **SETTINGS)
        sandbox.faults.clear()
        nights[name] = sorted(map(str, bodies)), posts(sandbox)
    assert nights["with a backfill"] == nights["without"]
    tables = read_tables(target)
    assert all(backfilled(tables, metric_set) == DAYS for metric_set in CHOSEN)


def test_a_first_nightly_run_after_a_backfill_begins_with_its_trailing_days(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    target = duckdb_target(tmp_path)
    backfill(sandbox, target)
    sandbox.requests.clear()
    run_reports(sandbox, target, NOW, **SETTINGS)
    read = {name: {*windows_of(read_tables(target), name)} - DAYS for name in CHOSEN}
    assert {name: len(found) for name, found in read.items()} == {CONTACTS: 3, CLOSED: 30, TASKS: 3}
    assert len(sandbox.requests.requests_for(SESSIONS_PATH)) == 1


def test_other_settings_ask_for_the_days_again(sandbox: Sandbox, target: Target) -> None:
    backfill(sandbox, target)
    backfill(sandbox, target, report_timezone="UTC", reports=[CONTACTS])
    windows = windows_of(read_tables(target), CONTACTS)
    assert {windows[name]["timezone"] for name in DAYS} == {"UTC"}


def test_what_is_left_and_what_remains_between_is_told(sandbox: Sandbox, target: Target) -> None:
    told = Told()
    backfill(sandbox, target, told=told)
    # a request a day for tasks, one a week for contacts, one in all for the summary
    assert "Work sessions: 2 left, about 1 minute at 10000 a minute." in told.said
    assert "Reports: 13 left, about 1 minute at 10000 a minute." in told.said
    between = "from 2026-03-13 to 2026-04-28"
    assert [line for line in told.said if between in line and "--to 2026-04-28" in line]


def test_only_what_is_selected_is_asked_for(sandbox: Sandbox, target: Target) -> None:
    backfill(sandbox, target, selected=[EVENTS_FILE])
    tables = read_tables(target)
    assert not any(backfilled(tables, metric_set) for metric_set in CHOSEN)
    events = [row for row in tables["contact_events"] if row["origin"] != "events"]
    assert min(row["timestamp"] for row in events) >= FIRST_DAY
    assert sandbox.requests.requests_for(SESSIONS_PATH) == []
    backfill(sandbox, target, selected=["reports"])
    after = read_tables(target)
    assert after["contact_events"] == tables["contact_events"]
    assert backfilled(after, CONTACTS) == DAYS


@pytest.mark.parametrize("destination", ["postgres", "filesystem"])
def test_any_destination_remembers_what_a_backfill_asked_for(
    destination: str, sandbox: Sandbox, tmp_path: Path, postgres: str
) -> None:
    target = DESTINATIONS[destination](tmp_path, postgres)
    backfill(sandbox, target)
    sandbox.requests.clear()
    backfill(sandbox, target)
    assert posts(sandbox) == 0
    run_reports(sandbox, target, NOW, **SETTINGS)
    tables = read_tables(target)
    assert all(backfilled(tables, name) == DAYS for name in CHOSEN)
    assert report_differences(sandbox, tables, CHOSEN) == []
    assert len(windows_of(tables, TASKS)) == len(DAYS) + 3
    assert session_differences(sandbox, tables) == []


@pytest.mark.parametrize("forgotten", [1, len(DAYS)], ids=["a day", "all days"])
def test_days_that_are_forgotten_are_read_again_and_hold_their_rows_once(
    forgotten: int, sandbox: Sandbox, target: Target
) -> None:
    backfill(sandbox, target)
    once = read_tables(target)
    with duckdb.connect(str(target.data / "warehouse.duckdb")) as connection:
        connection.execute(
            f"DELETE FROM gladly.report_windows WHERE metric_set = '{CONTACTS}' "
            f"AND report_day < '{FIRST + timedelta(days=forgotten)}'"
        )
    backfill(sandbox, target)
    again = read_tables(target)
    assert report_differences(sandbox, again, CHOSEN) == []
    assert windows_of(again, CONTACTS).keys() == windows_of(once, CONTACTS).keys()
