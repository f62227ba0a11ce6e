"""Bytes to rows as plain dicts, through the real path."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq

from sources.gladly.declarations import RECORDS
from sources.gladly.enrichment_types import ENRICHMENT_RECORDS
from sources.gladly.event_types import EVENTS
from sources.gladly.reference_types import REFERENCE_RECORDS
from sources.streams.lines import MAX_LINE_BYTES
from sources.tables.build import Lineage
from sources.tables.declarations import Declaration
from sources.tables.decode import RecordDecoder
from sources.tables.parquet import TableFiles
from sources.tables.parse import FileCounts, FileParser, parse_file, parser_for

LINEAGE = Lineage(datetime(2024, 3, 2, 1, 10, tzinfo=UTC), "job-1", "file.jsonl", "events")

DECLARATIONS: dict[str, Declaration] = {
    **{record.table: record for record in (*RECORDS, *REFERENCE_RECORDS, *ENRICHMENT_RECORDS)},
    "events": EVENTS,
}

Tables = dict[str, list[dict[str, Any]]]


class Pieces(BytesIO):
    """A stream that gives a few bytes at a time, as streams may."""

    def __init__(self, data: bytes, piece_bytes: int) -> None:
        super().__init__(data)
        self._piece_bytes = piece_bytes

    def read(self, size: int | None = -1, /) -> bytes:
        asked = self._piece_bytes if size is None or size < 0 else min(size, self._piece_bytes)
        return super().read(asked)


class LosslessDecoder(RecordDecoder):
    """Sends every line down the lossless path, surprising or not."""

    def _strict(self, line: bytes) -> None:
        del line


@cache
def parser_of(table: str) -> FileParser:
    return parser_for(DECLARATIONS[table])


def parse(
    table: str,
    data: bytes,
    *,
    piece_bytes: int = 1 << 20,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> tuple[FileCounts, Tables]:
    with TemporaryDirectory() as folder, TableFiles(Path(folder)) as files:
        counts = parse_file(
            Pieces(data, piece_bytes),
            parser_of(table),
            LINEAGE,
            files,
            max_line_bytes=max_line_bytes,
        )
        return counts, read_tables(files)


def read_tables(files: TableFiles) -> Tables:
    return {file.table.name: pq.read_table(file.path).to_pylist() for file in files.finish()}


def joined(lines: Iterable[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)
