"""Whatever a report holds in a cell, or calls a column, no cell of it is lost.

Each cell of each golden report is replaced by each odd one, and each header changed in each way.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq
import pytest

from sources.gladly.report_rows import ReportRowsParser
from sources.gladly.report_types import REPORTS
from sources.gladly.work_sessions import WorkSessionParser
from sources.http.errors import RetryableError
from sources.streams.csv_records import BrokenRecord, CsvTable
from sources.tables.parquet import TableFiles
from sources.tables.parse import FileCounts
from tests.gladly.report_cells import missing_cells
from tests.golden.pairs import Tables
from tests.golden.report_pairs import ENDPOINT, LINEAGE, ReportPair, report_pairs
from tests.hostile.report_mutations import (
    CELLS,
    HEADERS,
    Table,
    golden_table,
    with_cells,
    written,
)

# all that have columns have a golden report; of the others nobody published any
EVERY_REPORT = [
    *(pair for pair in report_pairs() if pair.name.endswith(".usual")),
    *(ReportPair(f"{each.table}.unpublished") for each in REPORTS.values() if not each.columns),
]


def parsed(pair: ReportPair, body: bytes) -> tuple[FileCounts, Tables]:
    with TemporaryDirectory() as folder, TableFiles(Path(folder)) as files:
        if pair.table == ENDPOINT:
            counts = WorkSessionParser().parse(BytesIO(body), LINEAGE, files)
        else:
            parser = ReportRowsParser(pair.report)
            counts = parser.parse(BytesIO(body), pair.request, LINEAGE, files)
        found = {file.table.name: pq.read_table(file.path).to_pylist() for file in files.finish()}
    return counts, found


def problems_of(pair: ReportPair, body: bytes) -> Iterator[str]:
    """Yield what is wrong with the rows of a body."""
    counts, tables = parsed(pair, body)
    table = CsvTable(BytesIO(body))
    records = list(table)
    rows = {row["_line"]: row for row in tables.get(pair.table, [])}
    bad = {row["line_number"] for row in tables.get("quarantined_lines", [])}
    if not counts.lines == len(records) == counts.rows + counts.quarantined:
        yield f"{len(records)} records: {counts}"
    if (len(rows) + counts.superseded, len(bad)) != (counts.rows, counts.quarantined):
        yield f"{len(rows)} rows and {len(bad)} in quarantine: {counts}"
    if counts.extra_by_table[pair.table] < sum(bool(row["_extra"]) for row in rows.values()):
        yield f"{counts.extra_by_table} rows are told to hold something new"
    for record in records:
        if isinstance(record, BrokenRecord) or record.line_number in bad:
            continue
        row = rows.get(record.line_number)
        if row is not None:
            zone = "UTC" if pair.table == ENDPOINT else pair.request.timezone
            cells = (table.header, table.keys, record.cells)
            lost = missing_cells(pair.report, *cells, row, zone)
            yield from (f"line {record.line_number}: {name} is lost" for name in lost)
        elif pair.table != ENDPOINT:
            yield f"line {record.line_number} is nowhere"


def cell_mutations(pair: ReportPair) -> Iterator[tuple[str, bytes, int]]:
    """Yield bodies in which one column holds odd cells, with a name and the number of them."""
    table = golden_table(pair)
    for place, name in enumerate(table[0]):
        if pair.table == ENDPOINT:
            # equal keys replace each other: there a row stands alone
            for cell in CELLS:
                yield f"{name} is {cell[:20]!r}", written(with_cells(table, place, [cell])), 1
        else:
            yield name, written(with_cells(table, place, CELLS)), len(CELLS)


def header_mutations(pair: ReportPair) -> Iterator[tuple[str, Table]]:
    table = golden_table(pair)
    for place, name in enumerate(table[0]):
        for way, change in HEADERS.items():
            yield f"{way} at {name}", change(table, place)


def cell_problems(pair: ReportPair, counts: Counter[str], chosen: slice) -> Iterator[str]:
    for name, body, cells in [*cell_mutations(pair)][chosen]:
        counts["cells"] += cells
        yield from (f"{pair.table}, {name}: {problem}" for problem in problems_of(pair, body))


def header_problems(pair: ReportPair, counts: Counter[str], chosen: slice) -> Iterator[str]:
    for number, (name, table) in enumerate([*header_mutations(pair)][chosen]):
        counts["headers"] += 1
        body = b"\xef\xbb\xbf" + written(table, end="\n") if number % 2 else written(table)
        try:
            yield from (f"{pair.table}, {name}: {problem}" for problem in problems_of(pair, body))
        except RetryableError:
            # a report that has lost all columns it is known by is refused, by its name
            known = {column.key for column in pair.report.columns}
            if not known.isdisjoint(CsvTable(BytesIO(body)).keys):
                yield f"{pair.table}, {name}: refused"


def test_no_cell_of_a_report_is_lost(count_trials: Callable[[int], None]) -> None:
    counts: Counter[str] = Counter()
    problems: list[str] = []
    for number, pair in enumerate(EVERY_REPORT):
        problems += cell_problems(pair, counts, slice(number % 5, None, 61))
        problems += header_problems(pair, counts, slice(number % len(HEADERS), None, 131))
    count_trials(counts.total())
    assert problems == []


@pytest.mark.slow
def test_no_cell_of_any_report_is_lost(
    count_trials: Callable[[int], None],
    count_violations: Callable[[int], None],
    show_figures: Callable[[str], None],
) -> None:
    counts: Counter[str] = Counter()
    problems: list[str] = []
    for pair in EVERY_REPORT:
        problems += cell_problems(pair, counts, slice(None))
        problems += header_problems(pair, counts, slice(None, None, 3))
    count_trials(counts.total())
    count_violations(len(problems))
    columns = sum(len(golden_table(pair)[0]) for pair in EVERY_REPORT)
    show_figures(
        f"reports: {columns:,} columns of {len(EVERY_REPORT)} reports, {counts['cells']:,} odd "
        f"cells and {counts['headers']:,} odd headers, crashes and silent changes {len(problems)}"
    )
    assert problems == []
