"""What the warehouse itself says was loaded: the only memory a run has of runs before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pipelines.warehouse import Warehouse
from sources.gladly.gaps import Gap
from sources.gladly.jobs import ExportJob, LoadedFiles
from sources.streams.windows import Window
from sources.tables.ledger import LOAD_GAPS
from sources.tables.timestamps import format_timestamp


def loaded_files(warehouse: Warehouse, stream: str | None = None) -> LoadedFiles:
    """Return each file that is loaded, of one stream or of all, and its version."""
    where = f"c.stream = '{stream}'" if stream else ""
    rows = warehouse.read("load_files", ("job_id", "file", "extracted_at"), where)
    return {(job_id, file): _utc(version) for job_id, file, version in rows}


def loaded_windows(warehouse: Warehouse, stream: str) -> dict[tuple[str, str], Window]:
    """Return the data window of each file of a stream that is loaded, by request and file."""
    columns = ("job_id", "file", "window_from", "window_to")
    rows = warehouse.read("load_files", columns, f"c.stream = '{stream}'")
    return {
        (job_id, file): Window(_utc(start), _utc(end))
        for job_id, file, start, end in rows
        if start and end
    }


def settled_windows(warehouse: Warehouse, stream: str, settle: timedelta) -> list[Window]:
    """Return the data windows of a stream that were read ``settle`` after their end, or later."""
    rows = warehouse.read(
        "load_files", ("window_from", "window_to", "extracted_at"), f"c.stream = '{stream}'"
    )
    return [
        Window(_utc(start), _utc(end)) for start, end, at in rows if _utc(at) >= _utc(end) + settle
    ]


def known_jobs(warehouse: Warehouse) -> dict[str, ExportJob]:
    """Return every export job any run ever saw, by id."""
    columns = ("id", "status", "updated_at", "schedule_id", "start_at", "end_at")
    with warehouse.opened():
        listed_files = warehouse.read("export_job_files", ("job_id", "position", "filename"))
        jobs = warehouse.read("export_jobs", columns)
    files: dict[str, list[tuple[int, str]]] = {}
    for job_id, position, name in listed_files:
        files.setdefault(job_id, []).append((position, name))
    return {
        identifier: ExportJob(
            id=identifier,
            status=status,
            updated_at=_utc(updated_at),
            schedule_id=schedule_id,
            window=Window(_utc(start), _utc(end)) if start and end else None,
            # a name that no column can hold is a file all the same, and nobody has loaded it
            files=tuple(name or "" for _, name in sorted(files.get(identifier, ()))),
        )
        for identifier, status, updated_at, schedule_id, start, end in jobs
        if updated_at
    }


def open_gaps(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Return the rows of ``load_gaps`` that are not healed."""
    columns = ("stream", "from_at", "to_at", "kind", "reason", "job_id", "detected_at")
    return [
        dict(zip(columns, row, strict=True))
        | {"from_at": _utc(row[1]), "to_at": _utc(row[2]), "detected_at": _utc(row[6])}
        for row in warehouse.read("load_gaps", columns, "c.healed_at IS NULL")
    ]


def next_recording(warehouse: Warehouse, now: datetime) -> datetime:
    """Return a time after that of every row of ``load_gaps``."""
    recorded = warehouse.read("load_gaps", ("recorded_at",))
    return later_than_all(now, (at for (at,) in recorded))


def next_run(warehouse: Warehouse, now: datetime) -> datetime:
    """Return a time after that of every row of ``load_runs``."""
    recorded = warehouse.read(
        "load_runs", ("finished_at",), f"c.finished_at >= '{format_timestamp(now)}'"
    )
    return later_than_all(now, (at for (at,) in recorded))


def later_than_all(now: datetime, times: Iterable[datetime]) -> datetime:
    """Return ``now``, or a time just after all of ``times``: Gladly's clock tells seconds only."""
    return max([now, *(_utc(at) + timedelta(microseconds=1) for at in times)])


def gap_rows(
    gaps: Iterable[Gap], open_before: Iterable[dict[str, Any]], now: datetime, recorded_at: datetime
) -> list[dict[str, Any]]:
    """Return the rows of ``load_gaps`` that change: new gaps, changed ones and healed ones."""
    before = {gap_key(row): row for row in open_before}
    rows = []
    for gap in gaps:
        known = before.pop((gap.stream, gap.window.start, gap.window.end), None)
        row = {
            "stream": gap.stream,
            "from_at": gap.window.start,
            "to_at": gap.window.end,
            "kind": gap.kind.value,
            "reason": gap.reason,
            "job_id": gap.job_id,
            "detected_at": known["detected_at"] if known else now,
        }
        if row != known:
            rows.append(row | {"healed_at": None, "recorded_at": recorded_at})
    healed = [row | {"healed_at": now, "recorded_at": recorded_at} for row in before.values()]
    return rows + healed


def gap_key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what identifies a gap."""
    return tuple(row[name] for name in LOAD_GAPS.key)


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC)
