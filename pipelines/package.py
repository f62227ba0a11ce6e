"""A package: the raw files of some jobs, parsed, one version a key, ready to be loaded whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson

from pipelines.redactions import redacted_rows
from sources.gladly.declarations import CONVERSATION_ITEM
from sources.gladly.healed_rows import ReportParser
from sources.gladly.identity import REDACTED_ITEMS
from sources.gladly.resources import Listing
from sources.http.errors import GiveUpError
from sources.streams.archive import RawFile
from sources.tables.build import Lineage
from sources.tables.declarations import records_of
from sources.tables.ledger import LOAD_FILES
from sources.tables.parallel import parse_file_in_parallel, workers_for
from sources.tables.parquet import TableFile, TableFiles, join_files, write_rows
from sources.tables.parse import (
    FamilyParser,
    FileCounts,
    FileParser,
    RecordParser,
    parse_file,
    parse_unknown_file,
)
from sources.tables.versions import superseded_origins, without_origins

# A few broken lines in a small file are no sign of another format.
_SHARE_COUNTS_FROM_LINES = 100


@dataclass(slots=True)
class Package:
    """Rows of some files, one Parquet file a table, and what each raw file held."""

    tables: list[TableFile]
    counts: list[tuple[RawFile, FileCounts]] = field(default_factory=list)
    redactions: list[dict[str, Any]] = field(default_factory=list)


def parse_package(
    raw_files: Iterable[RawFile],
    parsers: Mapping[str, FileParser | ReportParser],
    folder: Path,
    *,
    max_quarantined_share: float,
    processors: int,
    on_lines: Callable[[int, int], None],
) -> Package:
    """Parse raw files, oldest extraction first, into the rows of one package.

    Where a key comes more than once, the later-extracted version stays, with its typed and child
    rows only.

    Raises:
        GiveUpError: more of a file is broken than ``max_quarantined_share`` allows.
    """
    package = Package([])
    parts: list[TableFile] = []
    with TableFiles(folder) as files:
        for number, raw in enumerate(raw_files, 1):
            parser = parsers.get(raw.name)
            lineage = lineage_of(raw)
            workers = workers_for(raw.bytes, processors)
            if isinstance(parser, RecordParser | FamilyParser) and workers > 1:
                found, parsed = parse_file_in_parallel(
                    raw.path,
                    parser.declaration,
                    lineage,
                    folder / f"file-{number}",
                    workers,
                    on_lines=on_lines,
                )
                parts += parsed
            else:
                found = _parse_here(raw, parser, lineage, files, on_lines)
            if parser is not None:
                # of a file that nobody declared, no format is known to be broken
                _check_share(raw, found, max_quarantined_share)
            package.counts.append((raw, found))
        tables = {file.table.name: file for file in join_files([*files.finish(), *parts])}
    roots = {
        record.table for parser in parsers.values() for record in records_of(parser.declaration)
    }
    for root in roots & {*tables}:
        _keep_winners(root, tables, package)
    package.tables = [file for file in tables.values() if file.rows]
    if package.redactions:
        package.tables.append(write_rows(folder, REDACTED_ITEMS, package.redactions))
    return package


def lineage_of(raw: RawFile) -> Lineage:
    """Return where the rows of a raw file come from."""
    return Lineage(raw.extracted_at, raw.job_id, raw.name, origin_of(raw.name))


def origin_of(name: str) -> str:
    """Return the feed that a file's name tells: ``events`` for events.jsonl."""
    return name.rpartition(".")[0] or name


def _parse_here(
    raw: RawFile,
    parser: FileParser | ReportParser | None,
    lineage: Lineage,
    files: TableFiles,
    on_lines: Callable[[int, int], None],
) -> FileCounts:
    with raw.path.open("rb") as stream:
        if parser is None:
            return parse_unknown_file(stream, lineage, files, on_lines=on_lines)
        if isinstance(parser, ReportParser):
            return parser.parse(stream, raw.window, lineage, files, on_lines)
        return parse_file(stream, parser, lineage, files, on_lines=on_lines)


def parse_listing(
    listing: Listing, parser: RecordParser, run_id: str, folder: Path
) -> list[TableFile]:
    """Return the rows of a list the API returned; their origin is the run and the path.

    An element that cannot become a row is quarantined, with a row of ``load_files`` for the list.
    """
    lineage = Lineage(listing.at, run_id, listing.path)
    with TableFiles(folder) as files:
        counts = parse_file(BytesIO(listing.lines.data), parser, lineage, files)
        tables = files.finish()
    if not counts.quarantined:
        return tables
    row = _counts_row(counts) | {
        "job_id": run_id,
        "file": listing.path,
        "stream": "gladly.lists",
        "run_id": run_id,
        "loaded_at": listing.at,
        "extracted_at": listing.at,
        "bytes": len(listing.lines.data),
    }
    return [*tables, write_rows(folder, LOAD_FILES, [row])]


def ledger_rows(
    package: Package, archive: Path, run_id: str, loaded_at: datetime
) -> list[dict[str, Any]]:
    """Return the rows of ``load_files`` for a package: lines = rows + quarantined, always."""
    return [
        _ledger_row(raw, counts, archive) | {"run_id": run_id, "loaded_at": loaded_at}
        for raw, counts in package.counts
    ]


def ledger_file(
    package: Package, archive: Path, run_id: str, loaded_at: datetime, folder: Path
) -> TableFile:
    """Write the ledger's rows of a package."""
    return write_rows(folder, LOAD_FILES, ledger_rows(package, archive, run_id, loaded_at))


def _keep_winners(root: str, tables: dict[str, TableFile], package: Package) -> None:
    losers = superseded_origins(tables[root])
    counts = {(raw.job_id, raw.name): found for raw, found in package.counts}
    for origin in losers:
        counts[origin.job_id, origin.file].superseded += 1
    if root == CONVERSATION_ITEM.table:
        package.redactions += redacted_rows(tables, losers)
    for name, file in tables.items():
        if losers and root in (name, file.table.parent):
            tables[name], _ = without_origins(file, losers)


def _ledger_row(
    raw: RawFile,
    counts: FileCounts,
    archive: Path,
) -> dict[str, Any]:
    window = raw.window
    return _counts_row(counts) | {
        "job_id": raw.job_id,
        "file": raw.name,
        "stream": raw.stream,
        "extracted_at": raw.extracted_at,
        "window_from": window.start if window else None,
        "window_to": window.end if window else None,
        "bytes": raw.bytes,
        "sha256": raw.sha256,
        "archive_path": raw.path.relative_to(archive).as_posix(),
        "superseded": counts.superseded,
    }


def _counts_row(counts: FileCounts) -> dict[str, Any]:
    return {
        "lines": counts.lines,
        "rows": counts.rows,
        "quarantined": counts.quarantined,
        "rows_by_table": _by_table(counts.rows_by_table),
        "extra_by_table": _by_table(counts.extra_by_table),
    }


def _by_table(counts: Mapping[str, int]) -> str:
    return orjson.dumps(dict(counts), option=orjson.OPT_SORT_KEYS).decode()


def _check_share(raw: RawFile, counts: FileCounts, allowed: float) -> None:
    if counts.lines < _SHARE_COUNTS_FROM_LINES or counts.quarantined <= counts.lines * allowed:
        return
    raise GiveUpError(
        f"{counts.quarantined:,} of {counts.lines:,} lines of {raw.name} ({raw.stream}, "
        f"{raw.job_id}) could not be read, more than max_quarantined_share "
        f"({allowed:.0%}) allows. Nothing of it was loaded. Look at {raw.path.name} in the raw "
        "archive; if its format is right, raise max_quarantined_share under [sources.gladly]."
    )
