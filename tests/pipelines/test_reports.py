"""Whole runs of reports: every day is what Gladly says of it, nothing is lost, doubled or kept."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from time import monotonic
from typing import NoReturn

import pytest

from pipelines import report_fetching
from sandbox import Sandbox, SandboxSettings, WorldSettings
from sandbox.faults import answer_html, answer_status
from sandbox.report_padding import PaddedDay
from sources.http.errors import HelpdeskError, SettingsError, TruncatedError
from tests.pipelines.events import (
    EVENTS_FILE,
    FIRST_DAY,
    REPORTS_PATH,
    day,
    event,
    gladly_with_events,
    run_events,
)
from tests.pipelines.report_runs import (
    ALWAYS,
    days,
    for_reports,
    report_differences,
    run_reports,
    uncounted_lines,
    windows_of,
)
from tests.pipelines.runs import Row, duckdb_target, read_tables, run

pytestmark = pytest.mark.slow  # `make long`: minutes of runs of whole days

CONTACTS = "ContactExportReportV3"
TASKS = "TaskExportReport"
SESSIONS = "WorkSessionsReport"
SESSION_EVENTS = "WorkSessionEventsReportV3"
CLOSED = "ConversationSummaryReport"
FIRST_CONTACT = "FirstContactResolutionByAgentV2Report"
ANSWERS = "GladAppAnswerUsageReport"
PHONE_MENU = "IVRExecutiveSummaryReportV2"
NUMBERS = ["+18005550100", "+18005550101"]
SEVERAL = [
    CONTACTS,
    CLOSED,
    FIRST_CONTACT,
    ANSWERS,
    PHONE_MENU,
    "TopicHierarchyReport",
    "WorkSessionEventsReportV4",
]
LAST_OF_FEBRUARY = "2026-02-28"
CROWDED = date(2026, 3, 3)


def close_again(sandbox: Sandbox) -> None:
    """Add a conversation that is closed on the last of February and again much later."""
    ids = {"conversationId": "closed-twice", "customerId": "customer"}
    for kind, at in (("CREATED", -1.3), ("CLOSED", -1.25), ("REOPENED", 5.1), ("CLOSED", 5.2)):
        sandbox.add_event(event(f"CONVERSATION/{kind}", day(at), f"{kind} {at}", **ids))


def told(row: Row) -> str:
    """Return what a row of a report says, but for its place and its lineage."""
    told = {name: row[name] for name in row if not name.startswith("_") and name != "position"}
    return str(told)


def test_after_half_a_day_and_a_pause_of_ten_every_day_is_as_gladly_says(tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    changed = {
        "reports": SEVERAL,
        "report_phone_numbers": NUMBERS,
        "report_timezone": "America/Los_Angeles",
        "report_aggregation": "halfHourly",
        "reports_from": LAST_OF_FEBRUARY,
    }
    with gladly_with_events(day(2.5), items=400, days=14) as sandbox:
        close_again(sandbox)
        run_reports(sandbox, target, day(2.5), **changed)
        before = read_tables(target)
        run_reports(sandbox, target, day(3), **changed)
        run_reports(sandbox, target, day(13), **changed)
        after = read_tables(target)
        assert report_differences(sandbox, after, SEVERAL) == []
        for metric_set in set(SEVERAL) - {PHONE_MENU}:
            assert sorted(windows_of(after, metric_set)) == [LAST_OF_FEBRUARY, *days(1, 14)], (
                metric_set
            )
        assert len(after["report_windows"]) == (len(SEVERAL) - 1 + len(NUMBERS)) * 15
        assert uncounted_lines(after) == []
        assert windows_of(before, CLOSED)[LAST_OF_FEBRUARY]["rows"] == 1
        assert windows_of(after, CLOSED)[LAST_OF_FEBRUARY]["rows"] == 0
        usage = Counter(told(row) for row in after["report_glad_app_answer_usage"])
        assert max(usage.values()) > 1, "no exact duplicates were answered"

        # other settings: the days that were read with the old ones are replaced, all of them
        other = {"report_timezone": "UTC", "report_channel": "voice"}
        run_reports(sandbox, target, day(13.1), **other, reports=[CONTACTS, CLOSED])
        replaced = read_tables(target)
    for metric_set in (CONTACTS, CLOSED):
        windows = windows_of(replaced, metric_set)
        assert {*windows} >= {LAST_OF_FEBRUARY, *days(1, 15)}
        assert {row["timezone"] for row in windows.values()} == {"UTC"}, metric_set
    channels = {row["channel"] for row in replaced["report_contact_export_v3"]}
    assert channels == {"PHONE_CALL", "VOICEMAIL"}


def test_a_crowded_day_is_complete_or_an_error_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = duckdb_target(tmp_path)
    with gladly_with_events(day(2.5), items=60, days=5) as sandbox:
        rows = {CONTACTS: 250, TASKS: 250, SESSIONS: 400, SESSION_EVENTS: 250}
        sandbox.reports.pad_rows.update(
            {metric_set: PaddedDay(CROWDED, count) for metric_set, count in rows.items()}
        )
        inboxes = [inbox["id"] for inbox in sandbox.world.inboxes]
        changed = {"reports": [*rows, *rows], "report_inboxes": inboxes}
        sandbox.reports.row_cap = 100
        monkeypatch.setattr(report_fetching, "SUSPECT_ROWS", 90)
        with pytest.raises(TruncatedError, match=f"{SESSION_EVENTS} of 2026-03-03"):
            run_reports(sandbox, target, day(2.5), **changed)
        first = read_tables(target)
        monkeypatch.undo()
        sandbox.reports.row_cap = 100_000
        assert report_differences(sandbox, first, rows) == []
        for metric_set in (CONTACTS, TASKS, SESSIONS):
            assert windows_of(first, metric_set)["2026-03-03"]["rows"] >= rows[metric_set]
        other_days = {*days(1, 4)} - {"2026-03-03"}
        assert {*windows_of(first, SESSION_EVENTS)} >= other_days - {"2026-03-01"}
        assert "2026-03-03" not in windows_of(first, SESSION_EVENTS)
        assert [row["status"] for row in first["load_runs"]] == ["failed"]
        assert uncounted_lines(first) == []

        run_reports(sandbox, target, day(2.5), **changed)
        second = read_tables(target)
        assert report_differences(sandbox, second, rows) == []
        assert windows_of(second, SESSION_EVENTS)["2026-03-03"]["rows"] >= 250


@pytest.mark.usefixtures("no_waiting")
def test_reports_that_are_refused_or_no_reports_keep_no_others_from_loading(
    tmp_path: Path,
) -> None:
    target = duckdb_target(tmp_path)
    seen: list[str] = []
    faults = {CLOSED: answer_html(), TASKS: answer_status(400)}
    with gladly_with_events(day(2.5), items=60, days=3) as sandbox:
        sandbox.faults.on(REPORTS_PATH, ALWAYS, for_reports(faults, seen))
        with pytest.raises(HelpdeskError, match=CLOSED):
            run_reports(sandbox, target, day(2.5), reports=[CLOSED, TASKS, CONTACTS, ANSWERS])
    tables = read_tables(target)
    loaded = {row["metric_set"] for row in tables["report_windows"]}
    assert loaded == {CONTACTS, ANSWERS}
    # it is asked for a day at a time, and two requests may be under way when the first is refused
    assert seen.count(TASKS) <= 2


@pytest.mark.usefixtures("no_waiting")
def test_what_came_before_an_outage_is_loaded(tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    others = [CLOSED, FIRST_CONTACT, ANSWERS, "TopicHierarchyReport"]
    faults = dict.fromkeys(others, answer_status(503))
    with gladly_with_events(day(2.5), items=60, days=3) as sandbox:
        sandbox.faults.on(REPORTS_PATH, ALWAYS, for_reports(faults, []))
        with pytest.raises(HelpdeskError, match="503"):
            run_reports(sandbox, target, day(2.5), reports=[CONTACTS, *others])
    assert {row["metric_set"] for row in read_tables(target)["report_windows"]} == {CONTACTS}


class WaitsError(HelpdeskError):
    """The budget of reports is used up for this minute."""


def would_wait(_seconds: float) -> NoReturn:
    raise WaitsError("It waits for the minute to end.")


@contextmanager
def strict_gladly(now: datetime) -> Iterator[Sandbox]:
    """Serve a world whose reports have their usual limits."""
    world = WorldSettings(items=100, days=5, first_day=FIRST_DAY.date())
    with Sandbox(SandboxSettings(world=world, now=now, requests_per_second=10_000)) as sandbox:
        yield sandbox


def test_healing_work_sessions_and_reports_share_ten_requests_a_minute(
    tmp_path: Path,
) -> None:
    target = duckdb_target(tmp_path)
    with strict_gladly(day(1.5)) as sandbox:
        run_events(sandbox, target)
        sandbox.clock.set(day(2.7))
        with pytest.raises(WaitsError):
            run(
                sandbox,
                target,
                selected={EVENTS_FILE, "reports"}.__contains__,
                sleep=would_wait,
                clock=monotonic,
            )
        assert sandbox.requests.most_within(60, "POST", REPORTS_PATH) == 10
        assert sandbox.requests.most_at_once("POST", REPORTS_PATH) <= 2
        assert sandbox.requests.count_429() == 0
    tables = read_tables(target)
    streams = Counter(row["stream"] for row in tables["load_files"])
    posts = [streams[f"gladly.{name}"] for name in ("timestamps_reports", "work_sessions")]
    assert min(posts) >= 1
    # a request that was under way when the minute was used up may be lost with it
    assert 10 - 2 <= sum(posts) + streams["gladly.reports"] <= 10


@pytest.mark.parametrize(
    "wrong",
    [{"reports": [CONTACTS, "NoSuchReport"]}, {"report_timezone": "Mars/Olympus"}],
    ids=["an unknown report", "an unknown time zone"],
)
def test_a_wrong_setting_is_told_before_any_report_is_asked_for(
    tmp_path: Path, wrong: dict[str, object]
) -> None:
    with gladly_with_events(day(1), items=0, days=1) as sandbox:
        with pytest.raises(SettingsError, match=r"NoSuchReport|Mars/Olympus"):
            run_reports(sandbox, duckdb_target(tmp_path), day(1), **wrong)
        assert posts_of(sandbox) == 0


def test_no_reports_ask_nothing_and_load_nothing(tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    with gladly_with_events(day(1), items=20, days=1) as sandbox:
        run_reports(sandbox, target, day(1), reports=[])
        assert posts_of(sandbox) == 0
    tables = read_tables(target)
    assert not tables["report_windows"]
    assert not tables["work_session_events"]


def posts_of(sandbox: Sandbox) -> int:
    return sum(request.method == "POST" for request in sandbox.requests)
