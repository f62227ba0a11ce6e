"""Runs of reports alone, and what must be in their tables, asked of the sandbox day by day."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipelines.report import RunReport
from pipelines.runner import Target
from sandbox import Sandbox
from sandbox.faults import FaultAction, answer_status
from sources.gladly.report_types import REPORTS, Report
from sources.streams.csv_records import column_key
from tests.gladly.report_cells import says_nothing, tells
from tests.pipelines.events import REPORTS_PATH
from tests.pipelines.runs import Row, Tables, run

SESSIONS_PATH = "/api/v1/reports/work-session-events"
ALWAYS = 1_000_000
# they repeat the request, so a day that was read in parts says otherwise
FILTERS = {"Channel Filter", "Inboxes Filter"}


def run_reports(sandbox: Sandbox, target: Target, at: datetime, **changed: object) -> RunReport:
    """Run the job once for reports alone."""
    sandbox.clock.set(at)
    settings = {"reports_per_minute": 10_000, **changed}
    return run(sandbox, target, selected=lambda name: name == "reports", **settings)  # type: ignore[arg-type] # settings only


@contextmanager
def asking(sandbox: Sandbox) -> Iterator[httpx.Client]:
    """Open a client of one's own."""
    auth = (sandbox.email, sandbox.api_token)
    with httpx.Client(base_url=sandbox.base_url, auth=auth, timeout=60) as client:
        yield client


def post(client: httpx.Client, body: dict[str, Any], path: str = REPORTS_PATH) -> list[list[str]]:
    """Return the header and the rows that a sandbox answers now."""
    answered = client.post(path, json=body)
    assert answered.status_code == 200, answered.text
    return list(csv.reader(io.StringIO(answered.text, newline="")))


def answer_of_day(client: httpx.Client, window: Row) -> list[list[str]]:
    """Return what a sandbox says now of a day that was read."""
    body: dict[str, Any] = {"metricSet": window["metric_set"]}
    zone, first = ZoneInfo(window["timezone"]), date.fromisoformat(window["report_day"])
    if window["metric_set"] == "WorkSessionEventsReportV4":
        midnight = datetime.combine(first, time(), zone)
        last_minute = datetime.combine(first + timedelta(days=1), time(), zone).astimezone(UTC)
        body["startAtTime"] = minute(midnight)
        body["endAtTime"] = minute(last_minute - timedelta(minutes=1))
    else:
        body |= {"startAt": str(first), "endAt": str(first), "timezone": zone.key}
    if window["aggregation_level"]:
        body["aggregationLevel"] = window["aggregation_level"]
    return post(client, body | {"filters": json.loads(window["filters"])})


def minute(at: datetime) -> str:
    """Return an instant as requests write it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def report_differences(sandbox: Sandbox, tables: Tables, metric_sets: Iterable[str]) -> list[str]:
    """Return every way in which reports are not what the sandbox says now of each of their days."""
    found: dict[str, list[Row]] = {}
    for metric_set in metric_sets:
        for row in tables[REPORTS[metric_set].table]:
            found.setdefault(row["window_id"], []).append(row)
    problems: list[str] = []
    with asking(sandbox) as client:
        for window in tables["report_windows"]:
            rows = found.pop(window["window_id"], [])
            header, *answered = answer_of_day(client, window)
            report, zone = REPORTS[window["metric_set"]], ZoneInfo(window["timezone"])
            problems += [
                f"{window['window_id']}: {problem}"
                for problem in row_differences(report, header, answered, rows, zone)
            ]
            if sorted(row["position"] for row in rows) != [*range(1, window["rows"] + 1)]:
                problems.append(f"{window['window_id']}: {window['rows']} rows are told")
    return problems + [f"{name}: rows without a window" for name in found]


def row_differences(
    report: Report,
    header: Sequence[str],
    answered: Sequence[Sequence[str]],
    rows: Sequence[Row],
    zone: ZoneInfo,
) -> Iterator[str]:
    """Yield the answered rows that no row tells, and the rows that were not answered."""
    left = list(rows)
    for cells in answered:
        told = next((row for row in left if tells_all(report, header, cells, row, zone)), None)
        if told is None:
            yield f"not found: {cells}"
        else:
            left.remove(told)
    yield from (f"not answered: {row}" for row in left)


def tells_all(
    report: Report, header: Sequence[str], cells: Sequence[str], row: Row, zone: ZoneInfo
) -> bool:
    """Return whether a row tells every cell, in its column or in ``_extra``."""
    columns = {column.key: column for column in report.columns}
    extra = json.loads(row["_extra"] or "{}")
    for name, cell in zip(header, cells, strict=True):
        column = columns.get(column_key(name))
        if says_nothing(cell, column) or extra.get(name) == cell or name in FILTERS:
            continue
        if column is None or not tells(column, cell, row, zone):
            return False
    return True


def windows_of(tables: Tables, metric_set: str) -> dict[str, Row]:
    """Return the windows of a report by their day; each day has one."""
    windows = [row for row in tables["report_windows"] if row["metric_set"] == metric_set]
    assert len({row["window_id"] for row in windows}) == len(windows)
    return {row["report_day"]: row for row in windows}


def uncounted_lines(tables: Tables) -> list[Row]:
    """Return the files of which some lines are neither rows nor quarantined."""
    return [row for row in tables["load_files"] if row["lines"] != row["rows"] + row["quarantined"]]


def days(first: int, last: int) -> list[str]:
    """Return days of March 2026."""
    return [f"2026-03-{day:02}" for day in range(first, last + 1)]


def for_reports(faults: Mapping[str, FaultAction], seen: list[str]) -> FaultAction:
    """Let faults meet the requests for some reports; note each report that is asked for."""

    async def action(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        body, again = await _whole_body(receive)
        seen.append(body["metricSet"])
        if fault := faults.get(body["metricSet"]):
            await fault(app, scope, again, send)
        else:
            await app(scope, again, send)

    return action


def noting(bodies: list[dict[str, Any]], answered: int = ALWAYS) -> FaultAction:
    """Note the bodies of the requests that are answered; beyond so many, reports are down."""

    async def action(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        body, again = await _whole_body(receive)
        if len(bodies) >= answered:
            await answer_status(503)(app, scope, again, send)
        else:
            bodies.append(body)
            await app(scope, again, send)

    return action


async def _whole_body(receive: Receive) -> tuple[dict[str, Any], Receive]:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    body = b"".join(parts)
    whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return whole.pop() if whole else await receive()

    return json.loads(body), again
