"""Work sessions: what agents did with contacts. One row for each contact and agent.

Source: Gladly API reference, Generate a Work Session Report; Gladly help, Ingest contact center
performance data. While a contact is open it has one row without an agent, and without the id of a
work session, at the time it began. When it ends, that row gives way to a row for each agent who
worked on it, at the time of its end; only a contact that nobody worked on keeps its row.

    read while open     contact 1, no agent      provisional
    read after its end  contact 1, agent A       contact 1, no agent   goes
                        contact 1, agent B
                        contact 2, no agent      it ended with no agent: its row for good

So a request always ends now: one that ends earlier misses what moved on. The endpoint and
WorkSessionEventsReportV4 count differently, and stand in tables of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import BinaryIO, Final, NamedTuple
from zoneinfo import ZoneInfo

import pyarrow as pa

from sources.gladly.report_columns import CellKind
from sources.gladly.report_reader import (
    RowReader,
    TypedRows,
    check_is_report,
    extra_texts,
    typed_columns,
)
from sources.gladly.report_rows import batches
from sources.gladly.report_types import WORK_SESSION_EVENTS as REPORT
from sources.gladly.report_values import nulls_of
from sources.streams.csv_records import CsvRecord, CsvTable
from sources.tables.arrow import arrow_schema
from sources.tables.build import Lineage, lineage_columns
from sources.tables.declarations import EXTRA_COLUMN, LINEAGE, VERSION, Column, Kind, TableSchema
from sources.tables.decode import QuarantinedLine
from sources.tables.ledger import QUARANTINED_LINES
from sources.tables.parquet import TableFiles
from sources.tables.parse import FileCounts, add_quarantined, ignore_progress

WORK_SESSION_EVENTS_PATH: Final = "/api/v1/reports/work-session-events"

_CONTACT, _AGENT = REPORT.natural_key
_WHERE: Final = f"POST {WORK_SESSION_EVENTS_PATH}"


class SessionKey(NamedTuple):
    """What identifies a row: the contact, and the agent, empty where there is none."""

    contact_session_id: str
    agent_id: str

    @property
    def may_be_provisional(self) -> bool:
        """Whether rows of agents take its place as soon as there are any."""
        return not self.agent_id


def _key_column(column: Column) -> Column:
    descriptions = {
        _CONTACT: column.description,
        _AGENT: "The agent; empty while the contact is open, and if nobody worked on it.",
    }
    if column.name not in descriptions:
        return column
    return Column(column.name, Kind.TEXT, descriptions[column.name], nullable=False)


WORK_SESSION_EVENTS: Final = TableSchema(
    "work_session_events",
    (
        *(_key_column(column) for each in REPORT.columns for column in each.columns()),
        EXTRA_COLUMN,
        *LINEAGE,
    ),
    key=(_CONTACT, _AGENT),
    description=f"Work sessions: a row is {REPORT.row}.",
    version=VERSION,
)


def work_session_request(start: datetime, now: datetime) -> Mapping[str, str]:
    """Return the body that asks for what ended, or began and is open, from ``start`` until now.

    Minutes in UTC; the minute of the end is inside.

    start at 19:27:40   [19:27          now at 20:12:05   20:12]
    """
    return {"startAtTime": minute_text(start), "endAtTime": minute_text(now)}


def minute_text(at: datetime) -> str:
    """Return an instant as requests write it, cut to the minute: ``2020-04-13T19:27Z``."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def stored_keys_to_drop(
    read: Collection[SessionKey], stored: Iterable[SessionKey]
) -> set[SessionKey]:
    """Return the stored rows that must go: provisional ones of contacts that have agents.

    Args:
        read: the rows of a reading; those that are stored already are replaced by their key.
        stored: the rows stored for the contacts of ``read``, as they are before it is loaded.
    """
    stored = list(stored)
    have_agents = _contacts_with_agents([*read, *stored])
    return {key for key in stored if _is_over(key, have_agents)}


def read_keys_to_drop(
    read: Collection[SessionKey], stored: Iterable[SessionKey]
) -> set[SessionKey]:
    """Return the rows of a reading that must not be loaded: provisional ones that came late.

    Args: as for ``stored_keys_to_drop``.
    """
    have_agents = _contacts_with_agents([*read, *stored])
    return {key for key in read if _is_over(key, have_agents)}


class WorkSessionParser:
    """Parses what the endpoint sends."""

    def __init__(self) -> None:
        self.schemas = {table.name: table for table in (WORK_SESSION_EVENTS, QUARANTINED_LINES)}

    def parse(
        self,
        stream: BinaryIO,
        lineage: Lineage,
        files: TableFiles,
        on_lines: Callable[[int, int], None] = ignore_progress,
    ) -> FileCounts:
        """Add the work sessions of one reading to ``files``; return the counts.

        A key stands once: of several rows the last one in the file is kept, and a provisional one
        only without rows of agents. ``superseded`` counts the others. A row without a contact is
        quarantined. The reading is held in memory: it has fewer than 100,000 rows.

        Raises:
            RetryableError: the body is something else.
        """
        counts = FileCounts()
        table = CsvTable(stream)
        check_is_report(REPORT, table, _WHERE)
        reader = RowReader(REPORT, ZoneInfo("UTC"), "")
        readings = []
        for records, broken in batches(table):
            usable, keyless = _with_contact(table, records)
            add_quarantined([*broken, *keyless], lineage, files, counts)
            if usable:
                readings.append((usable, _rows(reader, table, usable)))
            counts.lines += len(records) + len(broken)
            on_lines(len(records) + len(broken), sum(len(record.raw) for record in records))
        kept = _kept_lines(readings)
        for records, rows in readings:
            built = _built(records, rows, lineage)
            counts.add_tables({WORK_SESSION_EVENTS.name: built})
            lines = [record.line_number for record in records]
            built = built.filter(pa.array([line in kept for line in lines], pa.bool_()))
            files.add(self.schemas, {WORK_SESSION_EVENTS.name: built})
            counts.rows += len(records)
            counts.superseded += len(records) - built.num_rows
        return counts


def keys_of(rows: Mapping[str, Sequence[str | None]]) -> list[SessionKey]:
    """Return the keys of rows given as columns, such as those read from a table."""
    return [
        SessionKey(contact or "", agent or "")
        for contact, agent in zip(rows[_CONTACT], rows[_AGENT], strict=True)
    ]


def _contacts_with_agents(keys: Iterable[SessionKey]) -> set[str]:
    return {key.contact_session_id for key in keys if not key.may_be_provisional}


def _is_over(key: SessionKey, have_agents: set[str]) -> bool:
    return key.may_be_provisional and key.contact_session_id in have_agents


def _with_contact(
    table: CsvTable, records: Sequence[CsvRecord]
) -> tuple[list[CsvRecord], list[QuarantinedLine]]:
    places = [table.keys.index(key) if key in table.keys else None for key in (_CONTACT, _AGENT)]
    usable, keyless = [], []
    for record in records:
        contact, agent = ("" if at is None else record.cells[at] for at in places)
        if contact in nulls_of(CellKind.ID) or "\0" in contact + agent:
            reason = f"no usable {_CONTACT} or {_AGENT}"
            size = len(record.raw)
            keyless.append(
                QuarantinedLine(record.line_number, record.byte_offset, size, reason, record.raw)
            )
        else:
            usable.append(record)
    return usable, keyless


def _rows(reader: RowReader, table: CsvTable, records: Sequence[CsvRecord]) -> TypedRows:
    rows = reader.read(table, records)
    for name in (_CONTACT, _AGENT):
        rows.values[name] = [value or "" for value in rows.values[name]]
    return rows


def _kept_lines(readings: Iterable[tuple[Sequence[CsvRecord], TypedRows]]) -> set[int]:
    last: dict[SessionKey, int] = {}
    for records, rows in readings:
        for key, record in zip(keys_of(rows.values), records, strict=True):
            last[key] = record.line_number
    for key in read_keys_to_drop(last, ()):
        del last[key]
    return set(last.values())


def _built(records: Sequence[CsvRecord], rows: TypedRows, lineage: Lineage) -> pa.Table:
    return pa.table(
        [
            *typed_columns(REPORT, rows),
            extra_texts(rows),
            *lineage_columns(lineage, [record.line_number for record in records]),
        ],
        schema=arrow_schema(WORK_SESSION_EVENTS),
    )
