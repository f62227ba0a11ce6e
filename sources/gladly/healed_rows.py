"""A timestamps report to rows of the event tables, but for events that are there already."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

import orjson

from sources.gladly.event_matching import MatchingKey, already_known, matching_key
from sources.gladly.event_types import EVENTS
from sources.gladly.timestamps_reports import TimestampsReport, event_lines
from sources.streams.csv_records import BrokenRecord, CsvTable
from sources.streams.lines import PickedLines
from sources.streams.windows import Window
from sources.tables.build import Lineage
from sources.tables.declarations import Declaration
from sources.tables.decode import QuarantinedLine
from sources.tables.parquet import TableFiles
from sources.tables.parse import FamilyParser, FileCounts, add_parsed, add_quarantined

_LINES_AT_ONCE = 10_000


class _HealedEvent(NamedTuple):
    line_number: int
    line: bytes
    event: dict[str, Any]


class ReportParser:
    """Parses timestamps reports of one metric set.

    Args:
        report: What the columns mean.
        known: Events of the Events API that are loaded already, of the time the reports are for.
    """

    def __init__(self, report: TimestampsReport, known: Sequence[MatchingKey]) -> None:
        self.declaration: Declaration = EVENTS
        self._report = report
        self._known = known
        self._parser = FamilyParser(EVENTS)

    def parse(
        self,
        stream: BinaryIO,
        window: Window | None,
        lineage: Lineage,
        files: TableFiles,
        on_lines: Callable[[int, int], None],
    ) -> FileCounts:
        """Add the events of ``window`` that are not known yet to ``files``; return the counts.

        ``superseded`` counts the rows that are not kept: they are known, or of another time. The
        report is held in memory: it has fewer than 100,000 rows.
        """
        counts = FileCounts()
        events, broken = _read(self._report, CsvTable(stream))
        add_quarantined(broken, lineage, files, counts)
        kept = self._new_events(events, window)
        counts.superseded = len(events) - len(kept)
        counts.rows = counts.superseded
        counts.lines = counts.superseded + len(broken)
        numbered = iter(kept)
        while part := list(islice(numbered, _LINES_AT_ONCE)):
            picked = PickedLines([(event.line_number, 0, event.line) for event in part])
            parsed = self._parser.parse(picked, lineage)
            add_parsed(self._parser, parsed, lineage, files, counts)
            on_lines(len(part), sum(len(event.line) for event in part))
        return counts

    def _new_events(
        self, events: Sequence[_HealedEvent], window: Window | None
    ) -> list[_HealedEvent]:
        keys = {event.event["id"]: matching_key(event.event) for event in events}
        shown = _shown_window(window, keys.values())
        inside = {name: key for name, key in keys.items() if _is_inside(key.recorded_at, shown)}
        known = already_known(inside, self._known)
        return [
            event
            for event in events
            if event.event["id"] in inside and event.event["id"] not in known
        ]


def count_rows(stream: BinaryIO) -> int:
    """Return how many records a CSV file has, broken ones included."""
    return sum(1 for _ in CsvTable(stream))


def _read(
    report: TimestampsReport, table: CsvTable
) -> tuple[list[_HealedEvent], list[QuarantinedLine]]:
    events, broken = [], []
    for found in event_lines(report, table):
        if isinstance(found, BrokenRecord):
            broken.append(_quarantined(found))
        else:
            events.append(_HealedEvent(*found, orjson.loads(found[1])))
    return events, broken


def _quarantined(record: BrokenRecord) -> QuarantinedLine:
    return QuarantinedLine(
        record.line_number, record.byte_offset, record.byte_length, record.reason, record.raw
    )


def _shown_window(window: Window | None, keys: Iterable[MatchingKey]) -> Window | None:
    """Return the window as a report shows it that leaves fractions of seconds out."""
    if window is None or any(key.shows_fraction for key in keys):
        return window
    return Window(window.start.replace(microsecond=0), window.end)


def _is_inside(at: datetime | None, window: Window | None) -> bool:
    return at is not None and (window is None or window.start <= at < window.end)
