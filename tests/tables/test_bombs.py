"""A line or a cell that does not end costs bounded memory, and is quarantined."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sources.streams.csv_records import MAX_RECORD_BYTES
from sources.streams.lines import CHUNK_BYTES, MAX_LINE_BYTES
from tests.memory import growth

MB = 1_000_000
HEADER = b"Queued At,Contact ID\r\n"
# a line at its bound is held, with the block that continues it, and put together
LINE_BOUND = 3 * MAX_LINE_BYTES
SPAN_BOUND = 5 * CHUNK_BYTES
RECORD_BOUND = 2 * MAX_RECORD_BYTES + 3 * CHUNK_BYTES
# the work and its bound, how the file begins, and what then comes again and again
ENDLESS = {
    "a line": ("lines", LINE_BOUND, b'{"id": "a", "text": "', b"x"),
    "a line of lists": ("lines", LINE_BOUND, b"", b"["),
    "a line cut into spans": ("spans", SPAN_BOUND, b'{"id": "a", "text": "', b"x"),
    "a quoted cell": ("report", RECORD_BOUND, HEADER + b'2024-03-01,"', b"x"),
    "a plain cell": ("report", RECORD_BOUND, HEADER + b"2024-03-01,", b"x"),
    "a cell of quotes": ("report", RECORD_BOUND, HEADER + b'2024-03-01,"', b'"'),
    "a record of cells": ("report", RECORD_BOUND, HEADER, b","),
}
SHORT = ("a line", "a line cut into spans", "a quoted cell")
CASES = [pytest.param(what, 100 * MB, id=what) for what in SHORT] + [
    pytest.param(what, 1000 * MB, id=f"{what}, ten times as long", marks=pytest.mark.slow)
    for what in ENDLESS
]


def endless(path: Path, beginning: bytes, unit: bytes, size: int) -> Path:
    """Write a file of about `size` bytes: a beginning, and one line that goes on to its end."""
    with path.open("wb") as file:
        file.write(beginning)
        for _ in range(size // MB):
            file.write(unit * MB)
    return path


@pytest.mark.parametrize(("what", "size"), CASES)
def test_what_never_ends_costs_bounded_memory(
    tmp_path: Path, what: str, size: int, show_figures: Callable[[str], None]
) -> None:
    work, bound, beginning, unit = ENDLESS[what]
    small = tmp_path / "small"
    small.write_bytes(beginning + unit + b"\n")
    grown = growth(work, small, endless(tmp_path / "large", beginning, unit, size))
    show_figures(f"22  {what} of {size // MB:,} MB: {grown / MB:.1f} MB of memory")
    assert grown < bound
