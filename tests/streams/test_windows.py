"""Windows against brute force: on a small grid, every second is looked at."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from sources.streams.windows import TOUCHING, Window, covered, holes, pieces, subtract

MANY = settings(max_examples=500, derandomize=True, deadline=None)
START = datetime(2024, 2, 28, 23, 59, 50, tzinfo=UTC)
SIZE = 20


def window(start: int, end: int) -> Window:
    return Window(START + timedelta(seconds=start), START + timedelta(seconds=end))


def seconds(*windows: Window) -> list[int]:
    """Return the seconds inside any of the windows, each as often as a window holds it."""
    return sorted(
        second
        for start, end in windows
        for second in range(SIZE)
        if start <= START + timedelta(seconds=second) < end
    )


# empty and inverted windows too
WINDOWS = st.lists(st.builds(window, st.integers(0, SIZE), st.integers(0, SIZE)), max_size=6)


@MANY
@given(WINDOWS)
def test_covered_is_the_same_time_once_in_order(windows: list[Window]) -> None:
    found = covered(windows)
    assert seconds(*found) == sorted({*seconds(*windows)})
    assert found == sorted(found)
    assert all(before.end < after.start for before, after in pairwise(found))


@MANY
@given(WINDOWS)
def test_holes_are_what_lies_between_and_is_in_none(windows: list[Window]) -> None:
    inside = {*seconds(*windows)}
    expected = [] if not inside else sorted({*range(min(inside), max(inside))} - inside)
    assert seconds(*holes(windows)) == expected


@MANY
@given(st.builds(window, st.integers(0, SIZE), st.integers(0, SIZE)), WINDOWS)
def test_subtract_leaves_what_is_not_taken(whole: Window, taken: list[Window]) -> None:
    left = subtract(whole, taken)
    assert seconds(*left) == sorted({*seconds(whole)} - {*seconds(*taken)})
    assert all(start < end for start, end in left)


@MANY
@given(st.builds(window, st.integers(0, SIZE), st.integers(0, SIZE)), st.integers(1, SIZE))
def test_pieces_are_the_same_time_in_parts_that_touch(whole: Window, longest: int) -> None:
    found = pieces(whole, timedelta(seconds=longest))
    assert seconds(*found) == seconds(whole)
    assert all(before.end == after.start for before, after in pairwise(found))
    assert all(timedelta(0) < end - start <= timedelta(seconds=longest) for start, end in found)


def test_windows_a_millisecond_apart_touch() -> None:
    before, after = window(0, 5), window(5, 9)
    closed_early = Window(before.start, before.end - TOUCHING)
    assert covered([after, closed_early]) == [window(0, 9)]
    assert holes([after, closed_early]) == []
    assert subtract(window(0, 9), [after, closed_early]) == []


def test_windows_more_than_a_millisecond_apart_leave_a_hole() -> None:
    gap = TOUCHING + timedelta(microseconds=1)
    before, after = Window(START, START + timedelta(seconds=5) - gap), window(5, 9)
    assert holes([before, after]) == [Window(before.end, after.start)]
    assert subtract(window(0, 9), [before, after]) == [Window(before.end, after.start)]
