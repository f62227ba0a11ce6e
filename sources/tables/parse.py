"""One raw file to rows: read, decode, build, quarantine, count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from sources.streams.lines import (
    MAX_LINE_BYTES,
    Lines,
    OversizedLine,
    PickedLines,
    Span,
    is_blank,
    read_lines,
    split_lines,
)
from sources.tables.arrow import arrow_schema
from sources.tables.build import Lineage, TableBuilder, Tables, UnfitValueError
from sources.tables.conform import DECODE_ERRORS, decode_json
from sources.tables.declarations import (
    EXTRA,
    Declaration,
    Record,
    RecordFamily,
    records_of,
    table_schemas,
)
from sources.tables.decode import (
    QuarantinedLine,
    RecordDecoder,
    Records,
    decode_error_reason,
)
from sources.tables.ledger import QUARANTINED_LINES, UNKNOWN_FILE_LINES
from sources.tables.parquet import TableFiles
from sources.tables.quarantine import oversized, quarantine_rows
from sources.tables.route import Router
from sources.tables.structure import compile_record

EXAMPLES = 5


def ignore_progress(_lines: int, _bytes: int, /) -> None:
    """Take no notice of progress."""


@dataclass(slots=True)
class FileCounts:
    """What a file held: ``lines`` = ``rows`` + ``quarantined``, always; blank lines aside.

    ``superseded`` of the rows are not kept; ``extra_by_table`` tells how many rows, child rows too,
    hold something in ``_extra``; ``examples`` are the first few quarantined lines, without their
    bytes.
    """

    lines: int = 0
    rows: int = 0
    quarantined: int = 0
    superseded: int = 0
    rows_by_table: Counter[str] = field(default_factory=Counter)
    extra_by_table: Counter[str] = field(default_factory=Counter)
    examples: list[QuarantinedLine] = field(default_factory=list)

    def add(self, other: FileCounts) -> None:
        """Add what a later part of the same file held."""
        self.lines += other.lines
        self.rows += other.rows
        self.quarantined += other.quarantined
        self.superseded += other.superseded
        self.rows_by_table.update(other.rows_by_table)
        self.extra_by_table.update(other.extra_by_table)
        self.examples += other.examples[: EXAMPLES - len(self.examples)]

    def add_tables(self, tables: Tables) -> None:
        """Count the rows made for each table; ``rows`` is the caller's."""
        for name, rows in tables.items():
            self.rows_by_table[name] += rows.num_rows
            if EXTRA in rows.column_names and (extra := pc.count(rows.column(EXTRA)).as_py()):
                self.extra_by_table[name] += extra


@dataclass(slots=True)
class ParsedLines:
    """The rows of some lines: ``line_count`` = ``rows`` + quarantined; blank lines aside."""

    tables: Tables = field(default_factory=dict)
    rows: int = 0
    line_count: int = 0
    quarantined: list[QuarantinedLine] = field(default_factory=list)


class RecordParser:
    """Parses files of one record type; compiled once, used for every file."""

    def __init__(self, record: Record) -> None:
        node = compile_record(record)
        self.declaration: Declaration = record
        self._decoder = RecordDecoder(node)
        self._builder = TableBuilder(node)
        self.schemas = {**self._builder.schemas, QUARANTINED_LINES.name: QUARANTINED_LINES}

    def parse(self, lines: Lines | PickedLines, lineage: Lineage) -> ParsedLines:
        """Return the rows of some lines."""
        records = self._decoder.decode(lines)
        if records is not None:
            try:
                return _parsed(records, self._builder.build(records, lineage))
            except UnfitValueError:
                # one line of these needs the lossless path: look at each
                pass
        records = self._decoder.decode_each(lines)
        return _parsed(records, self._builder.build(records, lineage))


class FamilyParser:
    """Parses files in which several record types are mixed; no two of them may share a table."""

    def __init__(self, family: RecordFamily) -> None:
        names = [table.name for record in records_of(family) for table in table_schemas(record)]
        if shared := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"Two record types of one family share the table {', '.join(shared)}")
        self.declaration: Declaration = family
        self._router = Router(family)
        self._parsers = {record.table: RecordParser(record) for record in records_of(family)}
        self.schemas = {
            name: table
            for parser in self._parsers.values()
            for name, table in parser.schemas.items()
        }

    def parse(self, lines: Lines | PickedLines, lineage: Lineage) -> ParsedLines:
        """Return the rows of some lines."""
        whole = ParsedLines()
        for record, picked in self._router.route(lines):
            part = self._parsers[record.table].parse(picked, lineage)
            whole.tables |= part.tables
            whole.rows += part.rows
            whole.line_count += part.line_count
            whole.quarantined += part.quarantined
        whole.quarantined.sort(key=attrgetter("line_number"))
        return whole


FileParser = RecordParser | FamilyParser


def parser_for(declaration: Declaration) -> FileParser:
    """Return the parser of a declaration."""
    if isinstance(declaration, RecordFamily):
        return FamilyParser(declaration)
    return RecordParser(declaration)


def _parsed(records: Records, tables: Tables) -> ParsedLines:
    return ParsedLines(tables, len(records.structs), records.line_count, records.quarantined)


def parse_file(
    stream: BinaryIO,
    parser: FileParser,
    lineage: Lineage,
    files: TableFiles,
    *,
    span: Span | None = None,
    on_lines: Callable[[int, int], None] = ignore_progress,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> FileCounts:
    """Add the rows of a raw file, or of a span of it, to ``files``; return the counts.

    Every line that is not blank becomes a row or a quarantined line. Memory does not grow with
    the file. ``on_lines`` hears of progress: lines and bytes.
    """
    counts = FileCounts()
    for part in read_lines(stream, span=span, max_line_bytes=max_line_bytes):
        if isinstance(part, OversizedLine):
            add_quarantined([oversized(part, max_line_bytes)], lineage, files, counts)
            counts.lines += 1
            on_lines(1, part.size)
            continue
        parsed = parser.parse(part, lineage)
        add_parsed(parser, parsed, lineage, files, counts)
        on_lines(parsed.line_count, len(part.data))
    return counts


def add_parsed(
    parser: FileParser,
    parsed: ParsedLines,
    lineage: Lineage,
    files: TableFiles,
    counts: FileCounts,
) -> None:
    """Add the rows of some lines, and count them."""
    files.add(parser.schemas, parsed.tables)
    add_quarantined(parsed.quarantined, lineage, files, counts)
    counts.lines += parsed.line_count
    counts.rows += parsed.rows
    counts.add_tables(parsed.tables)


def parse_unknown_file(
    stream: BinaryIO,
    lineage: Lineage,
    files: TableFiles,
    *,
    on_lines: Callable[[int, int], None] = ignore_progress,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> FileCounts:
    """Keep the lines of a file that no declaration knows, as raw JSON."""
    counts = FileCounts()
    schema = arrow_schema(UNKNOWN_FILE_LINES)
    for part in read_lines(stream, max_line_bytes=max_line_bytes):
        rows, bad = [], []
        if isinstance(part, OversizedLine):
            bad.append(oversized(part, max_line_bytes))
            size = part.size
        else:
            size = len(part.data)
            for number, offset, line in split_lines(part):
                if is_blank(line):
                    continue
                try:
                    decode_json(line)
                except DECODE_ERRORS as error:
                    reason = decode_error_reason(error)
                    bad.append(QuarantinedLine(number, offset, len(line), reason, line))
                else:
                    rows.append(
                        {
                            "job_id": lineage.job_id,
                            "file": lineage.file,
                            "line_number": number,
                            "extracted_at": lineage.extracted_at,
                            "raw": line.decode("utf-8"),
                        }
                    )
        if rows:
            name = UNKNOWN_FILE_LINES.name
            table = pa.Table.from_pylist(rows, schema=schema)
            files.add({name: UNKNOWN_FILE_LINES}, {name: table})
            counts.rows_by_table[name] += len(rows)
        add_quarantined(bad, lineage, files, counts)
        counts.rows += len(rows)
        counts.lines += len(rows) + len(bad)
        on_lines(len(rows) + len(bad), size)
    return counts


def add_quarantined(
    lines: list[QuarantinedLine], lineage: Lineage, files: TableFiles, counts: FileCounts
) -> None:
    """Add lines that could not become rows, and count them; ``counts.lines`` is the caller's."""
    if lines:
        name = QUARANTINED_LINES.name
        files.add({name: QUARANTINED_LINES}, {name: quarantine_rows(lines, lineage)})
        counts.quarantined += len(lines)
        room = EXAMPLES - len(counts.examples)
        counts.examples += [replace(line, raw=b"") for line in lines[:room]]
