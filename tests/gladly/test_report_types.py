"""The declared reports say what the reference says: all of it, and nothing else."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sources.gladly.report_columns import CellKind, load_columns
from sources.gladly.report_tables import REPORT_TABLES, REPORT_WINDOWS, report_table, window_id
from sources.gladly.report_types import DEFAULT_REPORTS, REPORTS, WORK_SESSION_EVENTS, Report
from sources.gladly.timestamps_reports import TIMESTAMPS_REPORTS
from sources.gladly.work_sessions import WORK_SESSION_EVENTS as WORK_SESSION_TABLE
from sources.streams.csv_records import column_key
from sources.tables.declarations import Kind, TableSchema

REFERENCE: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "reference" / "gladly-reports.json").read_text("utf-8")
)
ALL = {**REPORTS, WORK_SESSION_EVENTS.metric_set: WORK_SESSION_EVENTS}
EACH = [pytest.param(report, id=name) for name, report in ALL.items()]
TABLES = [pytest.param(table, id=table.name) for table in (*REPORT_TABLES, WORK_SESSION_TABLE)]
KINDS = {
    "id": {CellKind.ID},
    "text": {CellKind.TEXT},
    "integer": {CellKind.INTEGER},
    "duration_seconds": {CellKind.NUMBER},
    "decimal": {CellKind.NUMBER, CellKind.DECIMAL},
    "percent": {CellKind.NUMBER},
    "boolean": {CellKind.BOOLEAN},
    "timestamp": {CellKind.TIMESTAMP, CellKind.BUCKET},
    "date": {CellKind.DATE},
    "list": {CellKind.LIST, CellKind.BRACKETED_LIST},
}
RESERVED = set(
    re.findall(
        r"\w+",
        "all and as asc between by case check column create cross date default delete desc "
        "distinct drop else end exists false for from full grant group having in inner insert "
        "into is join key left like limit not null offset on or order outer primary "
        "references right select set table then to true union unique update user using values "
        "when where with",
    )
)
# the shortest limit of a destination is PostgreSQL's, 63 bytes
LONGEST_NAME = 63


def columns_of(name: str) -> list[tuple[str, str, str]]:
    return [tuple(column) for column in REFERENCE[name]["columns"]]


def test_every_documented_report_is_declared_and_no_other() -> None:
    assert [*ALL] == [*REFERENCE]
    assert len(REPORTS) == 55


@pytest.mark.parametrize("report", EACH)
def test_a_report_declares_every_documented_column_and_nothing_else(report: Report) -> None:
    documented = columns_of(report.metric_set)
    assert [column.key for column in report.columns] == [key for _, key, _ in documented]
    assert [key for header, key, _ in documented if column_key(header) != key] == []
    kinds = {column.key: column.kind for column in report.columns}
    assert [key for _, key, told in documented if kinds[key] not in KINDS[told]] == []


@pytest.mark.parametrize("report", EACH)
def test_durations_are_seconds_and_minutes_become_so(report: Report) -> None:
    headers = {key: header for header, key, _ in columns_of(report.metric_set)}
    told = {key for _, key, kind in columns_of(report.metric_set) if kind == "duration_seconds"}
    for column in report.columns:
        is_minutes = "min" in column.unit
        assert is_minutes == bool(re.search(r"\(min", headers[column.key])), column
        assert (column.unit == "seconds") == (column.key in told), column
        if column.unit in ("seconds", "minutes"):
            assert column.name.endswith("_seconds"), column


@pytest.mark.parametrize("report", EACH)
def test_fractions_and_money_are_told_by_their_unit(report: Report) -> None:
    told = {key: kind for _, key, kind in columns_of(report.metric_set)}
    for column in report.columns:
        if column.unit == "fraction":
            assert told[column.key] == "percent"
            assert column.name.endswith("_fraction")
        if "amount" in column.key:
            assert column.kind is CellKind.DECIMAL
        assert (column.unit == "USD") == column.name.endswith("_usd")


@pytest.mark.parametrize("report", EACH)
def test_a_report_may_be_asked_as_documented(report: Report) -> None:
    reference = REFERENCE[report.metric_set]
    assert report.is_aggregated == reference["supports_aggregation"]
    assert set(report.filters) == {*reference["filters"]}
    required = [name for name, need in reference["filters"].items() if need == "required"]
    assert required == list(filter(None, [report.required_filter]))
    assert report.is_restated == reference["is_restated"]
    if reference["accepts_time_range"] is not None:
        assert report.takes_times == reference["accepts_time_range"]
    assert report.takes_times or not report.takes_only_times


@pytest.mark.parametrize("report", EACH)
def test_keys_anchors_and_buckets_are_columns_of_their_report(report: Report) -> None:
    keys = [column.key for column in report.columns]
    natural_key = [column_key(name) for name in REFERENCE[report.metric_set]["natural_key"] or ()]
    assert sorted(report.natural_key) == sorted(natural_key)
    if report.columns and report.metric_set != "ConversationSidekickExportReport":
        assert {*report.natural_key} <= {*keys}
    assert {*report.anchor} <= {*keys}
    kinds = {column.key: column.kind for column in report.columns}
    instants = {CellKind.TIMESTAMP, CellKind.BUCKET, CellKind.DATE}
    assert all(kinds[key] in instants for key in report.anchor)
    if report.is_aggregated:
        assert report.anchor == tuple(filter(None, [report.bucket]))
    else:
        assert CellKind.BUCKET not in kinds.values()


@pytest.mark.parametrize("report", EACH)
def test_only_rows_that_say_their_day_are_asked_for_by_several_days(report: Report) -> None:
    assert report.anchor or report.days_per_request == 1
    assert 1 <= report.days_per_request <= 31


def test_conversations_are_read_again_for_a_month_and_work_sessions_for_a_week() -> None:
    spans: dict[int, set[str]] = {}
    for report in ALL.values():
        spans.setdefault(report.trailing_days, set()).add(report.metric_set)
    assert spans[30] == {
        "ConversationExportReport",
        "ConversationSidekickExportReport",
        "ConversationSummaryReport",
        "FirstContactResolutionByAgentV2Report",
    }
    assert spans[7] == {name for name in ALL if "work" in name.lower()}
    assert set(spans) == {3, 7, 30}


def test_the_default_reports_are_the_newest_and_repeat_no_events() -> None:
    newest = {re.sub(r"V\d", "", name): name for name in sorted(REPORTS)}
    assert {*DEFAULT_REPORTS} <= {*newest.values()}
    assert {*DEFAULT_REPORTS}.isdisjoint(report.metric_set for report in TIMESTAMPS_REPORTS)
    families = {REPORTS[name].family for name in DEFAULT_REPORTS}
    assert families == {"agent", "contact", "conversation", "task", "topic", "work_session"}


def test_tables_are_named_after_their_report() -> None:
    assert REPORTS["ContactExportReportV3"].table == "report_contact_export_v3"
    assert REPORTS["AgentSummaryV2"].table == "report_agent_summary_v2"
    assert REPORTS["IVRExecutiveSummaryReportV2"].table == "report_ivr_executive_summary_v2"
    assert REPORTS["AbandonedCallsInIVRReport"].table == "report_abandoned_calls_in_ivr"
    assert len({table.name for table in REPORT_TABLES}) == len(REPORTS) + 1


@pytest.mark.parametrize("table", TABLES)
def test_names_are_plain_in_every_sql(table: TableSchema) -> None:
    for name in (table.name, *table.columns_by_name):
        assert re.fullmatch(r"_?[a-z]+(_[a-z0-9]+)*", name), name
        assert name not in RESERVED, f"{table.name}.{name}"
        assert len(name) <= LONGEST_NAME


@pytest.mark.parametrize("table", TABLES)
def test_everything_is_described(table: TableSchema) -> None:
    assert table.description.endswith(".")
    assert [c.name for c in table.columns if not c.description.endswith(".")] == []


def test_a_report_table_mirrors_its_windows() -> None:
    table = report_table(REPORTS["FirstContactResolutionByAgentV2Report"])
    assert table.parent == REPORT_WINDOWS.name
    assert table.root_key == REPORT_WINDOWS.key == ("window_id",)
    assert table.key == ("window_id", "position")
    kinds = {name: column.kind for name, column in table.columns_by_name.items()}
    assert kinds["last_closed_at_date"] is Kind.TEXT
    assert kinds["last_closed_at_date_starts_at"] is Kind.TIMESTAMP
    assert kinds["fcr_fraction"] is Kind.NUMBER


def test_work_sessions_are_a_table_of_their_own_with_a_key() -> None:
    assert WORK_SESSION_TABLE.key == ("contact_session_id", "agent_id")
    assert not WORK_SESSION_TABLE.parent
    columns = WORK_SESSION_TABLE.columns_by_name
    assert not any(columns[name].nullable for name in WORK_SESSION_TABLE.key)


def test_no_line_of_the_columns_is_for_an_unknown_report() -> None:
    assert {*load_columns()} <= {*ALL}


def test_reports_of_one_day_that_never_overlap_have_windows_of_their_own() -> None:
    first = window_id("IvrEndStatesReportV2", date(2024, 3, 1), "+15555550100")
    assert first == "IvrEndStatesReportV2 2024-03-01 +15555550100"
    assert window_id("IvrEndStatesReportV2", date(2024, 3, 1)) == "IvrEndStatesReportV2 2024-03-01"
