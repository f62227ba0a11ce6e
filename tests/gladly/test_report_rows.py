"""Reports to rows: no cell lost, no row lost or doubled, every day asked for has its window."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.gladly.report_rows import ReportRequest, ReportRowsParser, scan_report
from sources.gladly.report_types import REPORTS, Report
from sources.http.errors import RetryableError
from sources.streams.csv_records import BrokenRecord, CsvTable
from sources.tables.build import Lineage
from sources.tables.parquet import TableFiles
from sources.tables.parse import FileCounts
from tests.gladly.report_cells import missing_cells

MANY = settings(max_examples=300, derandomize=True, deadline=None)
NEW_YORK = "America/New_York"
FIRST = date(2024, 3, 1)
LINEAGE = Lineage(datetime(2024, 3, 9, 6, 0, tzinfo=UTC), "request-1", "report.csv")
CONTACTS = REPORTS["ContactExportReportV3"]
SUMMARY = REPORTS["ContactSummaryReportV2"]
AGENTS = REPORTS["AgentSummaryV2"]

Rows = list[dict[str, Any]]


def asked(
    report: Report, days: int = 1, level: str = "", timezone: str = NEW_YORK
) -> ReportRequest:
    last = FIRST + timedelta(days=days - 1)
    return ReportRequest(report.metric_set, FIRST, last, timezone, LINEAGE.extracted_at, level)


def parsed(
    report: Report, request: ReportRequest, *bodies: bytes
) -> tuple[list[FileCounts], Rows, Rows]:
    """Return the counts of each body, the windows and the rows."""
    parts = [(BytesIO(body), LINEAGE) for body in bodies]
    with TemporaryDirectory() as folder, TableFiles(Path(folder)) as files:
        counts = ReportRowsParser(report).parse_parts(parts, request, files)
        found = {file.table.name: pq.read_table(file.path).to_pylist() for file in files.finish()}
    return counts, found["report_windows"], found.get(report.table, [])


def as_csv(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    lines = [
        ",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in (header, *rows)
    ]
    return "".join(line + "\r\n" for line in lines).encode()


def contacts(*queued: str) -> bytes:
    return as_csv(["Queued At", "Contact ID"], [[at, str(n)] for n, at in enumerate(queued)])


def days_of(rows: Rows) -> list[str]:
    return [row["window_id"].removeprefix("ContactExportReportV3 ") for row in rows]


KNOWN = st.sampled_from([report for report in REPORTS.values() if report.columns])
CELLS = st.sampled_from(
    [
        "",
        "Null",
        "NULL",
        "0",
        "-7",
        "007",
        "1,200",
        "12.50",
        "0.1234567890123456789",
        "1e3",
        "NaN",
        "Yes",
        "maybe",
        "[MAIL, VOICE]",
        "[ ]",
        "A, B",
        "A,B,",
        "2024-03-01 09:00:00",
        "2024-03-02",
        "2024-02-01 00:00",
        "2024-03-01T09:00:00Z",
        "2024-03-02T09:00:00+05:30",
        "2024-11-03 01:30:00",
        "2024-03-10 02:30",
        "9999-12-31 23:59:59",
        "a\x00b",
    ]
) | st.text(st.characters(codec="utf-8"), max_size=6)
HEADERS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6).map(lambda name: f"x{name}")


@st.composite
def reports(draw: st.DrawFn) -> tuple[Report, ReportRequest, bytes]:
    """Draw any report with any cells: columns known or not, twice or not at all, broken rows."""
    report = draw(KNOWN)
    names = [column.key for column in report.columns]
    header = draw(st.lists(st.sampled_from(names) | HEADERS, min_size=1, max_size=5))
    header.insert(draw(st.integers(0, len(header))), draw(st.sampled_from(names)))
    widths = st.sampled_from([len(header)] * 9 + [len(header) + 1])
    rows = [
        draw(st.lists(CELLS, min_size=width, max_size=width))
        for width in draw(st.lists(widths, max_size=6))
    ]
    days = draw(st.integers(1, 3)) if report.anchor else 1
    level = draw(st.sampled_from(report.aggregation_levels or ("",)))
    request = asked(report, days, level, draw(st.sampled_from([NEW_YORK, "UTC"])))
    return report, request, as_csv(header, rows)


@MANY
@given(reports())
def test_every_cell_is_found_again_and_every_record_counts_once(
    drawn: tuple[Report, ReportRequest, bytes],
) -> None:
    report, request, body = drawn
    [counts], _, rows = parsed(report, request, body)
    table = CsvTable(BytesIO(body))
    records = list(table)
    whole = [record for record in records if not isinstance(record, BrokenRecord)]
    assert counts.lines == len(records) == counts.rows + counts.quarantined
    assert [row["_line"] for row in rows] == [record.line_number for record in whole]
    for record, row in zip(whole, rows, strict=True):
        cells = record.cells
        args = (report, table.header, table.keys, cells, row, request.timezone)
        assert missing_cells(*args) == []


@MANY
@given(reports())
def test_every_day_asked_for_has_one_window_that_counts_its_rows(
    drawn: tuple[Report, ReportRequest, bytes],
) -> None:
    report, request, body = drawn
    _, windows, rows = parsed(report, request, body)
    assert [window["report_day"] for window in windows] == [str(day) for day in request.days]
    for window in windows:
        own = [row["position"] for row in rows if row["window_id"] == window["window_id"]]
        assert own == [*range(1, window["rows"] + 1)]
    assert sum(window["rows"] for window in windows) == len(rows)


@MANY
@given(reports())
def test_a_scan_finds_the_rows_that_stand_against_their_own_word(
    drawn: tuple[Report, ReportRequest, bytes],
) -> None:
    report, request, body = drawn
    [counts], _, rows = parsed(report, request, body)
    scan = scan_report(report, BytesIO(body), request)
    assert scan.records == counts.lines
    if not request.is_one_window:
        assert scan.undated == sum('"_day' in (row["_extra"] or "") for row in rows)


def test_rows_stand_in_the_window_of_their_day_in_the_zone_of_the_report() -> None:
    body = contacts("2024-03-01 23:59:59", "2024-03-02 00:00:00", "2024-03-02T04:59:59Z")
    _, windows, rows = parsed(CONTACTS, asked(CONTACTS, 2), body)
    assert days_of(rows) == ["2024-03-01", "2024-03-02", "2024-03-01"]
    assert [window["day"].isoformat() for window in windows] == [
        "2024-03-01T05:00:00+00:00",
        "2024-03-02T05:00:00+00:00",
    ]


def test_times_are_local_to_the_zone_that_the_report_names_itself() -> None:
    names = ["Timezone Filter", "Queued At"]
    body = as_csv(names, [["America/Los_Angeles", "2024-03-01 22:30:00"]])
    _, _, [row] = parsed(CONTACTS, asked(CONTACTS, 2), body)
    assert row["queued_at"] == datetime(2024, 3, 2, 6, 30, tzinfo=UTC)
    assert row["window_id"].endswith("2024-03-02")
    unnamed = as_csv(names, [["Somewhere", "2024-03-01 22:30:00"]])
    _, _, [row] = parsed(CONTACTS, asked(CONTACTS, 2), unnamed)
    assert row["window_id"].endswith("2024-03-01")


def test_a_row_of_another_day_goes_to_the_nearest_and_says_so() -> None:
    body = contacts("2024-02-20 10:00:00", "2024-03-09 10:00:00", "sometime", "")
    _, _, rows = parsed(CONTACTS, asked(CONTACTS, 3), body)
    assert days_of(rows) == ["2024-03-01", "2024-03-03", "2024-03-01", "2024-03-01"]
    outside = '{"_day":"its time is outside of the days asked for"}'
    undated = '"_day":"its time is not known"}'
    assert [row["_extra"] for row in rows] == [
        outside,
        outside,
        '{"Queued At":"sometime",' + undated,
        "{" + undated,
    ]


def test_a_column_named_like_the_note_on_the_day_keeps_its_cell() -> None:
    body = as_csv(["Contact ID", "_day"], [["1", "Friday"]])
    _, _, [row] = parsed(CONTACTS, asked(CONTACTS, 2), body)
    assert row["_extra"] == '{"_day":"Friday","_day_2":"its time is not known"}'


def test_the_only_day_asked_for_has_every_row() -> None:
    body = contacts("2024-02-20 10:00:00", "", "2024-03-01 10:00:00")
    _, windows, rows = parsed(CONTACTS, asked(CONTACTS), body)
    assert days_of(rows) == ["2024-03-01"] * 3
    assert windows[0]["rows"] == 3


def test_days_without_rows_have_a_window_too() -> None:
    for body in (b"", b"\xef\xbb\xbf", b"\r\n\r\n", contacts()):
        [counts], windows, rows = parsed(CONTACTS, asked(CONTACTS, 3), body)
        assert (counts.lines, rows) == (0, [])
        assert [window["rows"] for window in windows] == [0, 0, 0]
        assert counts.rows_by_table == {"report_windows": 3}


def test_exact_duplicates_stay_apart_by_their_position() -> None:
    body = as_csv(["Queued At", "Contact ID"], [["2024-03-01 10:00:00", "1"]] * 3)
    _, _, rows = parsed(CONTACTS, asked(CONTACTS), body)
    assert [row["position"] for row in rows] == [1, 2, 3]


def test_columns_are_matched_by_key_and_unknown_or_repeated_ones_kept() -> None:
    header = ["QUEUED AT", "contact id!", "Sentiment", "Contact ID"]
    body = as_csv(header, [["2024-03-01 10:00:00", "a", "good", "b"]])
    _, _, [row] = parsed(CONTACTS, asked(CONTACTS), body)
    assert (row["contact_id"], row["status"]) == ("a", None)
    assert row["_extra"] == '{"Sentiment":"good","Contact ID":"b"}'


def test_several_bodies_of_one_report_are_one_window_each_day() -> None:
    times = [f"2024-03-0{1 + n % 2} 10:0{n}:00" for n in range(6)]
    request = asked(CONTACTS, 2)
    parts, windows, rows = parsed(CONTACTS, request, contacts(*times[:4]), contacts(*times[4:]))
    _, whole_windows, whole_rows = parsed(CONTACTS, request, contacts(*times))
    assert windows == whole_windows
    assert [row["window_id"] for row in rows] == [row["window_id"] for row in whole_rows]
    assert [row["position"] for row in rows] == [row["position"] for row in whole_rows]
    assert [counts.lines for counts in parts] == [4, 2]


def test_a_window_says_what_was_asked_for() -> None:
    request = replace(
        asked(SUMMARY, level="daily"), filters={"inboxes": ["inbox-1"]}, part="inbox-1"
    )
    _, [window], _ = parsed(SUMMARY, request, b"")
    assert window["window_id"] == "ContactSummaryReportV2 2024-03-01 inbox-1"
    assert window["timezone"] == NEW_YORK
    assert window["aggregation_level"] == "daily"
    assert window["filters"] == '{"inboxes":["inbox-1"]}'
    assert window["requested_at"] == LINEAGE.extracted_at


CLOCK_CHANGE = date(2024, 11, 3)


def summary_instants(level: str, *buckets: str) -> list[str]:
    request = replace(asked(SUMMARY, level=level), first_day=CLOCK_CHANGE, last_day=CLOCK_CHANGE)
    body = as_csv(["Ended At Date", "Contacts Ended"], [[bucket, "1"] for bucket in buckets])
    _, _, rows = parsed(SUMMARY, request, body)
    assert [row["ended_at_date_local"] for row in rows] == [*buckets]
    assert [row["_extra"] for row in rows] == [None] * len(rows)
    return [row["ended_at_date"].strftime("%H:%M") for row in rows]


def test_half_hours_of_the_repeated_hour_are_told_apart_by_their_order() -> None:
    buckets = ["2024-11-03 01:00:00", "2024-11-03 01:30:00"]
    assert summary_instants("halfHourly", *buckets, *buckets, "2024-11-03 02:00:00") == [
        "05:00",
        "05:30",
        "06:00",
        "06:30",
        "07:00",
    ]


def test_a_half_hour_that_stands_alone_is_taken_for_the_first_pass() -> None:
    assert summary_instants("halfHourly", "2024-11-03 01:30:00") == ["05:30"]


def test_longer_buckets_begin_with_the_first_pass_however_often_they_stand() -> None:
    assert summary_instants("daily", *["2024-11-03 01:00:00"] * 2) == ["05:00", "05:00"]


def test_half_hours_of_different_agents_do_not_count_as_one_another() -> None:
    request = replace(
        asked(AGENTS, level="halfHourly"), first_day=CLOCK_CHANGE, last_day=CLOCK_CHANGE
    )
    names = ["Bucket Beginning", "Agent ID"]
    body = as_csv(names, [["2024-11-03 01:00:00", agent] for agent in ("a", "b", "a")])
    _, _, rows = parsed(AGENTS, request, body)
    assert [row["bucket_beginning"].hour for row in rows] == [5, 5, 6]


def test_the_end_of_a_half_hour_tells_its_pass() -> None:
    request = replace(
        asked(AGENTS, level="halfHourly"), first_day=CLOCK_CHANGE, last_day=CLOCK_CHANGE
    )
    ends = [("01:30", "02:00"), ("01:30", "01:00")]
    body = as_csv(
        ["Bucket Beginning", "Bucket End", "Agent ID"],
        [[f"2024-11-03 {begin}:00", f"2024-11-03 {end}:00", "a"] for begin, end in ends],
    )
    _, _, rows = parsed(AGENTS, request, body)
    spans = [(f"{r['bucket_beginning']:%H:%M}", f"{r['bucket_end']:%H:%M}") for r in rows]
    assert spans == [("06:30", "07:00"), ("05:30", "06:00")]


def test_a_date_bucket_is_its_text_and_the_start_of_its_day() -> None:
    report = REPORTS["FirstContactResolutionByAgentV2Report"]
    body = as_csv(["Last Closed At Date", "FCR %"], [["2024-03-02", "0.25"]])
    _, _, [row] = parsed(report, asked(report, 2, "daily"), body)
    assert row["window_id"].endswith("2024-03-02")
    assert row["last_closed_at_date"] == "2024-03-02"
    assert row["last_closed_at_date_starts_at"] == datetime(2024, 3, 2, 5, tzinfo=UTC)
    assert row["fcr_fraction"] == 0.25


def test_an_open_work_session_belongs_to_the_day_it_began() -> None:
    report = REPORTS["WorkSessionEventsReportV4"]
    names = ["contact_session_id", "contact_session_created_at", "contact_session_ended_at"]
    began = "2024-03-01T10:00:00Z"
    body = as_csv(names, [["1", began, "2024-03-02T10:00:00Z"], ["2", began, ""]])
    _, _, rows = parsed(report, asked(report, 2, timezone="UTC"), body)
    assert [row["window_id"][-2:] for row in rows] == ["02", "01"]


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html>\n<html>",
        b'\xef\xbb\xbf {"errors": []}',
        b"[]",
        b"Internal Server Error",
        b"upstream connect error, reset before headers\n",
        b"Queued \xff,Contact ID\n1,2\n",
        b'"Queued At,Contact ID\n2024-03-01,1\n',
        b"Colour,Size,Price\nred,1,2\n",
    ],
)
def test_a_body_that_is_no_report_is_refused_and_empties_nothing(body: bytes) -> None:
    with (
        TemporaryDirectory() as folder,
        TableFiles(Path(folder)) as files,
        pytest.raises(RetryableError, match="ContactExportReportV3 of 2024-03-01 to 2024-03-01"),
    ):
        ReportRowsParser(CONTACTS).parse(BytesIO(body), asked(CONTACTS), LINEAGE, files)
    assert files.finish() == []


def test_a_report_whose_columns_nobody_published_is_taken_as_it_is() -> None:
    report = REPORTS["TopicSummaryReport"]
    body = as_csv(["Topic", "Conversations"], [["Delivery", "7"]])
    _, _, [row] = parsed(report, asked(report), body)
    assert row["_extra"] == '{"Topic":"Delivery","Conversations":"7"}'
    with pytest.raises(RetryableError, match="TopicSummaryReport"):
        parsed(report, asked(report), b"Service Unavailable\n")


def test_several_days_of_rows_without_a_day_are_refused() -> None:
    report = REPORTS["TopicSummaryReport"]
    with pytest.raises(ValueError, match="ask for one day at a time"):
        parsed(report, asked(report, 2), b"")


def test_progress_is_told_in_records_and_bytes() -> None:
    told: list[tuple[int, int]] = []
    body = b"Queued At,Contact ID\n2024-03-01 10:00:00,1\nbroken\n"
    with TemporaryDirectory() as folder, TableFiles(Path(folder)) as files:
        ReportRowsParser(CONTACTS).parse(
            BytesIO(body), asked(CONTACTS), LINEAGE, files, lambda *part: told.append(part)
        )
    assert told == [(2, 27)]
