"""Whole runs of work sessions: provisional rows give way, and a long pause loses none."""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pipelines import work_sessions
from sandbox import Sandbox
from sources.gladly.report_types import WORK_SESSION_EVENTS
from sources.gladly.settings import WORK_SESSIONS_STREAM
from sources.gladly.work_sessions import WORK_SESSION_EVENTS as WORK_SESSION_TABLE
from sources.tables.ledger import LEDGER
from tests.pipelines.events import FIRST_DAY, day, gladly_with_events
from tests.pipelines.report_runs import (
    SESSIONS_PATH,
    asking,
    minute,
    post,
    row_differences,
    run_reports,
    uncounted_lines,
)
from tests.pipelines.runs import Tables, duckdb_target, postgres_target, read_tables

pytestmark = pytest.mark.slow  # `make long`: minutes of runs of whole days

TABLES = (WORK_SESSION_TABLE, *LEDGER)
# some report there must be; this one is small
SMALL = ["ChatDisplayPctChangesReport"]


def session_differences(sandbox: Sandbox, tables: Tables) -> list[str]:
    """Return every way in which the table is not what the sandbox says now of all sessions."""
    body = {"startAtTime": minute(FIRST_DAY), "endAtTime": minute(sandbox.clock.now())}
    with asking(sandbox) as client:
        header, *answered = post(client, body, SESSIONS_PATH)
    rows = tables["work_session_events"]
    return [*row_differences(WORK_SESSION_EVENTS, header, answered, rows, ZoneInfo("UTC"))]


def test_provisional_rows_give_way_and_a_pause_beyond_the_trailing_span_loses_none(
    tmp_path: Path, postgres: str
) -> None:
    target = postgres_target(tmp_path, postgres)
    last_run = day(2.5)
    with gladly_with_events(last_run, items=1200, days=14) as sandbox:
        run_reports(sandbox, target, last_run, reports=SMALL)
        first = read_tables(target, TABLES)
        assert session_differences(sandbox, first) == []
        provisional = {
            row["contact_session_id"]
            for row in first["work_session_events"]
            if row["contact_session_ended_at"] is None
        }
        run_reports(sandbox, target, day(13), reports=SMALL)
        second = read_tables(target, TABLES)
        assert session_differences(sandbox, second) == []
    rows = second["work_session_events"]
    ended = {row["contact_session_id"]: row["contact_session_ended_at"] for row in rows}
    assert provisional
    assert all(ended[contact] for contact in provisional)
    hour = timedelta(hours=1)
    unreported = [at for at in ended.values() if at and last_run - hour < at < last_run]
    assert unreported, "no session ended in the hour that the last run could not see yet"
    assert uncounted_lines(second) == []


def test_a_crowded_span_is_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = duckdb_target(tmp_path)
    monkeypatch.setattr(work_sessions, "SUSPECT_ROWS", 25)
    with gladly_with_events(day(2.5), items=700, days=3) as sandbox:
        sandbox.reports.row_cap = 30
        run_reports(sandbox, target, day(2.5), reports=SMALL)
        sandbox.reports.row_cap = 100_000
        tables = read_tables(target, TABLES)
        assert session_differences(sandbox, tables) == []
    parts = [row for row in tables["load_files"] if row["stream"] == WORK_SESSIONS_STREAM]
    assert len(parts) > 1
