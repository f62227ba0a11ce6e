"""The peak of memory that one piece of work costs, measured in a process of its own.

As a module it is that process: it does the work named by its arguments on something small, so
that all is imported and warm, then on what it was given, and prints the growth in bytes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sources.gladly.declarations import RECORDS
from sources.gladly.report_rows import ReportRequest, ReportRowsParser
from sources.gladly.report_types import REPORTS
from sources.http import ApiClient, RateBudget, UnsafeError, download_file
from sources.streams.lines import split_file
from sources.tables.build import Lineage
from sources.tables.parquet import TableFiles
from sources.tables.parse import parse_file, parser_for

AT = datetime(2024, 3, 2, 1, 10, tzinfo=UTC)
LINEAGE = Lineage(AT, "job-1", "file", "events")
ITEMS = next(record for record in RECORDS if record.table == "conversation_items")
CONTACTS = REPORTS["ContactExportReportV3"]


def growth(work: str, small: Path | str, given: Path | str) -> int:
    """Return by how many bytes `work` on what is `given` raised the peak of resident memory.

    Args:
        work: one of `WORKS`.
        small: what it is done on first, so that all is imported and warm.
        given: what it is measured on.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    command = [sys.executable, "-m", "tests.memory", work, str(small), str(given)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own module
    return int(json.loads(done.stdout))


def _client(address: str) -> ApiClient:
    return ApiClient(address, "api@example.com", "synthetic-token", budget=RateBudget(1000))


def _download(address: str) -> None:
    with TemporaryDirectory() as folder, _client(address) as client:
        download_file(client, "/file", Path(folder) / "file")


def _list(address: str) -> None:
    # beyond the bound it is refused: what that cost is the question
    with _client(address) as client, suppress(UnsafeError):
        client.get_json("/list")


def _lines(path: str) -> None:
    with (
        Path(path).open("rb") as stream,
        TemporaryDirectory() as folder,
        TableFiles(Path(folder)) as files,
    ):
        counts = parse_file(stream, parser_for(ITEMS), LINEAGE, files)
    if counts.lines != 1:
        raise ValueError(f"{counts} of a file of one line")


def _spans(path: str) -> None:
    split_file(Path(path), 4)


def _report(path: str) -> None:
    day = date(2024, 3, 1)
    request = ReportRequest(CONTACTS.metric_set, day, day, "UTC", AT, "")
    with (
        Path(path).open("rb") as stream,
        TemporaryDirectory() as folder,
        TableFiles(Path(folder)) as files,
    ):
        (counts,) = ReportRowsParser(CONTACTS).parse_parts([(stream, LINEAGE)], request, files)
    if counts.lines != 1:
        raise ValueError(f"{counts} of a report of one record")


WORKS: dict[str, Callable[[str], None]] = {
    "download": _download,
    "list": _list,
    "lines": _lines,
    "spans": _spans,
    "report": _report,
}


def _status(name: str) -> int:
    """Return a figure of this process as the kernel counts it, in bytes."""
    # not getrusage: its peak begins with that of the process that started this one
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)


def main() -> None:
    """Do the work and print what it cost."""
    work, small, given = sys.argv[1:]
    WORKS[work](small)
    before = _status("VmRSS")
    WORKS[work](given)
    sys.stdout.write(json.dumps(max(_status("VmHWM") - before, 0)))


if __name__ == "__main__":
    main()
