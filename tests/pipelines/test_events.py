"""Whatever the schedule, every event of the time covered is there, whole, and none twice."""

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pipelines import connection
from pipelines.runner import Target
from sandbox import Sandbox
from sandbox.faults import FaultAction, answer_html, answer_status
from sources.http.errors import HelpdeskError
from tests.pipelines.events import (
    EVENTS_FILE,
    EVENTS_PATH,
    LAG,
    Record,
    day,
    event,
    event_differences,
    every,
    expected_events,
    gladly_with_events,
    lines_fetched,
    run_at,
    run_events,
)
from tests.pipelines.model import deliveries, differences
from tests.pipelines.runs import duckdb_target, everything, postgres_target, read_tables, run

NIGHT = 24 - 1 / 60
SCHEDULES = {
    "every hour": every(1, day(2.5), day(2.7)),
    "every six hours": every(6, day(1), day(2)),
    "every night": every(NIGHT, day(1), day(3)),
}


def add_late_events(sandbox: Sandbox, seed: int, times: list[datetime]) -> None:
    """Add events around the times of runs, shown up to the documented delay later."""
    chance = random.Random(seed)  # noqa: S311 - must repeat, not be secret
    for number, at in enumerate(times * 20):
        recorded = at + timedelta(milliseconds=chance.randint(-20_000, 20_000))
        for twin in range(3):
            delay = timedelta(milliseconds=chance.randint(0, LAG // timedelta(milliseconds=1)))
            late = event("CONTACT/ENDED", recorded, f"late {number} {twin}", contactId="c")
            sandbox.add_event(late, visible_at=recorded + delay)


def late_ones(records: list[Record]) -> list[Record]:
    """Return the events that ``add_late_events`` added."""
    return [record for record in records if str(record["id"]).startswith("late ")]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_event_is_there_once_whatever_the_schedule(
    schedule: str,
    tmp_path: Path,
    count_trials: Callable[[int], None],
    show_figures: Callable[[str], None],
) -> None:
    times = SCHEDULES[schedule]
    target = duckdb_target(tmp_path)
    with gladly_with_events(times[0]) as sandbox:
        add_late_events(sandbox, 1, times)
        reports = run_at(sandbox, target, times)
        expected = expected_events(sandbox, times)
    tables = read_tables(target)
    assert event_differences(tables, expected) == []
    assert tables["load_gaps"] == []
    assert lines_fetched(reports) > len(expected) > 500
    count_trials(len(expected))
    again = lines_fetched(reports) / len(expected) - 1
    show_figures(
        f"events {schedule}: {len(expected):,}, of which {len(late_ones(expected)):,} late, three "
        f"to a millisecond; lost 0, doubled 0, fetched again {again:.1%}"
    )


def test_no_event_is_lost_by_a_schedule_without_order(
    tmp_path: Path, count_trials: Callable[[int], None]
) -> None:
    chance = random.Random(2)  # noqa: S311 - must repeat, not be secret
    times = [day(1.5)]
    while len(times) < 5:
        pause = chance.choice([1, 7, 15, 16, 60, 3_600, 40_000, 86_340])
        times.append(times[-1] + timedelta(seconds=chance.randint(pause // 2, pause)))
    target = duckdb_target(tmp_path)
    with gladly_with_events(times[0], items=100) as sandbox:
        add_late_events(sandbox, 2, times)
        run_at(sandbox, target, times)
        expected = expected_events(sandbox, times)
    tables = read_tables(target)
    assert event_differences(tables, expected) == []
    assert tables["load_gaps"] == []
    count_trials(len(expected))


def test_a_run_at_the_same_instant_changes_nothing(tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    with gladly_with_events(day(2)) as sandbox:
        run_at(sandbox, target, [day(2)] * 2, keep_raw=False)
        expected = expected_events(sandbox, [day(2)])
    assert event_differences(read_tables(target), expected) == []
    assert [path for path in (tmp_path / "raw").rglob("*") if path.is_file()] == []


ODD: list[Record] = [
    event("PIGEON/RELEASED", day(2), "unknown entity", ring="7"),
    event("CONTACT/DANCED", day(2), "unknown type", contactId="c", partner={"name": "d"}),
    event("LONELY", day(2), "no slash"),
    event("CONTACT/ENDED", day(2), "new field", contactId="c", mood=["calm"]),
    event("CONTACT/ENDED", day(2), "wrong type", contactId=7),
]


def test_unknown_and_broken_events_are_kept_and_stop_nothing(tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    with gladly_with_events(day(2)) as sandbox:
        for record in ODD:
            sandbox.add_event(record)
        known = expected_events(sandbox, [day(2)])
        sandbox.add_event(event("PING", day(2), None))
        sandbox.add_event(event("CONTACT/ENDED", day(2), ""))
        sandbox.faults.on(EVENTS_PATH, 1, with_lines(b'{"id": "cut", "type": "CONTA\n[]\n'))
        report = run_events(sandbox, target)
    tables = read_tables(target)
    assert event_differences(tables, known) == []
    assert report.quarantined == len(tables["quarantined_lines"]) == 4
    assert report.needs_a_person
    (file,) = report.files
    assert file.lines == file.rows + file.quarantined == len(known) + 4


def with_lines(lines: bytes) -> FaultAction:
    """Give the true answer with some lines more at its end."""

    async def action(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""

        async def held(message: object) -> None:
            nonlocal body
            assert isinstance(message, dict)
            body += message.get("body", b"")

        await app(scope, receive, held)
        await Response(body + lines)(scope, receive, send)

    return action


def fails_with(sandbox: Sandbox, target: Target) -> str:
    with pytest.raises(HelpdeskError) as caught:
        run(sandbox, target, selected=everything)
    return str(caught.value)


FAULTS = {
    "503": answer_status(503),
    "404": answer_status(404),
    "127.0.0.1": answer_html(),
}


@pytest.mark.usefixtures("no_waiting")
def test_exports_load_although_the_events_api_fails_and_the_next_run_has_all(
    tmp_path: Path,
) -> None:
    target = duckdb_target(tmp_path)
    with gladly_with_events(day(2.25), items=100) as sandbox:
        for number, (word, fault) in enumerate(FAULTS.items(), 1):
            sandbox.faults.on(EVENTS_PATH, 100, fault)
            message = fails_with(sandbox, target)
            sandbox.faults.clear()
            assert word in message
            assert EVENTS_PATH in message
            tables = read_tables(target)
            assert {row["stream"] for row in tables["load_files"]} == {"gladly.export"}
            assert [row["status"] for row in tables["load_runs"]] == ["failed"] * number
            assert message in {row["error"] for row in tables["load_runs"]}
        sandbox.clock.advance(timedelta(hours=1))
        run(sandbox, target, selected=everything)
        tables = read_tables(target)
        assert event_differences(tables, expected_events(sandbox, [sandbox.clock.now()])) == []
        assert [row["status"] for row in tables["load_runs"]].count("done") == 1


def later(sandbox: Sandbox, duration: timedelta) -> FaultAction:
    """Answer 503 and let time go by, as a long wait for another attempt does."""
    unavailable = answer_status(503)

    async def action(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        sandbox.clock.advance(duration)
        await unavailable(app, scope, receive, send)

    return action


@pytest.mark.usefixtures("no_waiting")
def test_a_start_that_is_out_of_reach_after_a_long_retry_is_planned_again(tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    with gladly_with_events(day(2)) as sandbox:
        sandbox.faults.on(EVENTS_PATH, 1, later(sandbox, timedelta(minutes=10)))
        run_events(sandbox, target)
        now = sandbox.clock.now()
        assert now == day(2) + timedelta(minutes=10)
        assert event_differences(read_tables(target), expected_events(sandbox, [now])) == []


HOLD_OPEN = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked_duckdb(folder: Path, _: str) -> Iterator[Target]:
    """Give a DuckDB file that another process has open."""
    arguments = [sys.executable, "-c", HOLD_OPEN, str(folder / "warehouse.duckdb")]
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        try:
            yield duckdb_target(folder)
        finally:
            holder.communicate()


@contextmanager
def absent_postgres(folder: Path, _: str) -> Iterator[Target]:
    """Give a PostgreSQL at a port where nobody listens."""
    yield postgres_target(folder, "postgresql://loader:x@127.0.0.1:1/nowhere")


@pytest.mark.parametrize(
    ("unreachable", "reachable"),
    [(locked_duckdb, lambda folder, _: duckdb_target(folder)), (absent_postgres, postgres_target)],
    ids=["DuckDB open elsewhere", "PostgreSQL stopped"],
)
def test_events_are_saved_while_the_destination_is_away_and_loaded_when_it_is_back(
    unreachable: Callable[..., object],
    reachable: Callable[[Path, str], Target],
    tmp_path: Path,
    postgres: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "_PATIENCE_SECONDS", 0.2)
    times = every(NIGHT, day(1), day(4))
    with gladly_with_events(times[0]) as sandbox:
        with unreachable(tmp_path, postgres) as away:  # type: ignore[attr-defined] # a context
            for at in times[:-1]:
                sandbox.clock.set(at)
                with pytest.raises(Exception, match=r"."):
                    run_events(sandbox, away)
        back = reachable(tmp_path, postgres)
        run_at(sandbox, back, times[-1:])
        tables = read_tables(back)
        assert event_differences(tables, expected_events(sandbox, times)) == []
    assert tables["load_gaps"] == []
    assert [row["status"] for row in tables["load_runs"]] == ["done"]


def test_events_of_some_entities_alone_can_be_asked_for(tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    with gladly_with_events(day(2)) as sandbox:
        run_events(sandbox, target, event_entities=["CONTACT", "CUSTOMER"])
        wanted = [
            record
            for record in expected_events(sandbox, [day(2)])
            if record["type"].startswith(("CONTACT/", "CUSTOMER/"))
        ]
    assert event_differences(read_tables(target), wanted) == []


def test_events_load_beside_exports_with_jobs_deleted_and_nothing_kept(tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    times = [day(2.25), day(2.5)]
    with gladly_with_events(times[0], items=100) as sandbox:
        exported = deliveries(sandbox)
        for at in times:
            sandbox.clock.set(at)
            run(sandbox, target, selected=everything, keep_raw=False, delete_after_load=True)
        tables = read_tables(target)
        assert event_differences(tables, expected_events(sandbox, times)) == []
        only_exports = [row for row in tables["load_files"] if row["file"] != EVENTS_FILE]
        assert differences(tables | {"load_files": only_exports}, exported) == []
    assert [path for path in (tmp_path / "raw").rglob("*") if path.is_file()] == []
