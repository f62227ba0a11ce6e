"""A large raw file parsed by several processes, each a span of whole lines.

    raw file   |--------- span 1 ---------|--------- span 2 ---------|
    process 1   -> part-1/*.parquet         process 2 -> part-2/*.parquet
    table       part-1/emails.parquet, part-2/emails.parquet: in the order of the lines

Python decodes on one core at a time; processes use them all. The result is that of one process.
A process ends with the one that started it, however that ends (DECISIONS.md, 11).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path

from sources.http.errors import RetryableError
from sources.streams.lines import MAX_LINE_BYTES, Span, split_file
from sources.tables.build import Lineage
from sources.tables.declarations import Declaration
from sources.tables.parquet import TableFile, TableFiles, join_files
from sources.tables.parse import FileCounts, ignore_progress, parse_file, parser_for

# Below this a process costs more to start than it saves.
BYTES_WORTH_A_PROCESS = 48 * 1024 * 1024
_PROGRAM = "sources.tables.parse_process"


@dataclass(frozen=True, slots=True)
class Part:
    """What one process parses, and the folder that it writes into."""

    path: Path
    span: Span
    declaration: Declaration
    lineage: Lineage
    folder: Path
    max_line_bytes: int


@dataclass(frozen=True, slots=True)
class ParsedPart:
    """What a part held, and its rows, one file a table."""

    counts: FileCounts
    files: list[TableFile]


# lines and bytes since the last message; at last the rows, or why there are none
Message = tuple[int, int] | ParsedPart | Exception


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
    """Return what ``parse_file`` counts, and the rows, one entry a table, in order of the lines.

    Raises:
        RetryableError: a process was ended before it was done.
        Exception: what a process could not do, such as to write to a full disk.
    """
    parts = [
        Part(path, span, declaration, lineage, folder / f"part-{number}", max_line_bytes)
        for number, span in enumerate(split_file(path, workers), 1)
    ]
    with ExitStack() as stack:
        processes = [stack.enter_context(_process(part)) for part in parts]
        parsed = _results(path, processes, on_lines)
    counts = FileCounts()
    files: list[TableFile] = []
    for one in parsed:
        counts.add(one.counts)
        files += one.files
    return counts, join_files(files)


def parse_part(part: Part, on_lines: Callable[[int, int], None]) -> ParsedPart:
    """Parse a part: what each process does."""
    parser = parser_for(part.declaration)
    with TableFiles(part.folder) as files, part.path.open("rb") as stream:
        counts = parse_file(
            stream,
            parser,
            part.lineage,
            files,
            span=part.span,
            on_lines=on_lines,
            max_line_bytes=part.max_line_bytes,
        )
        return ParsedPart(counts, files.finish())


@contextmanager
def _process(part: Part) -> Iterator[Connection]:
    """Start a process that parses a part; it is ended at the end."""
    ours, theirs = Pipe()
    descriptor = theirs.fileno()
    # of its own program, not of the one that called us, which may be a script without a guard
    command = [sys.executable, "-P", "-m", _PROGRAM, str(descriptor)]
    with ours, subprocess.Popen(command, pass_fds=[descriptor]) as process:  # noqa: S603 - our own
        try:
            theirs.close()
            with _explained(part.path):
                ours.send(part)
            yield ours
        finally:
            process.kill()


def _results(
    path: Path, processes: Sequence[Connection], on_lines: Callable[[int, int], None]
) -> list[ParsedPart]:
    """Wait for the parts, in their order; hear of progress meanwhile."""
    found: dict[Connection, ParsedPart] = {}
    while len(found) < len(processes):
        ready = wait([process for process in processes if process not in found])
        for process in (process for process in processes if process in ready):
            message = _next_message(path, process)
            match message:
                case ParsedPart():
                    found[process] = message
                case Exception():
                    raise message
                case lines, size:
                    on_lines(lines, size)
    return [found[process] for process in processes]


def _next_message(path: Path, process: Connection) -> Message:
    with _explained(path):
        message: Message = process.recv()
    return message


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (EOFError, ConnectionError) as error:
        raise RetryableError(
            f"A process that read {path.name} was ended from outside, perhaps because the machine "
            "had no memory left. Nothing of it was loaded; run again."
        ) from error
