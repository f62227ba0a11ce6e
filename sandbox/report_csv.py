"""A report as the file a client gets, and the ways real ones are odd."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import nsmallest
from random import Random
from typing import Any

from sandbox.report_padding import PaddedDay
from sandbox.reports import MetricSet

_BYTE_ORDER_MARK = "\ufeff"
_LINE_END = "\r\n"
WORK_SESSION_EVENTS = "work-session-events"
_VALUE_OF_EXTRA_COLUMN = "something new"


@dataclass(slots=True)
class ReportOddities:
    """How the reports of a sandbox look; a change counts from the next request on.

    Attributes:
        byte_order_mark: Whether a file begins with U+FEFF.
        blank_lines_before_header: Empty lines between the beginning and the header.
        empty_body_when_no_rows: Whether a report without rows has no header either.
        extra_column: The name of a last column that no list of columns knows.
        row_cap: Beyond so many rows, rows from anywhere in the window are missing silently.
        pad_rows: Crowded days by metric set, for those of contacts, work sessions, conversations
            and tasks; WORK_SESSION_EVENTS stands for the endpoint of work sessions.
    """

    byte_order_mark: bool = False
    blank_lines_before_header: int = 0
    empty_body_when_no_rows: bool = False
    extra_column: str | None = None
    row_cap: int = 100_000
    pad_rows: dict[str, PaddedDay] = field(default_factory=dict)


def _shuffled_and_cut(records: Iterable[Any], seed: str, row_cap: int) -> list[Any]:
    """Return at most `row_cap` of `records`, holding no more of them; same seed, same order."""
    random = Random(seed)  # noqa: S311 - must repeat, not be secret
    return nsmallest(row_cap, records, key=lambda _: random.random())


def report_csv(
    metric_set: MetricSet[Any], records: Iterable[Any], seed: str, oddities: ReportOddities
) -> bytes:
    r"""Return the report: UTF-8, `\r\n` line ends, quotes where needed, rows in no order.

    Args:
        metric_set: Its columns make the header and the cells.
        records: One row each.
        seed: Another seed brings another order of the rows, and cuts others off.
        oddities: How the file differs from a plain one.
    """
    kept = _shuffled_and_cut(records, seed, oddities.row_cap)
    extra_name = [] if oddities.extra_column is None else [oddities.extra_column]
    extra_value = [_VALUE_OF_EXTRA_COLUMN] * len(extra_name)
    file = io.StringIO(newline="")
    if oddities.byte_order_mark:
        file.write(_BYTE_ORDER_MARK)
    file.write(_LINE_END * oddities.blank_lines_before_header)
    lines = csv.writer(file, lineterminator=_LINE_END)
    if kept or not oddities.empty_body_when_no_rows:
        lines.writerow([*metric_set.columns, *extra_name])
    cells = list(metric_set.columns.values())
    lines.writerows([*(cell(record) for cell in cells), *extra_value] for record in kept)
    return file.getvalue().encode()
