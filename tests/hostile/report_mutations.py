"""Every column of a golden report, and every way in which its cells and its header may change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO

from sources.streams.csv_records import BrokenRecord, CsvTable
from tests.golden.report_pairs import ReportPair

Cells = tuple[str, ...]
Table = list[Cells]

# what a cell may hold instead of what is usual, whatever its column is
CELLS = (
    *("", " ", "Null", "NULL", "null", "None", "N/A", "a text", " padded ", "-"),
    *("0", "-7", "007", "7.0", "+7", "1,200", "12.50", "$12.50", "50%", "1e3", "1e400", "NaN"),
    *("Infinity", str(2**64 + 1), "-9223372036854775809", f"0.{'1234567890' * 4}", "0x1F", "1_000"),
    *("true", "Yes", "maybe", "[MAIL, VOICE]", "[ ]", "[]", "[", "A, B", "A,B,", ",", '{"in": 1}'),
    *('say "hello"', '"', "two\r\nlines", "\n", "\r", "\t", "a\u2028b\u2029c\u0085d", "a\0b"),
    *(
        "\ufeff",
        "\U0001f600",
        "\u0661\u0662",
        "=1+1",
        "'; DROP TABLE load_files; --",
        "long" * 5_000,
    ),
    *("2024-03-01", "2024-02-30", "2024-03-01 09:00", "2024-03-01 09:00:00", "0001-01-01"),
    *("2024-03-01T09:00:00Z", "2024-03-01T09:00:00.123456789Z", "2024-03-02T09:00:00+05:30"),
    *("2024-03-10 02:30:00", "2024-11-03 01:30:00", "9999-12-31 23:59:59", "09:00", "03/01/2024"),
)


def golden_table(pair: ReportPair) -> Table:
    """Return the header and the whole rows of a report, made up where its columns are not known."""
    if not pair.report.columns:
        return [("Topic", "Conversations"), ("Delivery", "7"), ("Returns", "8")]
    table = CsvTable(BytesIO(pair.input_path.read_bytes()))
    return [table.header, *(row.cells for row in table if not isinstance(row, BrokenRecord))]


def written(table: Table, *, quote: bool = True, end: str = "\r\n") -> bytes:
    """Return a table as CSV."""
    lines = [",".join(_cell(cell) if quote else cell for cell in row) for row in table]
    return "".join(line + end for line in lines).encode()


def with_cells(table: Table, place: int, cells: Sequence[str]) -> Table:
    """Return a table of one row for each cell, which stands in the column at ``place``."""
    header, row, *_ = table
    return [header, *((*row[:place], cell, *row[place + 1 :]) for cell in cells)]


def _cell(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def _renamed(name: str) -> Callable[[Table, int], Table]:
    def change(table: Table, place: int) -> Table:
        header = list(table[0])
        header[place] = name.format(header[place])
        return [tuple(header), *table[1:]]

    return change


def _cased(case: Callable[[str], str]) -> Callable[[Table, int], Table]:
    return lambda table, _: [tuple(map(case, table[0])), *table[1:]]


def _without(table: Table, place: int) -> Table:
    return [row[:place] + row[place + 1 :] for row in table]


def _with_extra(table: Table, place: int) -> Table:
    cells = ("Announced By Nobody", *("new" for _ in table[1:]))
    return [(*row[:place], cell, *row[place:]) for row, cell in zip(table, cells, strict=True)]


def _twice(table: Table, place: int) -> Table:
    return [(*row, row[place] if row is table[0] else f"{row[place]}, again") for row in table]


# how the header may change around a column; what was in that column must be found again
HEADERS: dict[str, Callable[[Table, int], Table]] = {
    "missing column": _without,
    "extra column": _with_extra,
    "column twice": _twice,
    "renamed column": _renamed("{} (new)"),
    "nameless column": _renamed(""),
    "column with a line end": _renamed("{}\nsecond line"),
    "column with a quote": _renamed('"{}"'),
    "column with U+0000": _renamed("{}\0"),
    "column named as ours": _renamed("_extra"),
    "reordered": lambda table, place: [row[place:] + row[:place] for row in table],
    "upper case": _cased(str.upper),
    "lower case": _cased(str.lower),
    "padded": _cased(lambda name: f" {name} "),
}
