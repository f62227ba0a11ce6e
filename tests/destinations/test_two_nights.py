"""Two nights, and the first one after a pause, into every kind of destination."""

from datetime import timedelta
from pathlib import Path

from pipelines.runner import Target
from sandbox import Sandbox, SandboxSettings, WorldSettings
from tests.event_leaves import EVENT_FIELDS
from tests.pipelines.events import (
    EVENTS_STREAM,
    event,
    event_differences,
    expected_events,
    gap_spans,
)
from tests.pipelines.model import deliveries, differences
from tests.pipelines.runs import (
    DESTINATIONS,
    RUN_SPECIFIC,
    Row,
    Tables,
    everything,
    read_tables,
    run,
)

# what tells one run from another, and so differs between two runs of the same nights
OF_TWO_RUNS = {
    **RUN_SPECIFIC,
    "load_runs": frozenset({"run_id", "started_at", "finished_at"}),
}
# it keeps versions side by side and is not asked for stored ones: see pipelines/redactions.py
SEES_LESS = {("filesystem", "redacted_items")}
DAY = timedelta(days=1)
PAUSE = timedelta(days=3)


def test_nights_leave_equal_rows_in_every_destination_and_those_gladly_sent(
    tmp_path: Path, postgres: str
) -> None:
    world = WorldSettings(items=500, days=4, broken_days=frozenset({3}))
    settings = SandboxSettings(world=world, requests_per_second=1000, reports_per_minute=1000)
    found: dict[str, Tables] = {}
    with Sandbox(settings) as sandbox:
        add_odd_events(sandbox)
        first_night = sandbox.clock.now()
        for name, open_target in DESTINATIONS.items():
            target = open_target(tmp_path / name, postgres)
            sandbox.clock.set(first_night)
            two_nights(sandbox, target)
            found[name] = exported_and_streamed(sandbox, name, target)
    check_equal(found)
    assert found["duckdb"]["quarantined_lines"]
    for table in ("unknown_items", "unknown_events", "customer_merges", "conversation_merges"):
        assert found["duckdb"][table]


def two_nights(sandbox: Sandbox, target: Target) -> None:
    run(sandbox, target, selected=everything)
    # a minute less than a day: the events of both nights touch
    sandbox.clock.advance(DAY - timedelta(minutes=1))
    run(sandbox, target, selected=everything)


def exported_and_streamed(sandbox: Sandbox, name: str, target: Target) -> Tables:
    """Return all tables of a destination, which must hold what Gladly sent in two nights."""
    tables = read_tables(target)
    exports = [row for row in tables["load_files"] if row["stream"] != EVENTS_STREAM]
    assert len(exports) == 16
    problems = differences(tables | {"load_files": exports}, deliveries(sandbox))
    now = sandbox.clock.now()
    times = [now - DAY + timedelta(minutes=1), now]
    problems += event_differences(tables, expected_events(sandbox, times))
    assert (name, problems, tables["load_gaps"]) == (name, [], [])
    return tables


def add_odd_events(sandbox: Sandbox) -> None:
    now = sandbox.clock.now()
    merged = {"sourceCustomerId": "old", "destinationCustomerId": "new"}
    talks = {"sourceConversationId": "old talk", "destinationConversationId": "new talk"}
    amount = {"currency": "USD", "monetaryUnit": 12345678901234567890.5}
    for record in (
        event("CUSTOMER/MERGED", now, "merge", **merged, **talks),
        event("CUSTOMER_PROFILE/MERGED", now, "twin", **merged),
        event("CUSTOMER_PROFILE/DELETED", now, "end", customerId="gone"),
        event("PIGEON/RELEASED", now, "pigeon", ring="7"),
        event("CONTACT/DANCED", now, "dance", partner={"name": "d\u0000"}),
        event("PAYMENT_REQUEST/CREATED", now, "payment", context=amount),
    ):
        sandbox.add_event(record)


def test_a_pause_is_filled_with_equal_rows_in_every_destination(
    tmp_path: Path, postgres: str
) -> None:
    settings = SandboxSettings(
        world=WorldSettings(items=700, days=4),
        requests_per_second=1000,
        reports_per_minute=1000,
    )
    found: dict[str, Tables] = {}
    with Sandbox(settings) as sandbox:
        first_night = sandbox.clock.now() - DAY
        for name, open_target in DESTINATIONS.items():
            target = open_target(tmp_path / name, postgres)
            for night in (first_night, first_night + PAUSE):
                sandbox.clock.set(night)
                run(
                    sandbox,
                    target,
                    selected=lambda file: file == "events.jsonl",
                    reports_per_minute=1000,
                )
            found[name] = read_tables(target)
    check_equal(found)
    tables = found["duckdb"]
    assert [healed for *_, healed in gap_spans(tables, EVENTS_STREAM)] == [True]
    origins = {row["origin"] for table in EVENT_FIELDS for row in tables[table]}
    assert {"events", "AgentTimestampsReport", "ConversationTimestampsReport"} <= origins


def check_equal(found: dict[str, Tables]) -> None:
    for table in found["duckdb"]:
        expected = sorted_rows(table, found["duckdb"][table])
        for name in ("postgres", "filesystem"):
            rows = sorted_rows(table, found[name][table])
            if (name, table) in SEES_LESS:
                assert [row for row in rows if row not in expected] == []
            else:
                assert rows == expected, (name, table)


def sorted_rows(table: str, rows: list[Row]) -> list[Row]:
    ignored = OF_TWO_RUNS.get(table, frozenset())
    shown = [{name: row[name] for name in row if name not in ignored} for row in rows]
    return sorted(shown, key=str)
