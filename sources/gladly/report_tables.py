"""The tables of reports: a window for each day of each report, and the rows it holds.

A window is what Gladly restates: a later reading of it replaces all its rows, also by none.

    report_windows              ContactExportReportV3 2024-03-01      2 rows
    report_contact_export_v3    ContactExportReportV3 2024-03-01  1   the first row
                                ContactExportReportV3 2024-03-01  2   the second, maybe just alike
"""

from __future__ import annotations

from datetime import date
from typing import Final

from sources.gladly.report_types import REPORTS, Report
from sources.tables.declarations import (
    EXTRA_COLUMN,
    LINEAGE,
    POSITION,
    VERSION,
    Column,
    Kind,
    TableSchema,
)

WINDOW_ID: Final = "window_id"

REPORT_WINDOWS: Final = TableSchema(
    "report_windows",
    (
        Column(WINDOW_ID, Kind.TEXT, "The report and its day.", nullable=False),
        Column("metric_set", Kind.TEXT, "The report, as Gladly names it."),
        Column("day", Kind.TIMESTAMP, "When the day begins in the time zone of the report."),
        Column("report_day", Kind.TEXT, "The day, such as 2024-03-01."),
        Column("timezone", Kind.TEXT, "Time zone whose days the report counts."),
        Column("aggregation_level", Kind.TEXT, "Length of its buckets, if it has any."),
        Column("filters", Kind.JSON, "What it was limited to."),
        Column("rows", Kind.INTEGER, "Rows of that day; none is told by 0."),
        Column("requested_at", Kind.TIMESTAMP, "When it was asked for."),
        Column("is_backfill", Kind.BOOLEAN, "True where a backfill asked for it; else empty."),
        *LINEAGE,
    ),
    key=(WINDOW_ID,),
    description="Each day of each report that was read, empty ones too.",
    version=VERSION,
)


def window_id(metric_set: str, day: date, part: str = "") -> str:
    """Return the key of a window; ``part`` tells reports of one day apart that never overlap."""
    return " ".join(filter(None, (metric_set, day.isoformat(), part)))


def report_table(report: Report) -> TableSchema:
    """Return the table of a report."""
    typed = [column for each in report.columns for column in each.columns()]
    return TableSchema(
        name=report.table,
        columns=(
            Column(WINDOW_ID, Kind.TEXT, "The row of report_windows.", nullable=False),
            Column(POSITION, Kind.INTEGER, "Place in the window, from 1.", nullable=False),
            *typed,
            EXTRA_COLUMN,
            *LINEAGE,
        ),
        key=(WINDOW_ID, POSITION),
        description=f"{report.metric_set}: a row is {report.row}.",
        version=VERSION,
        parent=REPORT_WINDOWS.name,
        root_key=(WINDOW_ID,),
        # a window is of no line, and one that is read in parts of several files
        root_version=VERSION,
    )


REPORT_TABLES: Final = (REPORT_WINDOWS, *map(report_table, REPORTS.values()))
