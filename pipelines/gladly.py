"""The Gladly job: list, load every package whole, wait, name the gaps, write the ledger."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from pipelines import ledger
from pipelines.explain import explain
from pipelines.package import Package, ledger_file, parse_listing, parse_package
from pipelines.progress import ProgressReporter
from pipelines.report import FileReport, GapReport, QuarantinedLineReport, RunReport
from pipelines.version import VERSION
from pipelines.warehouse import Warehouse
from pipelines.workspace import Workspace
from sources.gladly.declarations import EXPORT_FILES, EXPORT_JOB, EXPORT_SCHEDULE, RECORDS
from sources.gladly.jobs import ExportJob, JobFile, JobPlan, find_gaps, is_job_loaded, plan_jobs
from sources.gladly.resources import (
    Listing,
    RawFile,
    archived_jobs,
    delete_job,
    fetch_file,
    jobs_of,
    list_jobs,
    list_schedules,
)
from sources.gladly.settings import GladlySettings
from sources.http.client import ApiClient
from sources.http.errors import GapError, SettingsError
from sources.tables.declarations import TableSchema, table_schemas
from sources.tables.ledger import LEDGER, LOAD_GAPS, LOAD_RUNS
from sources.tables.parquet import join_files, write_rows
from sources.tables.parse import RecordParser
from sources.tables.timestamps import parse_timestamp

GLADLY_TABLES: tuple[TableSchema, ...] = (
    *(table for record in RECORDS for table in table_schemas(record)),
    *LEDGER,
)


@dataclass(slots=True)
class GladlyRun:
    """One run of the nightly job.

    Packages that are loaded stay loaded whatever happens after them; what a run could not do is
    done by the next one.
    """

    settings: GladlySettings
    client: ApiClient
    warehouse: Warehouse
    workspace: Workspace
    progress: ProgressReporter
    report: RunReport
    selected: Callable[[str], bool] = lambda _name: True
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _parsers: dict[str, RecordParser] = field(default_factory=dict)
    _unreadable: dict[str, str] = field(default_factory=dict)

    def run(self) -> RunReport:
        """Load what Gladly has and the warehouse lacks; return what was done.

        Raises:
            Exception: the run could not end; it is recorded in ``load_runs`` as failed.
        """
        started = self.clock()
        self.warehouse.prepare()
        try:
            self._load_everything()
        except Exception as error:
            self._record_failure(error)
            raise
        self.report.seconds = self.clock() - started
        return self.report

    def _load_everything(self) -> None:
        self._parsers = {name: RecordParser(record) for name, record in EXPORT_FILES.items()}
        known = ledger.known_jobs(self.warehouse)
        listing, listed, plan = self._look(known)
        self._load(plan.load)
        deadline = self.clock() + self.settings.wait_for_jobs
        while plan.unfinished and self.clock() < deadline:
            self.progress.say(
                f"Waiting for {len(plan.unfinished)} export jobs that Gladly has not finished."
            )
            self.sleep(min(self.settings.poll_every, max(deadline - self.clock(), 0.0)))
            listing, listed, plan = self._look(known)
            self._load(plan.load)
        self.report.unfinished_jobs = [job.id for job in plan.unfinished]
        self.report.failed_jobs = [job.id for job in plan.failed]
        self._finish(listing, {**known, **listed}, frozenset(listed))

    def _look(self, known: dict[str, ExportJob]) -> tuple[Listing, dict[str, ExportJob], JobPlan]:
        """List the jobs, and plan what to do with them and with those only the archive has."""
        listing = list_jobs(self.client, {})
        listed = jobs_of(listing)
        loaded = ledger.loaded_files(self.warehouse)
        done = {job.id for job in known.values() if is_job_loaded(job, loaded)}
        archived = {job.id: job for job in archived_jobs(self.workspace.archive, done)}
        wanted = (
            job
            for job in {**archived, **listed}.values()
            if self._is_wanted(job) and job.id not in self._unreadable
        )
        return listing, listed, plan_jobs(wanted, loaded, self.selected)

    def _is_wanted(self, job: ExportJob) -> bool:
        after = self.settings.jobs_updated_after
        before = self.settings.jobs_updated_before
        return (not after or job.updated_at >= setting_instant("jobs_updated_after", after)) and (
            not before or job.updated_at < setting_instant("jobs_updated_before", before)
        )

    def _load(self, job_files: Iterable[JobFile]) -> None:
        package: list[RawFile] = []
        for raw_files in self._fetched_jobs(job_files):
            package += raw_files
            if sum(raw.bytes for raw in package) >= self.settings.package_bytes:
                self._load_package(package)
                package = []
        if package:
            self._load_package(package)

    def _fetched_jobs(self, job_files: Iterable[JobFile]) -> Iterator[list[RawFile]]:
        """Yield the raw files of each job; a job that lost one is left out, and named as a gap."""
        for job, files in groupby(job_files, key=lambda job_file: job_file.job):
            try:
                yield [self._fetch(job_file) for job_file in files]
            except GapError as error:
                self._unreadable[job.id] = str(error)
                self.progress.say(str(error))

    def _fetch(self, job_file: JobFile) -> RawFile:
        with self.progress.work(f"download {job_file.name}", None) as report:
            return fetch_file(
                self.client,
                self.workspace.archive,
                job_file,
                on_bytes=lambda size: report(size, 0),
                require_final_newline=self.settings.require_final_newline,
            )

    def _load_package(self, raw_files: list[RawFile]) -> None:
        folder = self.workspace.work / "package"
        size = sum(raw.bytes for raw in raw_files)
        with self.progress.work("parse", size) as report:
            done = [0, 0]

            def on_lines(lines: int, part: int) -> None:
                done[0] += part
                done[1] += lines
                report(done[0], done[1])

            package = parse_package(
                raw_files,
                self._parsers,
                folder,
                max_quarantined_share=self.settings.max_quarantined_share,
                processors=os.cpu_count() or 1,
                on_lines=on_lines,
            )
        rows = sum(table.rows for table in package.tables)
        self.progress.say(f"Loading {rows:,} rows into {self.report.destination}.")
        ledger_table = ledger_file(
            package, self.workspace.archive, self.report.run_id, datetime.now(UTC), folder
        )
        with self.progress.work(f"load {rows:,} rows", None):
            result = self.warehouse.load([*package.tables, ledger_table])
        self.report.add_changes(result.changes, result.late)
        self._report_files(package)
        shutil.rmtree(folder)
        self._clean_up(raw_files)

    def _report_files(self, package: Package) -> None:
        for raw, counts in package.counts:
            job = raw.job_file.job
            window = job.window
            self.report.files.append(
                FileReport(
                    job_id=job.id,
                    file=raw.job_file.name,
                    window_from=window.start if window else None,
                    window_to=window.end if window else None,
                    bytes=raw.bytes,
                    lines=counts.lines,
                    rows=counts.rows,
                    quarantined=counts.quarantined,
                    superseded=package.superseded.get((job.id, raw.job_file.name), 0),
                    seconds=raw.seconds,
                )
            )
            self.report.quarantined_lines += [
                QuarantinedLineReport(job.id, raw.job_file.name, line.line_number, line.reason)
                for line in counts.examples
            ]

    def _clean_up(self, raw_files: Iterable[RawFile]) -> None:
        """Delete what the user does not want kept, now that it is loaded."""
        if not self.settings.keep_raw:
            for folder in {raw.path.parent for raw in raw_files}:
                shutil.rmtree(folder)
        if self.settings.delete_after_load:
            loaded = ledger.loaded_files(self.warehouse)
            for job in {raw.job_file.job.id: raw.job_file.job for raw in raw_files}.values():
                if is_job_loaded(job, loaded):
                    delete_job(self.client, job)

    def _finish(
        self, listing: Listing, known: dict[str, ExportJob], listed_ids: frozenset[str]
    ) -> None:
        """Write what is known of jobs, schedules, gaps and this run."""
        now = listing.at
        gaps = find_gaps(
            filter(self._is_wanted, known.values()),
            loaded=ledger.loaded_files(self.warehouse),
            listed_ids=listed_ids,
            unreadable=self._unreadable,
            now=now,
        )
        recorded_at = ledger.next_recording(self.warehouse, now)
        rows = ledger.gap_rows(gaps, ledger.open_gaps(self.warehouse), now, recorded_at)
        healed = [row for row in rows if row["healed_at"]]
        self.report.gaps = [
            *(_gap_report(row) for row in ledger.gap_rows(gaps, (), now, recorded_at)),
            *(_gap_report(row) for row in healed),
        ]
        folder = self.workspace.work / "ledger"
        schedules = list_schedules(self.client)
        tables = [
            *parse_listing(listing, RecordParser(EXPORT_JOB), self.report.run_id, folder / "jobs"),
            *parse_listing(
                schedules, RecordParser(EXPORT_SCHEDULE), self.report.run_id, folder / "schedules"
            ),
            write_rows(folder, LOAD_GAPS, rows),
        ]
        run = write_rows(folder, LOAD_RUNS, [self._run_row("done", None)])
        result = self.warehouse.load(join_files([*tables, run]))
        self.report.add_changes(result.changes, result.late)

    def _record_failure(self, error: Exception) -> None:
        """Record the run as failed; where even that fails, the error says so."""
        reason = explain(error)
        row = self._run_row("failed", str(reason) if reason else type(error).__name__)
        try:
            self.warehouse.load([write_rows(self.workspace.work / "failed", LOAD_RUNS, [row])])
        except Exception as second:  # noqa: BLE001 - the first error is the one to raise
            error.add_note(f"It could not be recorded in load_runs either: {explain(second)}")

    def _run_row(self, status: str, error: str | None) -> dict[str, Any]:
        files = self.report.files
        return {
            "run_id": self.report.run_id,
            "pipeline": self.report.pipeline,
            "status": status,
            "started_at": self.report.started_at,
            "finished_at": datetime.now(UTC),
            "jobs_loaded": self.report.jobs,
            "bytes": sum(file.bytes for file in files),
            "lines": sum(file.lines for file in files),
            "quarantined": self.report.quarantined,
            "open_gaps": len(self.report.open_gaps),
            "version": VERSION,
            "error": error,
        }


def setting_instant(name: str, text: str) -> datetime:
    """Return the time a setting names.

    Raises:
        SettingsError: it names none, or has no offset.
    """
    parsed = parse_timestamp(text)
    if parsed is None:
        raise SettingsError(
            f"{name} is {text!r}, which is no time. Write it as 2026-03-02T00:00:00Z, under "
            "[sources.gladly] in .dlt/config.toml or in SOURCES__GLADLY__" + f"{name.upper()}."
        )
    return parsed.at


def _gap_report(row: dict[str, Any]) -> GapReport:
    return GapReport(
        stream=row["stream"],
        from_at=row["from_at"],
        to_at=row["to_at"],
        kind=row["kind"],
        reason=row["reason"],
        healed=row["healed_at"] is not None,
    )
