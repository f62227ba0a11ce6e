"""What must be in the event tables, said again in plain Python: the stream, and when runs were.

problems = event_differences(tables, expected_events(sandbox, times_of_runs))
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from pipelines.report import RunReport
from pipelines.runner import Target
from sandbox import Sandbox, SandboxSettings, WorldSettings
from tests.event_leaves import EVENT_CHILDREN, EVENT_FIELDS
from tests.leaves import EVENTS, missing_leaves, rows_by_record
from tests.pipelines.runs import Row, Tables, run

Record = dict[str, Any]

FIRST_DAY = datetime(2026, 3, 2, tzinfo=UTC)
EVENTS_PATH = "/api/v1/events"
REPORTS_PATH = "/api/v1/reports"
EVENTS_FILE = "events.jsonl"
EVENTS_STREAM = "gladly.events"
UNREPORTED_STREAM = "gladly.events.unreported"

# Gladly API reference, Events: how far back they reach, and how late they appear at most
REACH = timedelta(hours=24)
LAG = timedelta(seconds=15)
# by so much less a run reaches back, because its request takes time
MARGIN = timedelta(seconds=10)

LINEAGE = {"_extracted_at", "_job_id", "_file", "_line"}


def day(number: float) -> datetime:
    """Return a time so many days after the first midnight."""
    return FIRST_DAY + timedelta(days=number)


@contextmanager
def gladly_with_events(now: datetime, *, items: int = 300, days: int = 8) -> Iterator[Sandbox]:
    """Serve a world with events from the first day on; a test may ask as fast as it can."""
    world = WorldSettings(items=items, days=days, first_day=FIRST_DAY.date())
    settings = SandboxSettings(
        world=world, now=now, requests_per_second=10_000, reports_per_minute=10_000
    )
    with Sandbox(settings) as sandbox:
        yield sandbox


def events_only(name: str) -> bool:
    """Select the events and no export file."""
    return name == EVENTS_FILE


def run_events(
    sandbox: Sandbox,
    target: Target,
    selected: Callable[[str], bool] = events_only,
    **changed: object,
) -> RunReport:
    """Run the job once for events alone, as an hourly scheduler does, unless told otherwise."""
    return run(sandbox, target, selected=selected, **{"reports_per_minute": 10_000} | changed)  # type: ignore[arg-type] # settings only


def run_at(
    sandbox: Sandbox, target: Target, times: Iterable[datetime], **changed: object
) -> list[RunReport]:
    """Run at each of several times."""
    reports = []
    for at in times:
        sandbox.clock.set(at)
        reports.append(run_events(sandbox, target, **changed))  # type: ignore[arg-type] # settings only
    return reports


def every(hours: float, first: datetime, last: datetime) -> list[datetime]:
    """Return the times of a schedule, both ends included."""
    step = timedelta(hours=hours)
    return [first + number * step for number in range(int((last - first) / step) + 1)]


def expected_events(sandbox: Sandbox, times: Sequence[datetime]) -> list[Record]:
    """Return every event that runs at these times must have brought: no pause is a day long."""
    first, last = min(times), max(times)
    return [
        event.record
        for event in sandbox.events.events(first - REACH + MARGIN, last)
        if event.visible_at <= milliseconds(last)
    ]


def events_of_stream(sandbox: Sandbox, start: datetime, end: datetime) -> list[Record]:
    """Return every event recorded from ``start`` up to but not including ``end``."""
    last = end - timedelta(milliseconds=1)
    return [event.record for event in sandbox.events.events(start, last)]


def event_differences(tables: Tables, records: Iterable[Record]) -> list[str]:
    """Return every way in which the event tables are not these events, all of each, once each."""
    records = list(records)
    index = rows_by_record({name: tables[name] for name in (*EVENT_FIELDS, *EVENT_CHILDREN)})
    problems = [
        problem
        for record in records
        for problem in missing_leaves(EVENTS, json.dumps(record), index)
    ]
    sent = {record["id"] for record in records}
    for name in (*EVENT_FIELDS, *EVENT_CHILDREN):
        found = Counter(row["event_id"] for row in tables[name])
        problems += [f"{name}: {event}, which was not sent" for event in found.keys() - sent]
        if name in EVENT_FIELDS:
            problems += [
                f"{name}: {event} {count} times" for event, count in found.items() if count > 1
            ]
    return problems


def lines_fetched(reports: Iterable[RunReport]) -> int:
    """Return how many lines the Events API delivered to runs."""
    return sum(
        file.lines for report in reports for file in report.files if file.file == EVENTS_FILE
    )


def whole_events(tables: Tables) -> dict[str, list[Row]]:
    """Return the rows of each event table, each with the rows of its lists inside."""
    lists: dict[str, dict[str, list[Row]]] = {name: {} for name in EVENT_CHILDREN}
    for name, by_event in lists.items():
        for row in tables[name]:
            told = {key: row[key] for key in row if key not in {*LINEAGE, "event_id"}}
            by_event.setdefault(row["event_id"], []).append(told)
    return {
        name: [
            row
            | {
                child: sorted(lists[child].get(row["event_id"], []), key=str)
                for child, owner in EVENT_CHILDREN.items()
                if owner == name
            }
            for row in tables[name]
        ]
        for name in EVENT_FIELDS
    }


def without_origin(row: Row) -> Row:
    """Return a row but for its id, its lineage, its origin, and what no column holds."""
    left_out = {"event_id", "origin", "_extra", *LINEAGE}
    return {name: value for name, value in row.items() if name not in left_out}


def multiset(rows: Iterable[Row]) -> Counter[str]:
    """Return rows as a multiset that can be compared."""
    return Counter(str(sorted(row.items())) for row in rows)


def gap_spans(tables: Tables, stream: str) -> list[tuple[datetime, datetime, str, bool]]:
    """Return start, end, kind and whether it is healed of each gap of a stream."""
    return sorted(
        (row["from_at"], row["to_at"], row["kind"], row["healed_at"] is not None)
        for row in tables["load_gaps"]
        if row["stream"] == stream
    )


def report_requests(sandbox: Sandbox) -> int:
    """Return how many reports were asked for so far."""
    return len(sandbox.requests.requests_for(REPORTS_PATH))


def milliseconds(instant: datetime) -> int:
    """Return milliseconds since 1970."""
    return int(instant.timestamp() * 1000)


def event(kind: str, at: datetime, identifier: str | None, **content: object) -> Record:
    """Return an event as the API shows it; ``identifier`` None leaves the id out."""
    record: Record = {
        "type": kind,
        "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "initiator": {"id": "rule", "type": "SYSTEM"},
        "content": content,
    }
    return record if identifier is None else {"id": identifier, **record}


def columns_of(rows: Iterable[Mapping[str, Any]], *key: str) -> list[tuple[Any, ...]]:
    """Return some columns of rows, in order, doubles included."""
    return sorted(tuple(row[name] for name in key) for row in rows)
