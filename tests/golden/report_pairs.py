"""Golden pairs of reports: ``<table>.<case>.input.csv`` and its rows, ``….expected.json``.

The request a pair answers follows from its case. The expected rows leave out where a row came from,
but for its line, and columns without a value: tables of reports are wide.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq

from sources.gladly.report_rows import ReportRequest, ReportRowsParser
from sources.gladly.report_types import REPORTS, WORK_SESSION_EVENTS, Report
from sources.gladly.work_sessions import WorkSessionParser
from sources.tables.build import Lineage
from sources.tables.parquet import TableFiles
from sources.tables.parse import FileCounts
from tests.golden.pairs import FOLDER, Row, Tables, text_of, value_text

LINEAGE = Lineage(datetime(2024, 11, 5, 6, 0, tzinfo=UTC), "golden-request", "golden.csv")
ENDPOINT = "work_session_events"
BY_TABLE = {report.table: report for report in REPORTS.values()}
TIMEZONE = "America/New_York"
USUAL_DAYS = (date(2024, 3, 1), date(2024, 3, 2))
# the clock is put back at 2 o'clock
CLOCK_CHANGE_DAYS = (date(2024, 11, 3), date(2024, 11, 3))
_LINEAGE = {"_extracted_at", "_job_id", "_file", "extracted_at", "job_id", "file"}


@dataclass(frozen=True, slots=True)
class ReportPair:
    name: str

    @property
    def table(self) -> str:
        return self.name.split(".")[0]

    @property
    def report(self) -> Report:
        return WORK_SESSION_EVENTS if self.table == ENDPOINT else BY_TABLE[self.table]

    @property
    def input_path(self) -> Path:
        return FOLDER / f"{self.name}.input.csv"

    @property
    def expected_path(self) -> Path:
        return FOLDER / f"{self.name}.expected.json"

    @property
    def request(self) -> ReportRequest:
        first_day, last_day = USUAL_DAYS
        if self.name.endswith(".clock_change"):
            first_day, last_day = CLOCK_CHANGE_DAYS
        elif not self.report.anchor:
            last_day = first_day
        return ReportRequest(
            self.report.metric_set,
            first_day,
            last_day,
            "UTC" if self.report.takes_only_times else TIMEZONE,
            LINEAGE.extracted_at,
            "halfHourly" if self.report.is_aggregated else "",
            {"phoneNumber": "+15555550100"} if self.report.required_filter else {},
        )


def report_pairs() -> list[ReportPair]:
    return [
        ReportPair(path.name.removesuffix(".input.csv"))
        for path in sorted(FOLDER.glob("*.input.csv"))
    ]


def parsed_report(pair: ReportPair) -> tuple[FileCounts, Tables]:
    """Return the counts and the rows of a pair's input, read back from Parquet."""
    stream = BytesIO(pair.input_path.read_bytes())
    with TemporaryDirectory() as folder, TableFiles(Path(folder)) as files:
        if pair.table == ENDPOINT:
            counts = WorkSessionParser().parse(stream, LINEAGE, files)
        else:
            parser = ReportRowsParser(pair.report)
            counts = parser.parse(stream, pair.request, LINEAGE, files)
        found = {file.table.name: pq.read_table(file.path).to_pylist() for file in files.finish()}
    return counts, found


def shown_report(counts: FileCounts, tables: Tables) -> str:
    """Return the text of an expected file: one row a line, tables by name."""
    return text_of(counts, tables, _row)


def _row(_table: str, row: Row) -> str:
    filled = {name: value for name, value in row.items() if value is not None}
    return json.dumps({name: value_text(filled[name]) for name in filled if name not in _LINEAGE})
