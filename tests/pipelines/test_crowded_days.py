"""A day of more rows than a report can have arrives complete, or is an error that names it.

The real size, 250,000 rows a report, with its figures:
    pytest tests/pipelines/test_crowded_days.py -m slow -s
"""

import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import report_fetching, work_sessions
from sandbox.report_csv import WORK_SESSION_EVENTS
from sandbox.report_padding import PaddedDay
from sources.http.errors import TruncatedError
from tests.pipelines.events import REPORTS_PATH, day, gladly_with_events
from tests.pipelines.report_runs import ALWAYS, SESSIONS_PATH, noting, run_reports
from tests.pipelines.runs import duckdb_target

CROWDED = date(2026, 3, 3)
BY_MINUTES, BY_INBOX, NOT_AT_ALL = (
    "ContactExportReportV3",
    "TaskExportReport",
    "WorkSessionEventsReportV3",
)
# what tells the rows that were made up, each by its own id
PADDING = {
    "report_contact_export_v3": ("contact_id", "padding-contact"),
    "report_task_export": ("task_id", "padding-task"),
    "work_session_events": ("contact_session_id", "padding-contact"),
}
SIZES = [
    pytest.param(2_500, 1_000, id="small"),
    pytest.param(250_000, 100_000, id="the real size", marks=pytest.mark.slow),
]


def rows_of(database: Path, table: str) -> tuple[int, int, int]:
    """Return how many rows of a table were made up, how many different ones, and of which day."""
    key, prefix = PADDING[table]
    windows = "window_id LIKE '%2026-03-03'" if table.startswith("report_") else "TRUE"
    with duckdb.connect(str(database), read_only=True) as connection:
        found = connection.execute(
            f"SELECT COUNT(*), COUNT(DISTINCT {key}), COUNT(*) FILTER (WHERE {windows}) "
            f"FROM gladly.{table} WHERE {key} LIKE '{prefix}-%'"
        ).fetchone()
    assert found
    return found[0], found[1], found[2]


@pytest.mark.parametrize(("rows", "row_cap"), SIZES)
def test_a_day_beyond_the_cap_is_complete_or_an_error_that_names_it(
    rows: int, row_cap: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (report_fetching, work_sessions):
        monkeypatch.setattr(place, "SUSPECT_ROWS", row_cap * 9 // 10)
    chosen = [BY_MINUTES, BY_INBOX, NOT_AT_ALL]
    with gladly_with_events(day(2.5), items=60, days=3) as sandbox:
        sandbox.reports.row_cap = row_cap
        sandbox.reports.pad_rows.update(
            dict.fromkeys([*chosen, WORK_SESSION_EVENTS], PaddedDay(CROWDED, rows))
        )
        bodies: list[dict[str, Any]] = []
        sandbox.faults.on(REPORTS_PATH, ALWAYS, noting(bodies))
        inboxes = [inbox["id"] for inbox in sandbox.world.inboxes]
        began = time.monotonic()
        with pytest.raises(TruncatedError, match=f"{NOT_AT_ALL} of {CROWDED}"):
            run_reports(
                sandbox,
                duckdb_target(tmp_path),
                day(2.5),
                reports=chosen,
                report_inboxes=inboxes,
                reports_from=str(CROWDED),
                report_trailing_days=1,
            )
        seconds = time.monotonic() - began
        assert sandbox.requests.most_at_once("POST", REPORTS_PATH) <= 2
        assert sandbox.requests.count_429() == 0
        asked = Counter(body["metricSet"] for body in bodies)
        asked[WORK_SESSION_EVENTS] = len(sandbox.requests.requests_for(SESSIONS_PATH))
    for table in PADDING:
        assert rows_of(tmp_path / "warehouse.duckdb", table) == (rows, rows, rows), table
    sys.stdout.write(f"\n{rows:,} rows of each in {seconds:.0f} seconds; requests: {dict(asked)}\n")
