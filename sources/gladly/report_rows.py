"""A report's CSV to the rows of its table and of its windows.

Each row belongs to one day, in the time zone of the report:

    one day asked for        that day, whatever the row says
    a week, month, quarter   its first day: the row is a figure of all of them
    several days asked for   the day its anchor says; if that is none of them, the nearest one;
                             the first one where the anchor says nothing
    placed without its own   the row says why in ``_extra``, under ``_day``
    word, or against it

The same days read again place each row where it was, so that replacing their windows neither loses
nor doubles it. Other days that overlap them may place such a row elsewhere too: where `scan_report`
finds any in a report of several days, it is to be asked for again a day at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Any, BinaryIO, Final, NamedTuple
from zoneinfo import ZoneInfo

import orjson
import pyarrow as pa

from sources.gladly.report_reader import (
    RowReader,
    TypedRows,
    check_is_report,
    extra_texts,
    typed_columns,
)
from sources.gladly.report_tables import REPORT_WINDOWS, report_table, window_id
from sources.gladly.report_types import Report
from sources.gladly.report_values import day_start
from sources.gladly.report_windows import LONG_BUCKETS, days_of
from sources.gladly.reports import DaySpan
from sources.streams.csv_records import BrokenRecord, CsvRecord, CsvTable, distinct_names
from sources.tables.arrow import arrow_schema
from sources.tables.build import Lineage, lineage_columns
from sources.tables.declarations import EXTRACTED_AT, FILE, JOB_ID, LINE
from sources.tables.decode import QuarantinedLine
from sources.tables.ledger import QUARANTINED_LINES
from sources.tables.parquet import TableFiles
from sources.tables.parse import FileCounts, add_quarantined, ignore_progress

_RECORDS_AT_ONCE: Final = 10_000
_DAY: Final = "_day"
_OUTSIDE: Final = "its time is outside of the days asked for"
_UNDATED: Final = "its time is not known"


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """What was asked for when a report came.

    Args:
        metric_set: the report.
        first_day: in ``timezone``.
        last_day: in ``timezone``, included.
        timezone: as in the IANA database.
        requested_at: Gladly's clock, UTC.
        aggregation_level: length of the buckets; empty if there are none.
        filters: what it was limited to.
        part: tells reports of the same days apart whose windows never replace each other, such as
            one for each phone number.
        is_backfill: nightly runs do not begin with these days, nor fill holes between them.
    """

    metric_set: str
    first_day: date
    last_day: date
    timezone: str
    requested_at: datetime
    aggregation_level: str = ""
    filters: Mapping[str, Any] = field(default_factory=dict)
    part: str = ""
    is_backfill: bool = False

    @property
    def days(self) -> list[date]:
        """The days asked for, in order."""
        return days_of(DaySpan(self.first_day, self.last_day))

    @property
    def is_one_window(self) -> bool:
        """Whether all rows belong to the first day: there is one, or they are figures of all."""
        return self.first_day == self.last_day or self.aggregation_level in LONG_BUCKETS

    def __str__(self) -> str:
        return f"{self.metric_set} of {self.first_day} to {self.last_day}"


class ReportScan(NamedTuple):
    """How many records a report has, broken ones too, and how many no asked day can be told of."""

    records: int
    undated: int


class ReportRowsParser:
    """Parses reports of one metric set."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.table = report_table(report)
        self.schemas = {
            table.name: table for table in (self.table, REPORT_WINDOWS, QUARANTINED_LINES)
        }
        self._schema = arrow_schema(self.table)

    def parse(
        self,
        stream: BinaryIO,
        request: ReportRequest,
        lineage: Lineage,
        files: TableFiles,
        on_lines: Callable[[int, int], None] = ignore_progress,
    ) -> FileCounts:
        """Add the rows of one report to ``files``, and a window for every day it was asked for.

        Records that are broken are quarantined: lines = rows + quarantined. Memory does not grow
        with the report.

        Args:
            stream: the body as it came.
            request: what it answers.
            lineage: where the rows come from.
            files: they are added here.
            on_lines: hears of progress: records and bytes.

        Raises:
            RetryableError: the body is no such report.
            ValueError: several days of a report whose rows do not say when; see `Report.anchor`.
        """
        return self.parse_parts([(stream, lineage)], request, files, on_lines)[0]

    def parse_parts(
        self,
        parts: Iterable[tuple[BinaryIO, Lineage]],
        request: ReportRequest,
        files: TableFiles,
        on_lines: Callable[[int, int], None] = ignore_progress,
    ) -> list[FileCounts]:
        """Add the rows of several bodies that together are one report, as ``parse`` does of one.

        A day that does not fit into one report comes in several, of some hours or inboxes each;
        together they replace the day's window. All must be of one extraction and job, and at least
        one. Returns the counts of each part; windows count with the first.
        """
        if not request.is_one_window and not self.report.anchor:
            raise ValueError(f"Rows of {request} do not say their day: ask for one day at a time.")
        positions = Counter[date]()
        counts: list[FileCounts] = []
        origin: Lineage | None = None
        for stream, lineage in parts:
            origin = origin or lineage
            counts.append(self._parse_body(stream, request, lineage, files, positions, on_lines))
        if origin is None:
            raise ValueError(f"No part of {request} was given.")
        windows = _window_rows(request, positions, origin)
        files.add(self.schemas, {REPORT_WINDOWS.name: windows})
        counts[0].add_tables({REPORT_WINDOWS.name: windows})
        return counts

    def _parse_body(
        self,
        stream: BinaryIO,
        request: ReportRequest,
        lineage: Lineage,
        files: TableFiles,
        positions: Counter[date],
        on_lines: Callable[[int, int], None],
    ) -> FileCounts:
        counts = FileCounts()
        table = CsvTable(stream)
        check_is_report(self.report, table, str(request))
        reader = RowReader(self.report, ZoneInfo(request.timezone), request.aggregation_level)
        for records, broken in batches(table):
            add_quarantined(broken, lineage, files, counts)
            if records:
                rows = reader.read(table, records)
                days = _placed(rows, request, table.header)
                built = self._built(rows, days, request, lineage, records, positions)
                files.add(self.schemas, {self.table.name: built})
                counts.rows += len(records)
                counts.add_tables({self.table.name: built})
            counts.lines += len(records) + len(broken)
            on_lines(len(records) + len(broken), _size(records, broken))
        return counts

    def _built(
        self,
        rows: TypedRows,
        days: Sequence[date],
        request: ReportRequest,
        lineage: Lineage,
        records: Sequence[CsvRecord],
        positions: Counter[date],
    ) -> pa.Table:
        names = {day: window_id(request.metric_set, day, request.part) for day in set(days)}
        places = []
        for day in days:
            positions[day] += 1
            places.append(positions[day])
        return pa.table(
            [
                pa.array([names[day] for day in days], pa.string()),
                pa.array(places, pa.int64()),
                *typed_columns(self.report, rows),
                extra_texts(rows),
                *lineage_columns(lineage, [record.line_number for record in records]),
            ],
            schema=self._schema,
        )


def scan_report(report: Report, stream: BinaryIO, request: ReportRequest) -> ReportScan:
    """Count the records of a report, and those whose day is none of those asked for.

    Raises:
        RetryableError: the body is no such report.
    """
    table = CsvTable(stream)
    check_is_report(report, table, str(request))
    reader = RowReader(report, ZoneInfo(request.timezone), request.aggregation_level)
    found = undated = 0
    for records, broken in batches(table):
        found += len(records) + len(broken)
        if records and report.anchor:
            days = reader.days(table, records)
            undated += sum(day is None or _nearest(day, request) != day for day in days)
    return ReportScan(found, undated)


def batches(table: CsvTable) -> Iterator[tuple[list[CsvRecord], list[QuarantinedLine]]]:
    """Yield the records of a table, some at a time, with the broken ones among them."""
    stream = iter(table)
    while found := list(islice(stream, _RECORDS_AT_ONCE)):
        records = [record for record in found if isinstance(record, CsvRecord)]
        yield records, [_quarantined(each) for each in found if isinstance(each, BrokenRecord)]


def _placed(rows: TypedRows, request: ReportRequest, header: Sequence[str]) -> list[date]:
    """Return the day of each row, and note in its extra where that is not its own word."""
    note = distinct_names((*header, _DAY))[-1]
    days = []
    for own, extra in zip(rows.days, rows.extras, strict=True):
        day = request.first_day if own is None else _nearest(own, request)
        if own is not None and own != day:
            extra[note] = _OUTSIDE
        elif own is None and not request.is_one_window:
            extra[note] = _UNDATED
        days.append(request.first_day if request.is_one_window else day)
    return days


def _nearest(day: date, request: ReportRequest) -> date:
    return min(max(day, request.first_day), request.last_day)


def _window_rows(request: ReportRequest, rows: Counter[date], lineage: Lineage) -> pa.Table:
    zone = ZoneInfo(request.timezone)
    filters = orjson.dumps(dict(request.filters), option=orjson.OPT_SORT_KEYS).decode()
    return pa.Table.from_pylist(
        [
            {
                "window_id": window_id(request.metric_set, day, request.part),
                "metric_set": request.metric_set,
                "day": day_start(day, zone),
                "report_day": day.isoformat(),
                "timezone": request.timezone,
                "aggregation_level": request.aggregation_level or None,
                "filters": filters,
                "rows": rows[day],
                "requested_at": request.requested_at,
                # empty, not false: so are the rows of versions before there was this column
                "is_backfill": request.is_backfill or None,
                EXTRACTED_AT: lineage.extracted_at,
                JOB_ID: lineage.job_id,
                FILE: lineage.file,
                # a window is told by the request, which has no line: the header stands for it
                LINE: 1,
            }
            for day in request.days
        ],
        schema=arrow_schema(REPORT_WINDOWS),
    )


def _quarantined(record: BrokenRecord) -> QuarantinedLine:
    return QuarantinedLine(
        record.line_number, record.byte_offset, record.byte_length, record.reason, record.raw
    )


def _size(records: Sequence[CsvRecord], broken: Sequence[QuarantinedLine]) -> int:
    return sum(len(record.raw) for record in records) + sum(line.byte_length for line in broken)
