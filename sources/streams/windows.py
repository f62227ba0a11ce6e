"""Time windows: what is covered, what is missing. Pure arithmetic.

windows   [-----)[---)      [------)  [--)
covered   [----------)      [------)  [--)      after joining those that touch
holes                [------)      [--)         between the first and the last
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

# Some services close a window a millisecond before the next one opens.
TOUCHING = timedelta(milliseconds=1)


class Window(NamedTuple):
    """A span of time: ``start`` is inside, ``end`` is not."""

    start: datetime
    end: datetime


def covered(windows: Iterable[Window], *, touching: timedelta = TOUCHING) -> list[Window]:
    """Return the same time as disjoint windows in order; those at most ``touching`` apart join."""
    joined: list[Window] = []
    for window in sorted(window for window in windows if window.start < window.end):
        if joined and window.start <= joined[-1].end + touching:
            last = joined.pop()
            joined.append(Window(last.start, max(last.end, window.end)))
        else:
            joined.append(window)
    return joined


def holes(windows: Iterable[Window], *, touching: timedelta = TOUCHING) -> list[Window]:
    """Return what lies between the first and the last window and is in none of them."""
    joined = covered(windows, touching=touching)
    return [Window(before.end, after.start) for before, after in pairwise(joined)]


def pieces(window: Window, longest: timedelta) -> list[Window]:
    """Return a window in parts of at most ``longest``, in order.

    window   [------------------)
    pieces   [-----)[-----)[----)
    """
    found, start = [], window.start
    while start < window.end:
        end = min(start + longest, window.end)
        found.append(Window(start, end))
        start = end
    return found


def subtract(
    window: Window, taken: Iterable[Window], *, touching: timedelta = TOUCHING
) -> list[Window]:
    """Return the parts of ``window`` that ``taken`` leaves; parts up to ``touching`` do not count.

    window   [------------------)
    taken  [----)     [---)
    left        [-----)   [-----)
    """
    left, start = [], window.start
    for other in covered(taken, touching=timedelta(0)):
        if other.end <= start or other.start >= window.end:
            continue
        left.append(Window(start, other.start))
        start = other.end
    left.append(Window(start, window.end))
    return [part for part in left if part.end - part.start > touching]
