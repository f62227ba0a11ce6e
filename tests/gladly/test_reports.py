"""Reports are asked for in whole UTC days, fetched whole or not at all, and never silently cut."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.gladly.reports import (
    SUSPECT_ROWS,
    DaySpan,
    FetchedReport,
    fetch_report,
    halves,
    report_budget,
    report_request,
    spans_to_ask_again,
)
from sources.http.budget import RateBudget
from sources.http.client import ApiClient
from sources.http.errors import GiveUpError, RetryableError, TruncatedError, UnsafeError
from sources.http.retry import RetryPolicy

MANY = settings(max_examples=300, derandomize=True, deadline=None)
REPORT = "ConversationTimestampsReport"
FIRST, LAST = date(2024, 2, 28), date(2024, 3, 1)
BODY = b"Timestamp,Event Type\r\n2024-02-29T10:00:00.000Z,NOTE/CREATED\r\n"
ASKED = {
    "metricSet": REPORT,
    "timezone": "UTC",
    "startAt": "2024-02-28",
    "endAt": "2024-03-01",
}
SPANS = st.builds(
    lambda start, days: DaySpan(start, start + timedelta(days=days)),
    st.dates(date(2024, 1, 1), date(2024, 12, 31)),
    st.integers(0, 400),
)


class Answer(NamedTuple):
    status: int
    body: bytes
    length: int | None = -1  # -1: the body's; None: not told
    content_type: str | None = "text/csv"


class Server(NamedTuple):
    url: str
    documents: list[object]
    paths: list[str]


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start a server that gives each answer once, then the last one for ever."""
    with ExitStack() as stack:

        def start(*answers: Answer) -> Server:
            left, documents, paths = list(answers), list[object](), list[str]()

            class Handler(BaseHTTPRequestHandler):
                def do_POST(self) -> None:
                    size = int(self.headers["Content-Length"])
                    documents.append(json.loads(self.rfile.read(size)))
                    paths.append(self.path)
                    answer = left.pop(0) if len(left) > 1 else left[0]
                    status, body, length, content_type = answer
                    self.send_response(status)
                    if content_type is not None:
                        self.send_header("Content-Type", content_type)
                    if length is not None:
                        told = len(body) if length == -1 else length
                        self.send_header("Content-Length", str(told))
                    self.end_headers()
                    self.wfile.write(body)

                def date_time_string(self, timestamp: float | None = None) -> str:
                    del timestamp
                    return "Fri, 01 Mar 2024 12:00:00 GMT"

                def log_message(self, *_: object) -> None:
                    """Say nothing."""

            server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return Server(f"http://127.0.0.1:{server.server_address[1]}", documents, paths)

        yield start


Serve = Callable[..., Server]


def fetch(url: str, target: Path, attempts: int = 3, max_bytes: int = 1000) -> FetchedReport:
    retry = RetryPolicy(attempts=attempts)
    budget = RateBudget(1000)
    with ApiClient(
        url,
        "api@example.com",
        "synthetic-token",
        budget=budget,
        retry=retry,
        sleep=lambda _seconds: None,
    ) as client:
        return fetch_report(client, budget, target, REPORT, FIRST, LAST, max_bytes=max_bytes)


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def test_the_days_are_asked_for_in_utc() -> None:
    assert report_request(REPORT, FIRST, LAST) == ASKED


@pytest.mark.parametrize("body", [BODY, b"", b"\r\n"], ids=["rows", "empty", "a blank line"])
def test_a_report_is_kept_as_it_came(serve: Serve, tmp_path: Path, body: bytes) -> None:
    server = serve(Answer(200, body))
    target = tmp_path / "raw" / "report.csv"
    fetched = fetch(server.url, target)
    assert (server.paths, server.documents) == (["/api/v1/reports"], [ASKED])
    assert target.read_bytes() == body
    assert files_in(tmp_path) == ["raw", "report.csv"]
    assert (fetched.path, fetched.bytes) == (target, len(body))
    assert fetched.sha256 == hashlib.sha256(body).hexdigest()


def test_a_report_that_ends_within_a_line_is_asked_for_again(serve: Serve, tmp_path: Path) -> None:
    cut = BODY.rstrip().rpartition(b",")[0]
    server = serve(Answer(200, cut), Answer(200, cut), Answer(200, BODY))
    assert fetch(server.url, tmp_path / "report.csv").bytes == len(BODY)


def test_a_report_without_a_last_line_break_is_believed_the_second_time(
    serve: Serve, tmp_path: Path
) -> None:
    first, line = BODY.rstrip(), BODY.split(b"\n")[1]
    # the day still changes
    second = BODY + line.rstrip()
    server = serve(Answer(200, first), Answer(200, second))
    fetch(server.url, tmp_path / "report.csv", max_bytes=2000)
    assert (tmp_path / "report.csv").read_bytes() == second
    assert len(server.documents) == 2


@pytest.mark.parametrize(
    "passing",
    [
        Answer(503, b""),
        Answer(200, b"<!DOCTYPE html><html></html>"),
        Answer(200, b'{"errors": [{"detail": "try later"}]}'),
        Answer(200, BODY[:-5], len(BODY)),
        Answer(200, BODY, None),
        Answer(200, b"", content_type=None),
        Answer(200, b"", content_type="text/plain"),
    ],
    ids=[
        "503",
        "web page",
        "JSON",
        "cut on the way",
        "end not marked",
        "nothing",
        "nothing, of another type",
    ],
)
def test_what_is_no_whole_report_is_asked_for_again(
    serve: Serve, tmp_path: Path, passing: Answer
) -> None:
    server = serve(passing, passing, Answer(200, BODY))
    assert fetch(server.url, tmp_path / "report.csv").bytes == len(BODY)
    assert len(server.documents) == 3


@pytest.mark.parametrize(
    ("lasting", "error", "requests"),
    [
        (Answer(503, b""), RetryableError, 3),
        (Answer(200, b"<html>"), RetryableError, 3),
        (Answer(200, BODY, None), TruncatedError, 3),
        (Answer(200, BODY, len(BODY) + 1), TruncatedError, 3),
        (Answer(400, b'{"errors": [{"code": "invalid"}]}'), GiveUpError, 1),
        (Answer(200, b"x" * 1001), UnsafeError, 1),
    ],
    ids=["503", "web page", "end not marked", "cut on the way", "refused", "too large"],
)
def test_what_lasts_ends_after_the_attempts_of_the_policy_and_leaves_no_file(
    serve: Serve, tmp_path: Path, lasting: Answer, error: type[Exception], requests: int
) -> None:
    server = serve(lasting)
    with pytest.raises(error):
        fetch(server.url, tmp_path / "report.csv")
    assert len(server.documents) == requests
    assert files_in(tmp_path) == []


def test_a_folder_that_refuses_is_explained(serve: Serve, tmp_path: Path) -> None:
    server = serve(Answer(200, BODY))
    (tmp_path / "raw").write_text("a file, not a folder")
    with pytest.raises(GiveUpError, match="Could not write"):
        fetch(server.url, tmp_path / "raw" / "report.csv")
    assert files_in(tmp_path) == ["raw"]


@pytest.mark.parametrize("per_minute", [1, 8, 10])
def test_a_minute_holds_as_many_reports_as_we_may_ask_for(per_minute: int) -> None:
    now = [0.0]
    budget = report_budget(
        per_minute, clock=lambda: now[0], sleep=lambda wait: now.append(now.pop() + wait)
    )
    starts = []
    for _ in range(2 * per_minute):
        with budget.slot():
            starts.append(now[0])
    assert starts == pytest.approx([0.0] * per_minute + [62.4] * per_minute)


@MANY
@given(span=SPANS.filter(lambda span: span.first_day < span.last_day))
def test_halves_hold_every_day_once(span: DaySpan) -> None:
    first, second = halves(span)
    assert days_of(first) + days_of(second) == days_of(span)
    assert 0 <= len(days_of(first)) - len(days_of(second)) <= 1


@MANY
@given(span=SPANS, busy=st.sets(st.dates(date(2024, 1, 1), date(2025, 12, 31)), max_size=5))
def test_asking_again_ends_with_whole_spans_that_hold_every_day_once(
    span: DaySpan, busy: set[date]
) -> None:
    """A busy day has half of the rows that are suspect: no two of them fit one report."""
    whole, left = [], [span]
    while left:
        asked = left.pop()
        rows = sum(SUSPECT_ROWS // 2 for day in busy if asked.first_day <= day <= asked.last_day)
        again = spans_to_ask_again(REPORT, asked, rows)
        left += again
        whole += [] if again else [asked]
    assert sorted(day for part in whole for day in days_of(part)) == days_of(span)
    assert all(len(busy & {*days_of(part)}) <= 1 for part in whole)


def test_a_day_with_too_many_rows_is_an_error_that_says_what_to_do() -> None:
    day = DaySpan(FIRST, FIRST)
    assert spans_to_ask_again(REPORT, day, SUSPECT_ROWS - 1) == ()
    with pytest.raises(
        TruncatedError, match=r"2024-02-28 came with 90,000 rows.*Ask Gladly Support"
    ):
        spans_to_ask_again(REPORT, day, SUSPECT_ROWS)


def test_one_day_has_no_halves() -> None:
    with pytest.raises(ValueError, match="no halves"):
        halves(DaySpan(FIRST, FIRST))


def days_of(span: DaySpan) -> list[date]:
    count = (span.last_day - span.first_day).days + 1
    return [span.first_day + timedelta(days=number) for number in range(count)]
