"""What the warehouse holds: freshness, gaps, quarantine."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from pipelines.ledger import open_gaps
from pipelines.warehouse import Warehouse
from sources.gladly.gaps import GapKind
from sources.gladly.settings import EVENTS_STREAM, EXPORT_STREAM


@dataclass(slots=True)
class Status:
    """The state of a dataset.

    ``data_until`` is the end of the newest data window of export jobs that is loaded,
    ``events_until`` that of events.
    """

    dataset: str
    last_run: dict[str, Any] | None = None
    data_until: datetime | None = None
    events_until: datetime | None = None
    files: int = 0
    lines: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    quarantined: list[dict[str, Any]] = field(default_factory=list)
    gaps: list[dict[str, Any]] = field(default_factory=list)

    @property
    def needs_a_person(self) -> bool:
        """Whether ``--strict`` should fail: a gap can be filled, or lines are in quarantine."""
        return bool(self.quarantined) or any(gap["kind"] != GapKind.LOST for gap in self.gaps)

    def as_dict(self) -> dict[str, Any]:
        """Return the status as JSON-ready values."""
        return asdict(self) | {"needs_a_person": self.needs_a_person}


def read_status(warehouse: Warehouse, dataset: str, tables: list[str]) -> Status:
    """Read the ledger and count the rows of ``tables``."""
    with warehouse.opened():
        return _read_status(warehouse, dataset, tables)


def _read_status(warehouse: Warehouse, dataset: str, tables: list[str]) -> Status:
    status = Status(dataset)
    run_columns = ("run_id", "status", "started_at", "finished_at", "error")
    runs = warehouse.read("load_runs", run_columns)
    if runs:
        newest = max(runs, key=lambda run: run[3])
        status.last_run = dict(zip(run_columns, newest, strict=True))
    file_columns = ("stream", "job_id", "file", "window_to", "lines", "quarantined")
    for stream, job_id, file, window_to, lines, quarantined in warehouse.read(
        "load_files", file_columns
    ):
        status.files += 1
        status.lines += lines
        if window_to and stream == EXPORT_STREAM:
            until = window_to.astimezone(UTC)
            status.data_until = max(status.data_until or until, until)
        if window_to and stream == EVENTS_STREAM:
            until = window_to.astimezone(UTC)
            status.events_until = max(status.events_until or until, until)
        if quarantined:
            status.quarantined.append({"job_id": job_id, "file": file, "lines": quarantined})
    status.gaps = open_gaps(warehouse)
    status.rows = warehouse.count(tables)
    return status
