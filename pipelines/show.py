"""Reports as tables a person reads."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from pipelines.doctor import Check, Verdict
from pipelines.gladly_tables import GLADLY_TABLES
from pipelines.report import FileReport, MediaReport, RunReport
from pipelines.status import Status
from sources.gladly.gaps import GapKind

_PLACES = {table.name: place for place, table in enumerate(GLADLY_TABLES)}
_MARKS = {Verdict.OK: "ok", Verdict.WARNING: "look", Verdict.FAILED: "FIX"}


def show_run(console: Console, report: RunReport) -> None:
    """Print what a run did: rows by table, files by job, gaps, quarantine, seconds."""
    if report.files:
        console.print(_files(report.files))
    if report.tables:
        console.print(_tables(report))
    for table, rows in report.late.items():
        console.print(f"{table}: {rows:,} rows came late; a later version was there already.")
    if report.quarantined:
        console.print(
            f"{report.quarantined:,} lines could not become rows. They are kept, with the reason, "
            "in quarantined_lines:"
        )
        for line in report.quarantined_lines:
            console.print(f"  {line.file}, line {line.line_number:,}: {line.reason}")
    for gap in report.gaps:
        state = "Closed" if gap.healed else "Gap"
        span = f"{_exact_time(gap.from_at)} to {_exact_time(gap.to_at)}"
        console.print(f"{state}: {gap.stream} {span}" + ("" if gap.healed else f". {gap.reason}"))
    _show_media(console, report.media)
    _show_erased(console, report)
    if report.failed_jobs:
        console.print(
            f"{len(report.failed_jobs)} export jobs failed at Gladly: "
            f"{', '.join(report.failed_jobs)}. Ask Gladly Support to run them again."
        )
    if report.unfinished_jobs:
        console.print(
            f"{len(report.unfinished_jobs)} export jobs were not finished at Gladly; the next run "
            "loads them."
        )
    reads = f", {report.reads:,} reads by id" if report.reads else ""
    console.print(
        f"Done in {report.seconds:.1f} seconds: {report.rows:,} records of {report.jobs} export "
        f"jobs, {report.events:,} events, {report.report_rows:,} report rows{reads}; "
        f"{report.quarantined:,} quarantined, {len(report.open_gaps)} open gaps."
    )


def _show_media(console: Console, media: MediaReport) -> None:
    if media == MediaReport():
        return
    others = {
        "gone at Gladly": media.gone,
        "refused": media.refused,
        "larger than media_max_bytes": media.too_large,
        "failed": media.failed,
    }
    told = "".join(f", {count:,} {what}" for what, count in others.items() if count)
    console.print(
        f"Attachments and recordings: {media.stored:,} stored, {media.bytes:,} bytes{told}."
        + (" More are left for the next run." if media.is_unfinished else "")
    )


def _show_erased(console: Console, report: RunReport) -> None:
    if report.erased_rows or report.erased_raw_lines:
        media = f", {report.erased_media:,} stored files" if report.erased_media else ""
        console.print(
            f"Erased: {report.erased_customers} deleted customers, {report.erased_rows:,} rows, "
            f"{report.erased_raw_lines:,} lines of the raw archive{media}."
        )
    if report.deleted_but_merged:
        console.print(
            f"{len(report.deleted_but_merged)} deleted customers were merged into others that "
            "live; their rows belong to these and were kept."
        )


def show_status(console: Console, status: Status) -> None:
    """Print what the warehouse holds."""
    if status.last_run is None:
        console.print(f"Nothing is loaded in dataset {status.dataset} yet: `helpdesk run gladly`.")
        return
    run = status.last_run
    console.print(f"Last run {run['run_id']}: {run['status']}, {_time(run['finished_at'])}.")
    if run["error"]:
        console.print(run["error"])
    if status.data_until:
        console.print(f"Export data until {_time(status.data_until)}.")
    if status.events_until:
        console.print(f"Events until {_time(status.events_until)}.")
    console.print(f"{status.lines:,} lines of {status.files:,} files.")
    table = _table("table", "rows")
    for name, rows in status.rows.items():
        if rows:
            table.add_row(name, f"{rows:,}")
    console.print(table)
    for file in status.quarantined:
        console.print(
            f"Quarantined: {file['lines']:,} lines of {file['file']}, export job {file['job_id']}."
        )
    _show_gaps(console, status.gaps)
    if not status.needs_a_person:
        console.print("No gaps, nothing in quarantine.")


def _show_gaps(console: Console, gaps: Iterable[dict[str, Any]]) -> None:
    """Print each gap that can be filled, and how many spans are lost for good."""
    lost = [gap["reason"] for gap in gaps if gap["kind"] == GapKind.LOST]
    for gap in gaps:
        if gap["kind"] != GapKind.LOST:
            span = f"{_exact_time(gap['from_at'])} to {_exact_time(gap['to_at'])}"
            console.print(f"Gap: {gap['stream']} {span}. {gap['reason']}")
    if lost:
        console.print(f"Lost for good: {len(lost)} spans, see load_gaps. {lost[-1]}")


def show_checks(console: Console, checks: Iterable[Check]) -> None:
    """Print the doctor's findings."""
    table = _table("", "check", "found")
    for check in checks:
        table.add_row(_MARKS[check.verdict], check.name, check.found)
    console.print(table)


def _files(files: Iterable[FileReport]) -> Table:
    table = _table(
        "data from", "data to", "file", "bytes", "lines", "rows", "superseded", "quarantined"
    )
    for file in files:
        table.add_row(
            _time(file.window_from),
            _time(file.window_to),
            file.file,
            *(
                f"{number:,}"
                for number in (
                    file.bytes,
                    file.lines,
                    file.rows,
                    file.superseded,
                    file.quarantined,
                )
            ),
        )
    return table


def _tables(report: RunReport) -> Table:
    table = _table("table", "added", "updated", "removed")
    for change in sorted(report.tables.values(), key=lambda change: _PLACES[change.table]):
        table.add_row(
            change.table, f"{change.added:,}", f"{change.updated:,}", f"{change.removed:,}"
        )
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        is_text = column in ("", "table", "file", "check", "found", "data from", "data to")
        table.add_column(
            column,
            justify="left" if is_text else "right",
            no_wrap=column != "found",
        )
    return table


def _time(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M") if at else ""


def _exact_time(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")
