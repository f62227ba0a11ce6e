"""Records of a report to typed columns, column by column; every cell is found again.

A cell that fits its column is in it; one that does not, or says more than the column keeps, is in
``_extra`` under its header, with the cells of columns that no declaration knows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import orjson
import pyarrow as pa

from sources.gladly.report_columns import CellKind, ReportColumn
from sources.gladly.report_types import Report
from sources.gladly.report_values import (
    READERS,
    Moment,
    day_of,
    day_start,
    nulls_of,
    read_minutes,
    read_moment,
    read_text,
    zone_of,
)
from sources.http.errors import RetryableError
from sources.streams.csv_records import CsvRecord, CsvTable, check_is_csv
from sources.tables.arrow import ARROW_TYPES

HALF_HOURLY: Final = "halfHourly"
_TIMEZONE: Final = "timezone_filter"
_HALF_HOUR: Final = timedelta(minutes=30)
# A report of which fewer columns are known may come without any of them.
_ENOUGH_TO_RECOGNISE: Final = 3

Cells = Sequence[str]


class TypedRows(NamedTuple):
    """Rows as the columns of their table.

    Args:
        values: by name of the column.
        extras: of each row, the texts that no column holds, by header; empty for most.
        days: of each row, the day it belongs to; None where its cells do not say.
    """

    values: dict[str, list[Any]]
    extras: list[dict[str, str]]
    days: list[date | None]


class RowReader:
    """Reads the records of one report; used for one body only, from its beginning.

    A bucket is local to the report's time zone, without an offset. In the hour that a change of
    the clock repeats, half-hourly buckets of both passes look the same, unless the end of the
    bucket tells them apart. Of rows alike in all that identifies them but the bucket, the first in
    the file is then of the first pass, later ones of the second; so a bucket of the second pass
    without its counterpart in the first is taken for the first. Other buckets begin with the first
    pass. The text as sent is kept beside the instant.

    Args:
        report: what the columns mean.
        zone: the time zone whose days were asked for. Times are local to the one that the report
            names itself, if it does: asked for by minutes, it comes in that of the organisation.
        aggregation_level: the length of the buckets.
    """

    def __init__(self, report: Report, zone: ZoneInfo, aggregation_level: str) -> None:
        self._report = report
        self._zone = zone
        self._has_two_passes = aggregation_level == HALF_HOURLY
        self._seen = Counter[tuple[Any, ...]]()
        self._columns = {column.key: column for column in report.columns}

    def read(self, table: CsvTable, records: Sequence[CsvRecord]) -> TypedRows:
        """Return records of ``table``, at least one, as typed columns."""
        batch = self._batch(table, records)
        cells = list(zip(*(record.cells for record in records), strict=True))
        for header, key, column_cells in zip(table.header, table.keys, cells, strict=True):
            column = self._columns.get(key)
            if column is None:
                batch.keep(header, column_cells)
            else:
                batch.read(header, column, column_cells)
        self._place_buckets(batch, dict(zip(table.keys, cells, strict=True)))
        for column in self._report.columns:
            for declared in column.columns():
                batch.values.setdefault(declared.name, [None] * len(records))
        return TypedRows(batch.values, batch.extras, self._days(batch))

    def days(self, table: CsvTable, records: Sequence[CsvRecord]) -> list[date | None]:
        """Return the day each record belongs to; None where its cells do not say."""
        batch = self._batch(table, records)
        for key in self._report.anchor:
            if key in table.keys:
                at = table.keys.index(key)
                cells = [record.cells[at] for record in records]
                batch.read(table.header[at], self._columns[key], cells)
        return self._days(batch)

    def _batch(self, table: CsvTable, records: Sequence[CsvRecord]) -> _Batch:
        named = None
        if _TIMEZONE in table.keys:
            named = zone_of(records[0].cells[table.keys.index(_TIMEZONE)])
        return _Batch(named or self._zone, self._zone, [{} for _ in records])

    def _place_buckets(self, batch: _Batch, cells: dict[str, Cells]) -> None:
        limits = [
            (column, batch.moments[column.key])
            for column in self._report.columns
            if column.kind is CellKind.BUCKET and column.key in batch.moments
        ]
        if not limits:
            return
        (column, begins), *others = limits
        ends = others[0][1] if others else [None] * len(begins)
        starts = [
            begin and self._instant(begin, end, place, cells)
            for place, (begin, end) in enumerate(zip(begins, ends, strict=True))
        ]
        batch.values[column.name] = starts
        for column, moments in others:
            batch.values[column.name] = list(map(_first_after, moments, starts))

    def _instant(
        self, begin: Moment, end: Moment | None, place: int, cells: dict[str, Cells]
    ) -> datetime:
        if begin.at == begin.second or not self._has_two_passes:
            return begin.at
        told = _told_by_end(begin, end)
        if told is not None:
            return told
        identity = tuple(cells[key][place] for key in self._identity() if key in cells)
        self._seen[identity, begin.at] += 1
        return begin.at if self._seen[identity, begin.at] == 1 else begin.second

    def _identity(self) -> Sequence[str]:
        """Return the columns that identify a row; without a known key, all that are texts."""
        if self._report.natural_key:
            return [key for key in self._report.natural_key if key != self._report.bucket]
        return [c.key for c in self._report.columns if c.kind in (CellKind.TEXT, CellKind.ID)]

    def _days(self, batch: _Batch) -> list[date | None]:
        days: list[date | None] = [None] * len(batch.extras)
        for key in self._report.anchor:
            found = batch.days.get(key, days)
            days = [known or day for known, day in zip(days, found, strict=True)]
        return days


def check_is_report(report: Report, table: CsvTable, where: str) -> None:
    """Refuse a body that is not this report.

    Args:
        report: the one that was asked for.
        table: the body, its header read.
        where: what was asked for, for the message.

    Raises:
        RetryableError: it begins like a web page or a JSON document, its header cannot be read,
            or it has none of the report's columns.
    """
    if not table.header:
        if next(iter(table), None) is not None:
            raise RetryableError(
                f"{where} came with a header that cannot be read, so its rows cannot be told "
                "apart. Nothing of it was loaded: run again later."
            )
        return
    check_is_csv(table.header[0].encode(), where)
    known = {column.key for column in report.columns}
    is_alone = len(table.header) == 1
    if known.isdisjoint(table.keys) and (len(known) >= _ENOUGH_TO_RECOGNISE or is_alone):
        raise RetryableError(
            f"{where} came without any column of that report; its {len(table.header)} columns are "
            "others. It may be an error message: run again later. If it lasts, the report has "
            "another layout now: declare it in report_columns.csv."
        )


def typed_columns(report: Report, rows: TypedRows) -> list[pa.Array]:
    """Return the typed columns of a report's table, in order."""
    return [
        pa.array(rows.values[column.name], ARROW_TYPES[column.kind])
        for each in report.columns
        for column in each.columns()
    ]


def extra_texts(rows: TypedRows) -> pa.Array:
    """Return the ``_extra`` column of rows."""
    texts = [orjson.dumps(extra).decode() if extra else None for extra in rows.extras]
    return pa.array(texts, pa.string())


@dataclass(slots=True)
class _Batch:
    """What is read of some records so far."""

    zone: ZoneInfo
    zone_of_days: ZoneInfo
    extras: list[dict[str, str]]
    values: dict[str, list[Any]] = field(default_factory=dict)
    moments: dict[str, list[Moment | None]] = field(default_factory=dict)
    days: dict[str, list[date | None]] = field(default_factory=dict)

    def keep(self, header: str, cells: Cells) -> None:
        """Keep the cells of a column that no declaration knows, words for nothing too."""
        for place, cell in enumerate(cells):
            if cell:
                self.extras[place][header] = cell

    def read(self, header: str, column: ReportColumn, cells: Cells) -> None:
        match column.kind:
            case CellKind.TIMESTAMP:
                moments = self._read_moments(column, cells)
                self.values[column.name] = [moment and moment.at for moment in moments]
                nulls = nulls_of(column.kind)
                for place, (cell, moment) in enumerate(zip(cells, moments, strict=True)):
                    if not (moment.is_exact if moment else cell in nulls):
                        self.extras[place][header] = cell
            case CellKind.BUCKET:
                self._read_moments(column, cells)
                self._read_values(header, column, column.local_name, cells)
            case CellKind.DATE:
                days = [day_of(cell) for cell in cells]
                self.days[column.key] = days
                self.values[column.start_name] = [day and day_start(day, self.zone) for day in days]
                self._read_values(header, column, column.name, cells)
            case _:
                self._read_values(header, column, column.name, cells)

    def _read_moments(self, column: ReportColumn, cells: Cells) -> list[Moment | None]:
        moments = [read_moment(cell, self.zone) for cell in cells]
        self.moments[column.key] = moments
        self.days[column.key] = [moment and self._day(moment) for moment in moments]
        return moments

    def _day(self, moment: Moment) -> date:
        if self.zone is self.zone_of_days:
            return moment.day
        return moment.at.astimezone(self.zone_of_days).date()

    def _read_values(self, header: str, column: ReportColumn, name: str, cells: Cells) -> None:
        read = READERS.get(column.kind, read_text)
        if column.unit == "minutes":
            read = read_minutes
        nulls = nulls_of(column.kind)
        values: list[Any] = [None] * len(cells)
        for place, cell in enumerate(cells):
            if cell in nulls:
                continue
            found = read(cell)
            if found is not None:
                values[place] = found.value
            if found is None or not found.is_exact:
                self.extras[place][header] = cell
        self.values[name] = values


def _told_by_end(begin: Moment, end: Moment | None) -> datetime | None:
    """Return the one beginning of a half hour that fits its end, if only one does."""
    if end is None:
        return None
    fitting = [at for at in (begin.at, begin.second) if at + _HALF_HOUR in (end.at, end.second)]
    return fitting[0] if len(fitting) == 1 else None


def _first_after(moment: Moment | None, start: datetime | None) -> datetime | None:
    """Return the end of a bucket: where its local time came twice, the first after the start."""
    if moment is None:
        return None
    return moment.second if start is not None and moment.at <= start else moment.at
