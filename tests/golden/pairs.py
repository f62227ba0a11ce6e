"""Golden pairs: ``<table>.<case>.input.jsonl`` and the rows it becomes, ``….expected.json``.

``<table>`` is the record type's own table; event tables, and ``events`` for a file of several of
them, are parsed as the events stream is: each line by its type. The expected rows leave out where a
row came from, but for its line, and write instants and decimals as text.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq

from sources.gladly.declarations import RECORDS
from sources.gladly.enrichment_types import ENRICHMENT_RECORDS
from sources.gladly.event_types import EVENTS
from sources.gladly.reference_types import REFERENCE_RECORDS
from sources.tables.build import Lineage
from sources.tables.declarations import Declaration, records_of
from sources.tables.parquet import TableFiles
from sources.tables.parse import FileCounts, parse_file, parser_for

EVENT_TABLES = frozenset(record.table for record in records_of(EVENTS))
DECLARATIONS: dict[str, Declaration] = {
    **{record.table: record for record in (*RECORDS, *REFERENCE_RECORDS, *ENRICHMENT_RECORDS)},
    **dict.fromkeys(("events", *EVENT_TABLES), EVENTS),
}
FOLDER = Path(__file__).parent
LINEAGE = Lineage(datetime(2024, 3, 2, 1, 10, tzinfo=UTC), "golden-job", "golden.jsonl", "events")
_LINEAGE = {"_extracted_at", "_job_id", "_file"}
_LINEAGE_OF_QUARANTINED = {"extracted_at", "job_id", "file"}

Row = dict[str, Any]
Tables = dict[str, list[Row]]


@dataclass(frozen=True, slots=True)
class Pair:
    name: str

    @property
    def table(self) -> str:
        return self.name.split(".")[0]

    @property
    def root_tables(self) -> frozenset[str]:
        """The tables of which each line that is not quarantined fills exactly one."""
        return EVENT_TABLES if self.table == "events" else frozenset({self.table})

    @property
    def input_path(self) -> Path:
        return FOLDER / f"{self.name}.input.jsonl"

    @property
    def expected_path(self) -> Path:
        return FOLDER / f"{self.name}.expected.json"


def pairs() -> list[Pair]:
    return [
        Pair(path.name.removesuffix(".input.jsonl"))
        for path in sorted(FOLDER.glob("*.input.jsonl"))
    ]


def parsed(pair: Pair) -> tuple[FileCounts, Tables]:
    """Return the counts and the rows of a pair's input, read back from Parquet."""
    parser = parser_for(DECLARATIONS[pair.table])
    with TemporaryDirectory() as folder, TableFiles(Path(folder)) as files:
        counts = parse_file(BytesIO(pair.input_path.read_bytes()), parser, LINEAGE, files)
        found = {file.table.name: pq.read_table(file.path).to_pylist() for file in files.finish()}
    return counts, found


def shown(counts: FileCounts, tables: Tables) -> str:
    """Return the text of an expected file: one row a line, tables by name."""
    return text_of(counts, tables, _row)


def text_of(counts: FileCounts, tables: Tables, row_text: Callable[[str, Row], str]) -> str:
    """Return the text of an expected file, whose rows ``row_text`` writes, given their table."""
    parts = [
        f' "lines": {counts.lines},\n "rows": {counts.rows},\n "quarantined": {counts.quarantined}'
    ]
    parts += [
        f' "{name}": [\n' + ",\n".join(f"  {row_text(name, row)}" for row in rows) + "\n ]"
        for name, rows in sorted(tables.items())
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def expected_tables(pair: Pair) -> dict[str, Any]:
    expected: dict[str, Any] = json.loads(pair.expected_path.read_text("utf-8"))
    return expected


def _row(table: str, row: Row) -> str:
    left_out = _LINEAGE_OF_QUARANTINED if table == "quarantined_lines" else _LINEAGE
    # as JSON escapes: odd characters must be seen in a diff
    return json.dumps({name: value_text(row[name]) for name in row if name not in left_out})


def value_text(value: object) -> object:
    """Return a value as JSON has it: instants and decimals as text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value
