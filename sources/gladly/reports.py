"""Asking Gladly for a report, and fetching it whole into the raw archive.

Source: Gladly API reference, Generate a Report. A report is a CSV file for whole days, both the
first and the last included. Its rows are about an hour behind. Where it would have near 100,000
rows it is cut without a word, so spans that come close are asked for again in halves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

from sources.http.budget import RateBudget
from sources.http.client import DEFAULT_BODY_BYTES, ApiClient
from sources.http.download import check_emptiness_is_meant, check_end_is_marked
from sources.http.errors import TruncatedError
from sources.http.files import write_whole_file
from sources.http.replies import Reply
from sources.streams.csv_records import BrokenRecord, CsvRecord, CsvTable, check_is_csv

REPORTS_PATH: Final = "/api/v1/reports"

# Gladly API reference, Generate a Report: for the whole organisation.
REPORTS_PER_MINUTE: Final = 10
REPORTS_AT_ONCE: Final = 2
# Gladly help, Ingest raw event data: rows appear in reports this much later.
REPORT_DELAY: Final = timedelta(hours=1)
# Rows beyond about 100,000 are left out silently; where exactly is not documented.
ROW_CAP: Final = 100_000
SUSPECT_ROWS: Final = 90_000

_DAY: Final = timedelta(days=1)
_HEAD_BYTES: Final = 1024
_CONTENT_TYPE: Final = "text/csv"
_LINE_ENDS: Final = (b"\n", b"\r")


class DaySpan(NamedTuple):
    """Whole days in UTC: the first and the last are both inside."""

    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class FetchedReport:
    """A report that is whole and safely on disk.

    Args:
        path: where it is.
        bytes: its size.
        sha256: of its content, hexadecimal.
        seconds: how long it took to get it, waits for the rate budget included.
    """

    path: Path
    bytes: int
    sha256: str
    seconds: float


def report_budget(
    per_minute: int = REPORTS_PER_MINUTE,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> RateBudget:
    """Return the budget all requests for reports must pass: ``per_minute``, two at once.

    Reports have a limit of their own, so the headers about requests a second say nothing of it.
    """
    return RateBudget(
        per_minute,
        60.0,
        share=1.0,
        concurrent=REPORTS_AT_ONCE,
        headers=None,
        clock=clock,
        sleep=sleep,
    )


def report_request(
    metric_set: str, first_day: date, last_day: date, timezone: str = "UTC"
) -> dict[str, str]:
    """Return the body that asks for a report of whole days, both of them inside.

    The time zone is always named: the organisation's own would make the same days other hours.
    """
    return {
        "metricSet": metric_set,
        "timezone": timezone,
        "startAt": first_day.isoformat(),
        "endAt": last_day.isoformat(),
    }


def fetch_report(
    client: ApiClient,
    budget: RateBudget,
    target: Path,
    metric_set: str,
    first_day: date,
    last_day: date,
    *,
    max_bytes: int = DEFAULT_BODY_BYTES,
) -> FetchedReport:
    """Fetch one report to ``target``, which appears only once the file is whole.

    A cut on the way is noticed. A CSV has no mark of its end, so one that was cut before it left
    Gladly may show in its last line only: where no line break ends that, the report is asked for
    again (see `_check_last_line`). An empty body that calls itself CSV is a report without rows.

    Args:
        client: sends the credentials; its retry policy counts.
        budget: see `report_budget`.
        target: the final name; an existing file is replaced.
        metric_set: such as ConversationTimestampsReport.
        first_day: in UTC.
        last_day: in UTC, included.
        max_bytes: bound on the decoded size, which is also held in memory.

    Raises:
        RetryableError: a passing fault outlasted the retry policy, or what came is no CSV.
        TruncatedError: cut in every attempt.
        GiveUpError: Gladly refuses the request, or the disk is full or refuses.
        UnsafeError: larger than ``max_bytes``.
    """
    request = report_request(metric_set, first_day, last_day)
    what = f"{metric_set}, {first_day} to {last_day}"
    return fetch_csv(client, budget, target, REPORTS_PATH, request, what, max_bytes=max_bytes)


def fetch_csv(
    client: ApiClient,
    budget: RateBudget,
    target: Path,
    path: str,
    document: Mapping[str, Any],
    what: str,
    *,
    max_bytes: int = DEFAULT_BODY_BYTES,
) -> FetchedReport:
    """Fetch what Gladly answers to one request for a report, as `fetch_report` does.

    Args:
        client: sends the credentials; its retry policy counts.
        budget: see `report_budget`.
        target: the final name; an existing file is replaced.
        path: below the base URL.
        document: the body of the request.
        what: names the request in errors.
        max_bytes: bound on the decoded size, which is also held in memory.

    Raises:
        HelpdeskError: as `fetch_report`.
    """
    where = f"POST {path} ({what})"

    without_last_line_end = count(1)

    def once() -> Reply:
        reply = client.request_once(
            "POST",
            path,
            document=document,
            budget=budget,
            max_bytes=max_bytes,
            as_json=False,
        )
        check_end_is_marked(reply.headers, where)
        check_emptiness_is_meant(reply.headers, len(reply.body), _CONTENT_TYPE, where)
        check_is_csv(reply.body[:_HEAD_BYTES], where)
        _check_last_line(reply.body, without_last_line_end, where)
        return reply

    began = time.monotonic()
    reply = client.retrying(once)
    written = write_whole_file(target, [reply.body])
    seconds = time.monotonic() - began
    return FetchedReport(target, written.size, written.sha256, seconds)


def _check_last_line(body: bytes, without_last_line_end: Iterator[int], where: str) -> None:
    """Refuse a body that ends within a line, unless its record is whole and it is not the first.

    A server that ends no last line does so in every answer; one that was cut, in this one. Days
    that still change are answered differently each time, so the answers need not be equal.

    Args:
        body: what came.
        without_last_line_end: counts the answers that could be whole but for the line's end.
        where: names the request in errors.

    Raises:
        TruncatedError: it may be cut.
    """
    if not body or body.endswith(_LINE_ENDS):
        return
    if not _last_record_is_whole(body) or next(without_last_line_end) == 1:
        raise TruncatedError(
            f"{where} answered {len(body)} bytes that end within a line, so they may be cut. Run "
            "again; if it persists, the report is incomplete at the source."
        )


def _last_record_is_whole(body: bytes) -> bool:
    """Return whether a CSV text ends with as many cells as its header has, quotes closed."""
    last: CsvRecord | BrokenRecord | None = None
    for last in CsvTable(BytesIO(body)):  # noqa: B007 - the last one is looked at
        pass
    return not isinstance(last, BrokenRecord)


def halves(span: DaySpan) -> tuple[DaySpan, DaySpan]:
    """Return the two halves of a span of two days or more; the first is the longer one, if any.

    span   [1st to 5th                    ]
    halves [1st to 3rd      ][4th to 5th  ]
    """
    middle = span.first_day + (span.last_day - span.first_day) // _DAY // 2 * _DAY
    if middle == span.last_day:
        raise ValueError("One day has no halves.")
    return DaySpan(span.first_day, middle), DaySpan(middle + _DAY, span.last_day)


def spans_to_ask_again(metric_set: str, span: DaySpan, rows: int) -> tuple[DaySpan, ...]:
    """Return the spans to fetch instead of one that may have been cut; none if it is whole.

    Args:
        metric_set: for the message.
        span: what was asked for.
        rows: how many rows came; from ``SUSPECT_ROWS`` on some may be missing.

    Raises:
        TruncatedError: it is a single day, which Gladly cannot halve.
    """
    if rows < SUSPECT_ROWS:
        return ()
    if span.first_day == span.last_day:
        raise TruncatedError(
            f"{metric_set} of {span.first_day} came with {rows:,} rows. Gladly cuts reports "
            f"silently near {ROW_CAP:,} rows and takes no span below a day, so rows of that day "
            "may be missing. Ask Gladly Support for this report of that day as a whole."
        )
    return halves(span)
