"""Reports as pairs of text: the CSV that Gladly sends, the rows that the warehouse holds."""

from io import BytesIO

import pytest

from sources.gladly.report_types import REPORTS, WORK_SESSION_EVENTS, Report
from sources.streams.csv_records import BrokenRecord, CsvTable
from tests.gladly.report_cells import missing_cells
from tests.golden.pairs import FOLDER
from tests.golden.report_pairs import (
    BY_TABLE,
    ENDPOINT,
    ReportPair,
    parsed_report,
    report_pairs,
    shown_report,
)

PAIRS = [pytest.param(pair, id=pair.name) for pair in report_pairs()]
USUAL = [param for param in PAIRS if str(param.id).endswith(".usual")]
WITH_COLUMNS = [
    pytest.param(report, id=report.metric_set)
    for report in (*REPORTS.values(), WORK_SESSION_EVENTS)
    if report.columns
]


def table_of(report: Report) -> str:
    return ENDPOINT if report is WORK_SESSION_EVENTS else report.table


@pytest.mark.parametrize("pair", PAIRS)
def test_a_report_becomes_exactly_the_expected_rows(pair: ReportPair) -> None:
    expected = pair.expected_path.read_text("utf-8").splitlines()
    assert shown_report(*parsed_report(pair)).splitlines() == expected


@pytest.mark.parametrize("pair", PAIRS)
def test_records_are_rows_plus_quarantined(pair: ReportPair) -> None:
    counts, tables = parsed_report(pair)
    records = list(CsvTable(BytesIO(pair.input_path.read_bytes())))
    assert counts.lines == len(records) == counts.rows + counts.quarantined
    assert counts.rows == len(tables.get(pair.table, [])) + counts.superseded
    assert counts.quarantined == len(tables.get("quarantined_lines", []))


@pytest.mark.parametrize("pair", PAIRS)
def test_every_cell_of_a_row_is_found_again(pair: ReportPair) -> None:
    _, tables = parsed_report(pair)
    rows = {row["_line"]: row for row in tables.get(pair.table, [])}
    table = CsvTable(BytesIO(pair.input_path.read_bytes()))
    missing = {
        record.line_number: missing_cells(
            pair.report,
            table.header,
            table.keys,
            record.cells,
            rows[record.line_number],
            pair.request.timezone,
        )
        for record in table
        if not isinstance(record, BrokenRecord) and record.line_number in rows
    }
    assert {line: headers for line, headers in missing.items() if headers} == {}


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if ENDPOINT not in str(pair.id)])
def test_every_day_asked_for_has_one_window(pair: ReportPair) -> None:
    counts, tables = parsed_report(pair)
    windows = {row["report_day"]: row["rows"] for row in tables["report_windows"]}
    assert [*windows] == [day.isoformat() for day in pair.request.days]
    assert len(tables["report_windows"]) == len(windows)
    assert sum(windows.values()) == counts.rows


@pytest.mark.parametrize("report", WITH_COLUMNS)
def test_every_report_whose_columns_are_known_has_a_golden_pair(report: Report) -> None:
    pair = ReportPair(f"{table_of(report)}.usual")
    table = CsvTable(BytesIO(pair.input_path.read_bytes()))
    assert {column.key for column in report.columns} <= {*table.keys}


@pytest.mark.parametrize("pair", USUAL)
def test_every_column_has_a_value_in_the_usual_pair(pair: ReportPair) -> None:
    _, tables = parsed_report(pair)
    declared = {column.name for each in pair.report.columns for column in each.columns()}
    filled = {
        name for row in tables[pair.table] for name, value in row.items() if value is not None
    }
    assert declared - filled == set()


@pytest.mark.parametrize("pair", USUAL)
def test_what_is_usual_leaves_only_the_unknown_column_in_extra(pair: ReportPair) -> None:
    _, tables = parsed_report(pair)
    extras = {row["_extra"] for row in tables[pair.table]}
    assert extras <= {
        None,
        '{"A New Column":"new, and\\nin two lines"}',
        '{"A New Column":"0.5"}',
    }


def test_every_report_input_is_of_a_report_and_has_its_rows() -> None:
    tables = {pair.table for pair in report_pairs()}
    assert tables <= {*BY_TABLE, ENDPOINT}
    assert all(pair.expected_path.exists() for pair in report_pairs())
    assert len(list(FOLDER.glob("*.input.csv"))) == len(report_pairs()) > 43
