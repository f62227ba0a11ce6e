"""``helpdesk backfill gladly``: what it loads, asks for, and refuses."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from sandbox import Sandbox, SandboxSettings, WorldSettings
from sandbox.faults import answer_status
from tests.command.commands import CANARY_TOKEN, Commands, environment_for
from tests.command.forks import Forks
from tests.pipelines.events import REPORTS_PATH, day, report_requests

FAILED, USAGE = 1, 2
WORLD = WorldSettings(items=60, days=4, first_day=day(0).date())


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A Gladly with four days of events."""
    settings = SandboxSettings(
        world=WORLD, now=day(3.5), requests_per_second=1000, api_token=CANARY_TOKEN
    )
    with Sandbox(settings) as server:
        yield server


@pytest.fixture
def helpdesk(sandbox: Sandbox, tmp_path: Path, forks: Forks) -> Commands:
    """The command, with settings that reach it."""
    return Commands(tmp_path, environment_for(sandbox, tmp_path), forks=forks)


def days(helpdesk: Commands) -> set[date]:
    """Return the days of which reports brought events."""
    rows = helpdesk.tables()["contact_events"]
    return {row["timestamp"].date() for row in rows if row["origin"] != "events"}


def test_a_backfill_tells_what_it_loaded_and_loads_nothing_twice(
    helpdesk: Commands, sandbox: Sandbox
) -> None:
    report = helpdesk("backfill", "gladly", "--from", "2026-03-02", "--json").json
    files = {file["file"] for file in report["files"] if file["stream"] != "gladly.events"}
    assert files == {
        f"{name}TimestampsReport.csv" for name in ("Agent", "Contact", "Conversation", "Task")
    }
    assert report["gaps"] == []
    assert days(helpdesk) == {day(number).date() for number in range(3)}
    asked = report_requests(sandbox)
    again = helpdesk("backfill", "gladly", "--from", "2026-03-02")
    assert (again.code, report_requests(sandbox)) == (0, asked)
    assert "0 events" in again.out


def test_both_days_are_included(helpdesk: Commands) -> None:
    finished = helpdesk("backfill", "gladly", "--from", "2026-03-03", "--to", "2026-03-03")
    assert finished.code == 0
    assert days(helpdesk) == {day(1).date()}


def test_of_days_without_anything_no_load_is_told(helpdesk: Commands) -> None:
    finished = helpdesk("backfill", "gladly", "--from", "2026-02-20", "--to", "2026-02-21")
    assert finished.code == 0
    # the events that Gladly has today, and nothing of those days
    assert finished.err.count("Loading") == 1
    assert days(helpdesk) == set()


def test_reports_alone_can_be_selected_and_what_is_left_is_told(
    helpdesk: Commands, sandbox: Sandbox
) -> None:
    span = "--from", "2026-03-02", "--to", "2026-03-04"
    changed = {"SOURCES__GLADLY__REPORTS": '["TaskSummaryReport"]'}
    finished = helpdesk("backfill", "gladly", *span, "--select", "reports", **changed)
    assert finished.code == 0, finished.err
    assert "Reports: 1 left, about 1 minute at 10 a minute." in finished.err
    tables = helpdesk.tables()
    assert {row["report_day"] for row in tables["report_windows"]} == {
        "2026-03-02",
        "2026-03-03",
        "2026-03-04",
    }
    assert tables["work_session_events"]
    assert tables["contact_events"] == []
    assert {request.path for request in sandbox.requests if request.method == "POST"} == {
        REPORTS_PATH,
        f"{REPORTS_PATH}/work-session-events",
    }


def test_a_backfill_that_fails_says_why_and_can_be_run_again(
    helpdesk: Commands, sandbox: Sandbox
) -> None:
    sandbox.faults.on(REPORTS_PATH, 100, answer_status(403))
    stopped = helpdesk("backfill", "gladly", "--from", "2026-03-02")
    assert stopped.code == FAILED
    assert REPORTS_PATH in stopped.message
    sandbox.faults.clear()
    sandbox.clock.advance(timedelta(minutes=5))
    assert helpdesk("backfill", "gladly", "--from", "2026-03-02").code == 0
    assert sorted(row["status"] for row in helpdesk.tables()["load_runs"]) == ["done", "failed"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((), "--from"),
        (("--from", "2026-03-32"), "--from"),
        (("--from", "2026-03-04", "--to", "2026-03-03"), "--to lies before --from"),
        (("--from", "2026-03-04", "--select", "agents"), "--select"),
    ],
    ids=["no day", "no such day", "backwards", "what has no history"],
)
def test_days_that_make_no_sense_are_refused_before_anything_is_asked(
    arguments: tuple[str, ...], word: str, helpdesk: Commands, sandbox: Sandbox
) -> None:
    stopped = helpdesk("backfill", "gladly", *arguments)
    assert stopped.code == USAGE
    assert word in stopped.err
    assert len(sandbox.requests) == 0
