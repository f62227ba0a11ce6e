"""A large raw file parsed by several processes, each a span of whole lines.

    raw file   |--------- span 1 ---------|--------- span 2 ---------|
    process 1   -> part-1/*.parquet         process 2 -> part-2/*.parquet
    table       part-1/emails.parquet, part-2/emails.parquet: in the order of the lines

Python decodes on one core at a time; processes use them all. The result is that of one process.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, wait
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from sources.streams.lines import MAX_LINE_BYTES, Span, split_file
from sources.tables.build import Lineage
from sources.tables.declarations import Declaration
from sources.tables.parquet import TableFile, TableFiles, join_files
from sources.tables.parse import FileCounts, ignore_progress, parse_file, parser_for

# Below this a process costs more to start than it saves.
BYTES_WORTH_A_PROCESS = 48 * 1024 * 1024
_LOOK_EVERY_SECONDS = 0.2

_progress: list[Synchronized[int]] = []


def workers_for(size: int, processors: int) -> int:
    """Return how many processes a file of ``size`` bytes is worth; 1 means none but our own."""
    return max(1, min(processors, size // BYTES_WORTH_A_PROCESS))


def parse_file_in_parallel(
    path: Path,
    declaration: Declaration,
    lineage: Lineage,
    folder: Path,
    workers: int,
    *,
    on_lines: Callable[[int, int], None] = ignore_progress,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> tuple[FileCounts, list[TableFile]]:
    """Return what ``parse_file`` counts, and the rows, one entry a table, in order of the lines."""
    # spawn, not fork: other threads of this process may hold locks
    context = multiprocessing.get_context("spawn")
    counters = [context.Value("q", 0), context.Value("q", 0)]
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_share_progress, initargs=(counters,)
    ) as executor:
        parts = [
            executor.submit(
                _parse_part,
                path,
                span,
                declaration,
                lineage,
                folder / f"part-{number}",
                max_line_bytes,
            )
            for number, span in enumerate(split_file(path, workers), 1)
        ]
        _report_until_done(parts, counters, on_lines)
    counts = FileCounts()
    files: list[TableFile] = []
    for part in parts:
        found, tables = part.result()
        counts.add(found)
        files += tables
    return counts, join_files(files)


def _share_progress(counters: list[Synchronized[int]]) -> None:
    _progress[:] = counters


def _parse_part(
    path: Path,
    span: Span,
    declaration: Declaration,
    lineage: Lineage,
    folder: Path,
    max_line_bytes: int,
) -> tuple[FileCounts, list[TableFile]]:
    parser = parser_for(declaration)
    with TableFiles(folder) as files, path.open("rb") as stream:
        counts = parse_file(
            stream,
            parser,
            lineage,
            files,
            span=span,
            on_lines=_add_progress,
            max_line_bytes=max_line_bytes,
        )
        return counts, files.finish()


def _add_progress(lines: int, size: int) -> None:
    for counter, amount in zip(_progress, (lines, size), strict=True):
        with counter.get_lock():
            counter.value += amount


def _report_until_done(
    parts: list[Future[tuple[FileCounts, list[TableFile]]]],
    counters: list[Synchronized[int]],
    on_lines: Callable[[int, int], None],
) -> None:
    seen = [0, 0]
    while True:
        _, pending = wait(parts, timeout=_LOOK_EVERY_SECONDS)
        now = [counter.value for counter in counters]
        on_lines(now[0] - seen[0], now[1] - seen[1])
        seen = now
        if not pending:
            return
