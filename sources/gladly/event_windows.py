"""Which span of events to ask for, what it covers, and what no request covered. Pure functions.

Source: Gladly API reference, Events. Events reach back 24 hours and appear up to 15 seconds after
they were recorded; many share a millisecond. So windows overlap, both ends inside, and rows merge
on the id of the event:

    reach        |<----------------- 24 hours less a margin ----------------->| now
    last run     ----------------------------)until
    request                             [-------------------------------------]
                                        |<-->| overlap
    covers                              [----------------------------------)
                                                                           |<>| lag

After a longer pause the request begins where Gladly still reaches back, and the rest is a gap:

    reach                                |<------ 24 hours less a margin ---->| now
    last run     --------)until
    gap                  [--------------)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sources.gladly.gaps import Gap, GapKind
from sources.gladly.settings import EVENTS_STREAM, UNREPORTED_EVENTS_STREAM
from sources.streams.windows import Window, holes, subtract

RETENTION = timedelta(hours=24)
LAG = timedelta(seconds=15)
OVERLAP = timedelta(minutes=5)
# Gladly checks the start when the request arrives, a little after we looked at its clock.
MARGIN = timedelta(seconds=10)


def reach(now: datetime) -> datetime:
    """Return the earliest time of which Gladly still has events at ``now``, its own clock."""
    return now - RETENTION + MARGIN


def next_window(covered: Iterable[Window], now: datetime) -> Window | None:
    """Return the span to ask for, both ends inside, or None where it would cover nothing new."""
    until = max((window.end for window in covered), default=None)
    if until is None:
        return Window(reach(now), now)
    if until >= now - LAG:
        return None
    return Window(max(reach(now), until - OVERLAP), now)


def covered_by(request: Window) -> Window:
    """Return the span whose events a request brought for certain: later ones may still appear."""
    return Window(request.start, max(request.start, request.end - LAG))


def find_event_gaps(covered: Iterable[Window], healed: Mapping[str, Sequence[Window]]) -> list[Gap]:
    """Return the spans between the first and the last window that no request covered.

    Args:
        covered: what requests covered.
        healed: what each timestamps report has filled; a span that all have filled is no gap.
    """
    gaps = []
    for hole in holes(covered):
        gaps.append(Gap(UNREPORTED_EVENTS_STREAM, hole, GapKind.LOST, _LOST))
        if any(subtract(hole, windows) for windows in healed.values()):
            gaps.append(Gap(EVENTS_STREAM, hole, GapKind.EXPIRED, _EXPIRED))
    return gaps


_EXPIRED = (
    "No run read these events within the 24 hours that Gladly keeps them. The next run fills the "
    "span from the timestamps reports. To avoid it, run `helpdesk run gladly --select events` "
    "every hour or every six."
)
_LOST = (
    "Customer profiles created, updated or deleted, custom attributes and focus changes of this "
    "span are in no report: these events cannot be brought back."
)
