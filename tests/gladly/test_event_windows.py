"""Which span of events each run asks for, and what no run could."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.gladly.event_windows import (
    LAG,
    MARGIN,
    OVERLAP,
    covered_by,
    find_event_gaps,
    next_window,
    reach,
)
from sources.gladly.gaps import GapKind
from sources.gladly.settings import EVENTS_STREAM, UNREPORTED_EVENTS_STREAM
from sources.streams.windows import Window, covered

START = datetime(2026, 3, 5, 6, tzinfo=UTC)
REPORTS = ("agents", "contacts")
pauses = st.lists(st.timedeltas(timedelta(seconds=1), timedelta(hours=60)), max_size=12)


def requests(runs: list[datetime]) -> Iterator[tuple[Window, datetime]]:
    """Yield the request of each run and its time, as a job that always succeeds makes them."""
    windows: list[Window] = []
    for now in runs:
        window = next_window(windows, now)
        if window is not None:
            windows.append(covered_by(window))
            yield window, now


def runs_after(waits: list[timedelta]) -> list[datetime]:
    times = [START]
    for wait in waits:
        times.append(times[-1] + wait)
    return times


def test_a_first_run_takes_all_that_gladly_has() -> None:
    assert next_window([], START) == Window(reach(START), START)


def test_the_next_window_begins_before_the_last_one_ended() -> None:
    until = START - LAG
    now = START + timedelta(hours=6)
    window = next_window([Window(START - timedelta(hours=20), until)], now)
    assert window == Window(until - OVERLAP, now)


def test_nothing_is_asked_for_when_the_clock_of_gladly_stands_before_what_is_covered() -> None:
    until = START + timedelta(hours=1)
    assert next_window([Window(START, until)], until - OVERLAP) is None


@pytest.mark.parametrize(
    ("pause", "missing"),
    [
        pytest.param(timedelta(minutes=1), None, id="a minute"),
        pytest.param(timedelta(hours=1), None, id="an hour"),
        pytest.param(timedelta(hours=6), None, id="six hours"),
        pytest.param(timedelta(hours=23, minutes=59), None, id="23 hours 59"),
        pytest.param(timedelta(hours=24), LAG + MARGIN, id="24 hours"),
        pytest.param(timedelta(hours=25), timedelta(hours=1) + LAG + MARGIN, id="25 hours"),
    ],
)
def test_the_gap_after_a_pause(pause: timedelta, missing: timedelta | None) -> None:
    windows = [covered_by(window) for window, _ in requests([START, START + pause])]
    found = find_event_gaps(windows, {name: [] for name in REPORTS})
    expected = [] if missing is None else [Window(START - LAG, START - LAG + missing)] * 2
    assert [gap.window for gap in found] == expected
    assert [gap.stream for gap in found] == [UNREPORTED_EVENTS_STREAM, EVENTS_STREAM][: len(found)]


def test_a_gap_is_open_until_every_report_has_filled_it() -> None:
    windows = [covered_by(window) for window, _ in requests([START, START + timedelta(days=3)])]
    hole = next(gap.window for gap in find_event_gaps(windows, {"agents": []}))
    middle = hole.start + (hole.end - hole.start) / 2
    halves = [Window(hole.start, middle), Window(middle, hole.end)]
    partly = find_event_gaps(windows, {"agents": halves, "contacts": halves[:1]})
    assert [gap.kind for gap in partly] == [GapKind.LOST, GapKind.EXPIRED]
    wholly = find_event_gaps(windows, {"agents": halves, "contacts": [hole]})
    assert [gap.kind for gap in wholly] == [GapKind.LOST]


@given(pauses)
def test_no_request_reaches_further_back_than_gladly_does(waits: list[timedelta]) -> None:
    for window, now in requests(runs_after(waits)):
        assert now - timedelta(hours=24) < window.start < window.end == now


@given(pauses, st.timedeltas(timedelta(0), timedelta(days=30)), st.timedeltas(timedelta(0), LAG))
def test_every_event_is_in_a_request_that_could_see_it_or_in_a_gap(
    waits: list[timedelta], after: timedelta, late: timedelta
) -> None:
    asked = list(requests(runs_after(waits)))
    windows = [covered_by(window) for window, _ in asked]
    recorded = asked[0][0].start + after
    if recorded >= windows[-1].end:
        return
    seen = any(
        window.start <= recorded <= window.end and recorded + late <= now for window, now in asked
    )
    gaps = find_event_gaps(windows, {"agents": []})
    assert seen or any(gap.window.start <= recorded < gap.window.end for gap in gaps)


@given(pauses)
def test_gaps_and_windows_cover_all_time_and_gaps_are_no_longer_than_they_must(
    waits: list[timedelta],
) -> None:
    asked = list(requests(runs_after(waits)))
    windows = [covered_by(window) for window, _ in asked]
    gaps = [gap.window for gap in find_event_gaps(windows, {"agents": []}) if gap.kind != "lost"]
    assert len(covered([*windows, *gaps])) == 1
    for gap in gaps:
        assert not any(window.start < gap.end and gap.start < window.end for window in windows)
