"""A pause of more than 24 hours is a gap of exactly the time no run could read; no other is."""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pipelines.progress import NoProgress
from pipelines.report import RunReport
from pipelines.runner import run_gladly
from sandbox import Sandbox
from tests.pipelines.events import (
    EVENTS_STREAM,
    LAG,
    MARGIN,
    REACH,
    UNREPORTED_STREAM,
    day,
    events_only,
    gap_spans,
    gladly_with_events,
    report_requests,
    run_events,
)
from tests.pipelines.runs import (
    Tables,
    duckdb_target,
    everything,
    exports_only,
    read_tables,
    run,
    settings_for,
)

FIRST_RUN = day(2)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)


class Listener(NoProgress):
    """Keeps what a run said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        """Keep a message."""
        self.said.append(message)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, Path]]:
    """A Gladly, and the data folder of a first run."""
    folder = tmp_path_factory.mktemp("loaded")
    with gladly_with_events(FIRST_RUN, items=100) as sandbox:
        run_events(sandbox, duckdb_target(folder))
        yield sandbox, folder


@pytest.fixture
def sandbox(loaded: tuple[Sandbox, Path], tmp_path: Path) -> Sandbox:
    """A Gladly whose first run is in ``tmp_path``."""
    sandbox, folder = loaded
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    sandbox.clock.set(FIRST_RUN)
    sandbox.requests.clear()
    return sandbox


def gap_of(pause: timedelta) -> tuple[datetime, datetime]:
    """Return what no run could read.

    first run   --------)| 15 seconds that may not have been complete
    the gap             [-------)
    second run                   [10 seconds|-------- 24 hours --------|
    """
    return FIRST_RUN - LAG, FIRST_RUN + pause - REACH + MARGIN


def run_after(
    sandbox: Sandbox, folder: Path, pause: timedelta, *, heal: bool = True
) -> tuple[RunReport, Tables, str]:
    """Run after a pause; return the report, all tables, and what was said."""
    sandbox.clock.set(FIRST_RUN + pause)
    settings = settings_for(sandbox, reports_per_minute=10_000, heal_event_gaps=heal)
    listener = Listener()
    target = duckdb_target(folder)
    report = run_gladly(settings, target, listener, events_only)
    return report, read_tables(target), " ".join(listener.said)


@pytest.mark.parametrize("pause", [HOUR, 23 * HOUR + 59 * MINUTE], ids=str)
def test_a_pause_of_less_than_a_day_is_no_gap(
    pause: timedelta, sandbox: Sandbox, tmp_path: Path
) -> None:
    report, tables, said = run_after(sandbox, tmp_path, pause)
    assert tables["load_gaps"] == []
    assert report.gaps == []
    assert "No run read" not in said
    assert report_requests(sandbox) == 0


@pytest.mark.parametrize("pause", [24 * HOUR, 25 * HOUR, 72 * HOUR], ids=str)
def test_a_longer_pause_is_a_gap_of_exactly_what_could_not_be_read(
    pause: timedelta, sandbox: Sandbox, tmp_path: Path
) -> None:
    report, tables, _ = run_after(sandbox, tmp_path, pause, heal=False)
    assert gap_spans(tables, EVENTS_STREAM) == [(*gap_of(pause), "expired", False)]
    assert gap_spans(tables, UNREPORTED_STREAM) == [(*gap_of(pause), "lost", False)]
    assert report.needs_a_person
    assert [gap.stream for gap in report.open_gaps] == [EVENTS_STREAM]
    assert report_requests(sandbox) == 0


def test_a_gap_is_warned_of_and_filled_by_the_run_that_finds_it(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    report, tables, said = run_after(sandbox, tmp_path, 24 * HOUR)
    assert gap_spans(tables, EVENTS_STREAM) == [(*gap_of(24 * HOUR), "expired", True)]
    assert not report.needs_a_person
    assert {(gap.stream, gap.healed) for gap in report.gaps} == {
        (EVENTS_STREAM, True),
        (UNREPORTED_STREAM, False),
    }
    assert "No run read the events from 2026-03-03 23:59:45 to 2026-03-04 00:00:10 UTC" in said
    again, _, said = run_after(sandbox, tmp_path, 25 * HOUR)
    assert again.gaps == []
    assert "No run read" not in said


def test_two_pauses_are_two_gaps_and_both_are_filled_once_that_is_wanted(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    run_after(sandbox, tmp_path, 26 * HOUR, heal=False)
    report, tables, _ = run_after(sandbox, tmp_path, 56 * HOUR, heal=False)
    assert len(gap_spans(tables, EVENTS_STREAM)) == len(report.open_gaps) == 2
    report, tables, _ = run_after(sandbox, tmp_path, 57 * HOUR)
    assert [healed for *_, healed in gap_spans(tables, EVENTS_STREAM)] == [True, True]
    assert [healed for *_, healed in gap_spans(tables, UNREPORTED_STREAM)] == [False, False]
    assert not report.needs_a_person


def test_a_run_that_reads_no_events_neither_finds_nor_heals_their_gaps(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    target = duckdb_target(tmp_path)
    sandbox.clock.set(FIRST_RUN + 26 * HOUR)
    run(sandbox, target, selected=exports_only)
    assert read_tables(target)["load_gaps"] == []
    _, tables, _ = run_after(sandbox, tmp_path, 30 * HOUR, heal=False)
    sandbox.clock.advance(HOUR)
    run(sandbox, target, selected=lambda name: name == "customers.jsonl")
    after = read_tables(target)
    assert gap_spans(after, EVENTS_STREAM) == gap_spans(tables, EVENTS_STREAM)
    assert gap_spans(after, UNREPORTED_STREAM) == gap_spans(tables, UNREPORTED_STREAM)
    assert report_requests(sandbox) == 0


def test_gaps_of_events_and_of_exports_are_told_apart(sandbox: Sandbox, tmp_path: Path) -> None:
    target = duckdb_target(tmp_path)
    sandbox.add_job({}, status="FAILED", start_at=day(-3), end_at=day(-2))
    sandbox.clock.set(FIRST_RUN + 30 * HOUR)
    run(sandbox, target, selected=everything, reports_per_minute=10_000)
    found = {(row["stream"], row["healed_at"] is None) for row in read_tables(target)["load_gaps"]}
    assert found == {
        (EVENTS_STREAM, False),
        (UNREPORTED_STREAM, True),
        ("gladly.export", True),
    }
