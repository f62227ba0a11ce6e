"""What a pause cost is filled from the timestamps reports: as if there had been no pause."""

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipelines import healing
from pipelines.report import RunReport
from sandbox import Sandbox
from sandbox.faults import FaultAction, answer_status, stall
from sandbox.report_csv import ReportOddities
from sources.gladly import reports
from sources.http.errors import HelpdeskError
from tests.pipelines.events import (
    EVENTS_STREAM,
    LAG,
    MARGIN,
    REACH,
    REPORTS_PATH,
    UNREPORTED_STREAM,
    Record,
    columns_of,
    day,
    event,
    event_differences,
    events_of_stream,
    every,
    expected_events,
    gap_spans,
    gladly_with_events,
    milliseconds,
    multiset,
    report_requests,
    run_at,
    run_events,
    whole_events,
    without_origin,
)
from tests.pipelines.runs import Row, Tables, duckdb_target, read_tables

BEFORE, AFTER = day(2.5), day(5.5)
GAP = (BEFORE - LAG, AFTER - REACH + MARGIN)
REPORTS = ("Agent", "Contact", "Conversation", "Task")
REPORT_FILES = {f"{name}TimestampsReport" for name in REPORTS}
EVERY_ORIGIN = {"events", *REPORT_FILES}

# types that no timestamps report has
IN_NO_REPORT = {
    "AGENT_AVAILABILITY/FOCUS_ENTERED",
    "AGENT_AVAILABILITY/FOCUS_EXITED",
    "CONVERSATION/CUSTOM_ATTRIBUTE_ADDED",
    "CONVERSATION/CUSTOM_ATTRIBUTE_REMOVED",
    "CUSTOMER_PROFILE/CREATED",
    "CUSTOMER_PROFILE/DELETED",
    "CUSTOMER_PROFILE/UPDATED",
}
# what a report does not bring of an event, by type or entity
NOT_BROUGHT = {
    "AGENT_AVAILABILITY": {"initiator_id", "initiator_type"},
    "AGENT_STATUS": {
        "initiator_id",
        "initiator_type",
        "away_at",
        "active_reason_id",
        "away_reason_id",
    },
    "CONTACT/ENDED": {"reason", "status"},
    "CONTACT/FULFILLED": {"fulfilled_type"},
    "CONTACT/HOLD_ENDED": {"reason"},
    "CONTACT/HOLD_STARTED": {"reason"},
    "CONTACT/MESSAGE_RECEIVED": {"message_id"},
    "CONTACT/MESSAGE_SENT": {"message_id"},
    "CONTACT/OFFERED": {"agent_id", "contact_offer_match_reasons"},
    "CONTACT/OFFER_ACCEPTED": {"agent_id"},
    "CONTACT/OFFER_REJECTED": {"agent_id", "reason"},
    "CONTACT/STARTED": {"due_at", "entry_point"},
    # an inbox it names, without its id
    "CONTACT/TRANSFERRED": {"reason", "transfer_type", "assignee_inbox_id", "assignee_agent_id"},
    "CONVERSATION/NOTE_CREATED": {"note_id"},
    "PAYMENT_REQUEST": {
        "payment_request_id",
        "currency",
        "monetary_unit",
        "old_status",
        "new_status",
    },
    # the column shows the new date
    "TASK/DUE_DATE_UPDATED": {"context_due_at"},
}


@dataclass(frozen=True)
class World:
    """A Gladly, and what an uninterrupted run of it leaves.

    Attributes:
        missed: ids of the events that a run before the pause and one after it do not see.
        before: a data folder as a run left it before the pause.
    """

    sandbox: Sandbox
    uninterrupted: Tables
    missed: frozenset[str]
    before: Path


def same_but_for_its_id(at: datetime, name: str) -> list[Record]:
    return [event("CONTACT/MESSAGE_SENT", at, f"{name} {n}", contactId="c") for n in range(3)]


def add_events_at_the_edges(sandbox: Sandbox) -> None:
    """Add equal events around both ends of the gap and inside; some are shown too late."""
    second, millisecond = timedelta(seconds=1), timedelta(milliseconds=1)
    start, end = GAP
    around_start = (start - millisecond, start, start + millisecond, BEFORE - second, BEFORE)
    for at in (*around_start, day(4), end - millisecond, end, end + millisecond):
        one, two, late = same_but_for_its_id(at, f"edge {milliseconds(at)}")
        sandbox.add_event(one)
        sandbox.add_event(two)
        sandbox.add_event(late, visible_at=at + LAG)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    before = tmp_path_factory.mktemp("before")
    steady = duckdb_target(tmp_path_factory.mktemp("uninterrupted"))
    times = every(18, BEFORE, AFTER)
    with gladly_with_events(BEFORE, items=4000) as sandbox:
        add_events_at_the_edges(sandbox)
        seen = {record["id"] for record in expected_events(sandbox, [BEFORE])}
        seen |= {record["id"] for record in expected_events(sandbox, [AFTER])}
        run_at(sandbox, duckdb_target(before), [BEFORE])
        run_at(sandbox, steady, times)
        uninterrupted = read_tables(steady)
        expected = expected_events(sandbox, times)
        assert event_differences(uninterrupted, expected) == []
        missed = frozenset(record["id"] for record in expected) - seen
        yield World(sandbox, uninterrupted, missed, before)


@pytest.fixture
def paused(world: World, tmp_path: Path) -> Iterator[World]:
    """The world three days after the last run, whose data is in ``tmp_path``."""
    shutil.copytree(world.before, tmp_path, dirs_exist_ok=True)
    world.sandbox.clock.set(AFTER)
    world.sandbox.requests.clear()
    yield world
    world.sandbox.faults.clear()
    for name in ReportOddities.__slots__:
        setattr(world.sandbox.reports, name, getattr(ReportOddities(), name))


def as_reports_tell(row: Row) -> Row:
    """Return a row of the Events API as far as a report tells it."""
    kind = row["type"]
    not_brought = NOT_BROUGHT.get(kind, NOT_BROUGHT.get(kind.partition("/")[0], set()))
    told: Row = {}
    for name, value in row.items():
        if isinstance(value, list):
            lists = value if name not in not_brought else []
            told[name] = [part for part in lists if part.get("state") != "before"]
        else:
            told[name] = None if name in not_brought or value == "" else value
    return told


def healing_differences(world: World, tables: Tables) -> list[str]:
    """Return how tables differ from those of an uninterrupted run, but for what cannot be."""
    problems = []
    healed, steady = whole_events(tables), whole_events(world.uninterrupted)
    for name, rows in steady.items():
        expected = Counter[str]()
        for row in rows:
            if row["event_id"] not in world.missed:
                expected += multiset([without_origin(row) | {"id": row["event_id"]}])
            elif row["type"] not in IN_NO_REPORT:
                expected += multiset([without_origin(as_reports_tell(row))])
        found = Counter[str]()
        for row in healed[name]:
            identifier = {"id": row["event_id"]} if row["origin"] == "events" else {}
            found += multiset([without_origin(row) | identifier])
        problems += [f"{name} lacks {row}" for row in (expected - found).elements()]
        problems += [f"{name} has {row}" for row in (found - expected).elements()]
    return problems


def heal(world: World, folder: Path) -> RunReport:
    return run_events(world.sandbox, duckdb_target(folder))


@dataclass(frozen=True)
class Healed:
    """What the first run after the pause left, and said."""

    folder: Path
    tables: Tables
    report: RunReport


@pytest.fixture(scope="module")
def healed(world: World, tmp_path_factory: pytest.TempPathFactory) -> Healed:
    folder = tmp_path_factory.mktemp("healed")
    shutil.copytree(world.before, folder, dirs_exist_ok=True)
    world.sandbox.clock.set(AFTER)
    report = heal(world, folder)
    return Healed(folder, read_tables(duckdb_target(folder)), report)


def test_a_pause_of_three_days_leaves_what_no_pause_leaves(world: World, healed: Healed) -> None:
    assert healing_differences(world, healed.tables) == []
    assert not healed.report.needs_a_person
    origins = {row["origin"] for row in all_events(healed.tables)}
    assert origins == EVERY_ORIGIN


def test_a_gap_that_is_filled_is_healed_and_what_is_lost_is_told_beside_it(healed: Healed) -> None:
    assert gap_spans(healed.tables, EVENTS_STREAM) == [(*GAP, "expired", True)]
    assert gap_spans(healed.tables, UNREPORTED_STREAM) == [(*GAP, "lost", False)]
    (row,) = [row for row in healed.tables["load_gaps"] if row["stream"] == EVENTS_STREAM]
    assert row["healed_at"] == row["detected_at"] == AFTER


def test_what_no_report_has_is_absent_from_the_gap_and_only_there(
    world: World, healed: Healed
) -> None:
    unreported = {
        row["event_id"]: row["type"]
        for row in all_events(world.uninterrupted)
        if row["type"] in IN_NO_REPORT
    }
    absent = unreported.keys() - {row["event_id"] for row in all_events(healed.tables)}
    assert absent == unreported.keys() & world.missed
    assert {unreported[identifier] for identifier in absent} == IN_NO_REPORT


@pytest.mark.parametrize("what", ["customer", "conversation"])
def test_merges_are_complete_in_spite_of_a_pause(what: str, world: World, healed: Healed) -> None:
    table = f"{what}_merges"
    columns = (f"source_{what}_id", f"destination_{what}_id", "merged_at")
    expected = columns_of(world.uninterrupted[table], *columns)
    assert columns_of(healed.tables[table], *columns) == expected
    assert len(expected) > 3


def test_the_next_run_heals_nothing_again(world: World, healed: Healed, tmp_path: Path) -> None:
    shutil.copytree(healed.folder, tmp_path, dirs_exist_ok=True)
    world.sandbox.requests.clear()
    world.sandbox.clock.set(AFTER + timedelta(hours=1))
    report = heal(world, tmp_path)
    tables = read_tables(duckdb_target(tmp_path))
    assert report_requests(world.sandbox) == 0
    assert report.gaps == []
    assert tables["load_gaps"] == healed.tables["load_gaps"]
    assert from_reports(tables) == from_reports(healed.tables)


def all_events(tables: Tables) -> list[Row]:
    return [row for rows in whole_events(tables).values() for row in rows]


def from_reports(tables: Tables) -> Counter[str]:
    return multiset(row for row in all_events(tables) if row["origin"] != "events")


def test_reports_that_look_odd_and_would_be_cut_heal_the_same(
    paused: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = paused.sandbox.reports
    look.byte_order_mark, look.blank_lines_before_header = True, 2
    look.empty_body_when_no_rows, look.extra_column = True, "Mood"
    look.row_cap = most_rows_in_a_day(paused.sandbox) + 1
    monkeypatch.setattr(reports, "SUSPECT_ROWS", look.row_cap)
    report = heal(paused, tmp_path)
    tables = read_tables(duckdb_target(tmp_path))
    assert healing_differences(paused, tables) == []
    assert report.open_gaps == []
    assert report_requests(paused.sandbox) > len(REPORTS)


def test_a_day_that_gladly_cuts_stays_a_gap_until_it_comes_whole(
    paused: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = duckdb_target(tmp_path)
    most = most_rows_in_a_day(paused.sandbox)
    monkeypatch.setattr(reports, "SUSPECT_ROWS", most)
    paused.sandbox.reports.row_cap = most
    report = heal(paused, tmp_path)
    assert report.needs_a_person
    tables = read_tables(target)
    assert gap_spans(tables, EVENTS_STREAM) == [(*GAP, "expired", False)]
    assert [row["status"] for row in tables["load_runs"]] == ["done", "done"]
    assert {row["file"].removesuffix(".csv") for row in tables["load_files"]} >= REPORT_FILES
    monkeypatch.undo()
    paused.sandbox.reports.row_cap = 100_000
    paused.sandbox.requests.clear()
    assert heal(paused, tmp_path).open_gaps == []
    assert report_requests(paused.sandbox) == 1
    tables = read_tables(target)
    assert healing_differences(paused, tables) == []
    assert gap_spans(tables, EVENTS_STREAM) == [(*GAP, "expired", True)]


def most_rows_in_a_day(sandbox: Sandbox) -> int:
    """Return the most rows that any report has for a day of the gap."""
    counts = Counter[tuple[str, str]]()
    for record in events_of_stream(sandbox, day(2), day(5)):
        if record["type"] not in IN_NO_REPORT:
            entity = record["type"].partition("/")[0]
            report = "CONVERSATION" if entity == "CUSTOMER" else entity.partition("_")[0]
            report = "CONTACT" if report == "PAYMENT" else report
            counts[report, record["timestamp"][:10]] += 1
    return max(counts.values())


UNREADABLE = b"When,What\r\n" + b"yesterday,this\r\n" * 120


async def answer_unreadable(_: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await Response(UNREADABLE, media_type="text/csv")(scope, receive, send)


def only_for(metric_set: str, fault: FaultAction) -> FaultAction:
    """Let a fault act on the requests for one report."""

    async def action(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()

        async def again() -> Message:
            return message

        is_meant = metric_set.encode() in message["body"]
        await (fault if is_meant else stall(0))(app, scope, again, send)

    return action


@pytest.mark.parametrize(
    ("fault", "reason", "share"),
    [
        (answer_status(400), "TaskTimestampsReport of 2026-03-04 to 2026-03-06: .* 400", 0.1),
        (answer_unreadable, "TaskTimestampsReport", 1.0),
    ],
    ids=["refused", "unreadable"],
)
def test_one_report_that_does_not_come_fails_the_run_once_the_others_are_loaded(
    fault: FaultAction, reason: str, share: float, paused: World, tmp_path: Path
) -> None:
    target = duckdb_target(tmp_path)
    paused.sandbox.faults.on(REPORTS_PATH, 100, only_for("TaskTimestampsReport", fault))
    with pytest.raises(HelpdeskError, match=reason):
        heal(paused, tmp_path)
    tables = read_tables(target)
    assert gap_spans(tables, EVENTS_STREAM) == [(*GAP, "expired", False)]
    assert {row["origin"] for row in all_events(tables)} == EVERY_ORIGIN - {"TaskTimestampsReport"}
    paused.sandbox.faults.clear()
    run_events(paused.sandbox, target, max_quarantined_share=share)
    tables = read_tables(target)
    assert gap_spans(tables, EVENTS_STREAM) == [(*GAP, "expired", True)]
    assert len(tables["quarantined_lines"]) == (120 if share == 1.0 else 0)


@pytest.mark.usefixtures("no_waiting")
def test_a_run_that_fails_while_it_heals_goes_on_where_it_stopped(
    paused: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(healing, "_FILES_PER_PACKAGE", 1)
    paused.sandbox.faults.on(REPORTS_PATH, 2, stall(0))
    paused.sandbox.faults.on(REPORTS_PATH, 100, answer_status(503))
    target = duckdb_target(tmp_path)
    with pytest.raises(HelpdeskError, match="503"):
        heal(paused, tmp_path)
    tables = read_tables(target)
    assert gap_spans(tables, EVENTS_STREAM) == [(*GAP, "expired", False)]
    assert len([row for row in tables["load_files"] if row["file"].endswith(".csv")]) == 2
    paused.sandbox.faults.clear()
    paused.sandbox.requests.clear()
    heal(paused, tmp_path)
    assert report_requests(paused.sandbox) == 2
    tables = read_tables(target)
    assert healing_differences(paused, tables) == []
    assert gap_spans(tables, EVENTS_STREAM) == [(*GAP, "expired", True)]
    assert sorted(row["status"] for row in tables["load_runs"]) == ["done", "done", "failed"]
