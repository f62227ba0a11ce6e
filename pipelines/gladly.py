"""The Gladly job: events first, then exports; then what is known of gaps, and the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipelines import ledger
from pipelines.allowance import Allowance
from pipelines.enrichment import checked_enrichment, load_enrichment
from pipelines.erase import check_can_erase, erase_deleted_customers, give_up_erased_bytes
from pipelines.events import keep_events, load_events
from pipelines.explain import explain
from pipelines.exports import Exports
from pipelines.healing import heal_events, healed_windows
from pipelines.loading import Loader
from pipelines.media import load_media
from pipelines.media_store import MediaStore
from pipelines.package import parse_listing
from pipelines.progress import ProgressReporter
from pipelines.reference import load_reference
from pipelines.report import GapReport, RunReport
from pipelines.report_planning import (
    ReportPlan,
    backfill_requests,
    days_in_neither,
    nightly_requests,
    report_plan,
)
from pipelines.reports import load_reports
from pipelines.version import VERSION
from pipelines.warehouse import Warehouse
from pipelines.work_sessions import backfill_work_sessions, load_work_sessions
from pipelines.workspace import Workspace
from sources.gladly.declarations import EXPORT_JOB, EXPORT_SCHEDULE, RECORDS
from sources.gladly.enrichment_types import ENRICHMENT_RECORDS
from sources.gladly.event_types import EVENTS, EVENTS_FILE
from sources.gladly.event_windows import find_event_gaps, reach
from sources.gladly.gaps import Gap, GapKind
from sources.gladly.history import HISTORY_TABLES
from sources.gladly.identity import IDENTITY
from sources.gladly.media import MEDIA_FILES, checked_media
from sources.gladly.reference_types import REFERENCE_RECORDS
from sources.gladly.report_tables import REPORT_TABLES
from sources.gladly.report_values import day_start
from sources.gladly.reports import DaySpan, report_budget
from sources.gladly.resources import Listing, list_schedules
from sources.gladly.selection import ENRICHMENT, MEDIA, REFERENCE, REPORTS
from sources.gladly.settings import ERASE, EVENTS_STREAM, GladlySettings
from sources.gladly.work_sessions import WORK_SESSION_EVENTS
from sources.http.budget import RateBudget
from sources.http.client import ApiClient
from sources.http.errors import HelpdeskError, TruncatedError
from sources.streams.windows import Window, subtract
from sources.tables.declarations import Record, TableSchema, records_of, table_schemas
from sources.tables.ledger import LEDGER, LOAD_GAPS, LOAD_RUNS
from sources.tables.parquet import TableFile, join_files, write_rows
from sources.tables.parse import RecordParser

GLADLY_TABLES: tuple[TableSchema, ...] = (
    *(
        table
        for record in (*RECORDS, *REFERENCE_RECORDS, *ENRICHMENT_RECORDS, *records_of(EVENTS))
        for table in table_schemas(record)
    ),
    *HISTORY_TABLES,
    *IDENTITY,
    *REPORT_TABLES,
    WORK_SESSION_EVENTS,
    MEDIA_FILES,
    *LEDGER,
)


# two minutes of requests at ten a minute: more than that no backfill that is killed asks for twice
_REPORTS_PER_BACKFILL_PACKAGE = 20
_UTC = ZoneInfo("UTC")
_DAY = timedelta(days=1)


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
    media_store: MediaStore
    selected: Callable[[str], bool] = lambda _name: True
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _gaps_before: list[dict[str, Any]] = field(default_factory=list)
    _report_budget: RateBudget = field(init=False)
    _failures: list[HelpdeskError] = field(default_factory=list)

    def __post_init__(self) -> None:
        # one for all requests for reports: the limit is the organisation's
        self._report_budget = report_budget(self.settings.reports_per_minute)

    def run(self) -> RunReport:
        """Load what Gladly has and the warehouse lacks; return what was done.

        Raises:
            Exception: the run could not end; it is recorded in ``load_runs`` as failed.
        """
        with self._recorded():
            try:
                self.warehouse.prepare()
            except Exception as error:
                self._keep_events(error)
                raise
            if self.settings.on_customer_deleted == ERASE:
                check_can_erase(self.warehouse)
            self._load_everything()
        return self.report

    def backfill(self, days: DaySpan) -> RunReport:
        """Load history of before the first run: events, then work sessions, then reports.

        Both days are included: of UTC for events, else of the time zone of reports. What nightly
        runs read is left to them, and what an earlier backfill loaded for good is not asked for
        again; one that is stopped goes on where it stopped.

        Raises:
            Exception: the backfill could not end; it is recorded in ``load_runs`` as failed.
        """
        with self._recorded():
            plan = report_plan(self.settings)
            self.warehouse.prepare()
            now = list_schedules(self.client).at
            loader = self._loader()
            if self.selected(EVENTS_FILE):
                with self._others_go_on():
                    self._backfill_events(loader, _window(days, _UTC), now)
            if self.selected(REPORTS) and plan.metric_sets:
                self._backfill_reports(loader, plan, days, now)
            if self._failures:
                raise self._failures[0]
            folder = self.workspace.work / "ledger"
            self.warehouse.load([write_rows(folder, LOAD_RUNS, [self._run_row("done", None)])])
        return self.report

    def _backfill_events(self, loader: Loader, window: Window, now: datetime) -> None:
        """Load the events of a window that no request can bring any more, from the reports.

        What the Events API brought or still can bring is left to it. Where no run was before, the
        Events API is read first: what passes out of its reach until the first run would else be in
        neither.

            reports         [-----------------------)
            Events API                              [--- 24 hours ---] now
        """
        if not ledger.loaded_windows(self.warehouse, EVENTS_STREAM):
            self._load_events(loader, now)
        covered = ledger.loaded_windows(self.warehouse, EVENTS_STREAM).values()
        left = subtract(Window(window.start, min(window.end, reach(now))), covered)
        if errors := self._fill(loader, left, now):
            raise errors[0]

    def _backfill_reports(
        self, loader: Loader, plan: ReportPlan, days: DaySpan, now: datetime
    ) -> None:
        budget, archive = self._report_budget, self.workspace.archive / "reports"
        with self._others_go_on():
            window = _window(days, plan.timezone)
            backfill_work_sessions(self.client, budget, archive, loader, window, now)
        with self._others_go_on():
            requests = backfill_requests(plan, self.warehouse, now, days)
            errors = load_reports(
                self.client,
                budget,
                archive,
                loader,
                requests,
                now,
                requests_per_package=_REPORTS_PER_BACKFILL_PACKAGE,
            )
            if errors:
                raise errors[0]
        if between := days_in_neither(plan, self.warehouse, now, days):
            self.progress.say(
                f"Reports of days from {between.first_day} to {between.last_day} are not loaded: "
                "nightly runs begin later. To load them: helpdesk backfill gladly --select reports "
                f"--from {between.first_day} --to {between.last_day}"
            )

    @contextmanager
    def _recorded(self) -> Iterator[None]:
        """Measure the run; record one that fails."""
        started = self.clock()
        try:
            yield
        except Exception as error:
            self._record_failure(error)
            raise
        self.report.seconds = self.clock() - started

    def _keep_events(self, error: Exception) -> None:
        if not self.selected(EVENTS_FILE):
            return
        try:
            now = list_schedules(self.client).at
            entities = self.settings.event_entities
            archive = self.workspace.archive / "events"
            keep_events(self.client, archive, self.progress, entities, now)
        except HelpdeskError as second:
            error.add_note(f"The events of today could not be saved either: {second}")
        else:
            self.progress.say(
                "The destination cannot be reached. Events were saved to the raw archive, and "
                "the next run loads them."
            )

    def _load_everything(self) -> None:
        self._gaps_before = ledger.open_gaps(self.warehouse)
        schedules = list_schedules(self.client)
        now = schedules.at
        loader = self._loader()
        exports = Exports(
            self.settings,
            self.client,
            self.workspace.archive / "exports",
            loader,
            self.selected,
            self.sleep,
            self.clock,
        )
        if self.selected(EVENTS_FILE):
            with self._others_go_on():
                self._load_events(loader, now)
        exports.run()
        # after the exports: it corrects what a late one of them brought
        if self.selected(REFERENCE):
            with self._others_go_on():
                self._load_reference(loader)
        if self.selected(EVENTS_FILE) and self.settings.heal_event_gaps:
            with self._others_go_on():
                self._heal(loader, exports, now)
        if self.selected(REPORTS):
            self._load_reports(loader, now)
        allowance = Allowance(
            self.settings.enrichment_max_seconds,
            self.settings.enrichment_max_requests,
            clock=self.clock,
        )
        if self.selected(ENRICHMENT):
            with self._others_go_on():
                self._load_enrichment(loader, allowance, now)
        if self.selected(MEDIA):
            with self._others_go_on():
                self._load_media(loader, allowance, now)
        if self.settings.on_customer_deleted == ERASE:
            self._erase(loader, now)
        self._finish(exports, schedules)
        if self.settings.on_customer_deleted == ERASE:
            give_up_erased_bytes(self.warehouse)
        if self._failures:
            raise self._failures[0]

    def _erase(self, loader: Loader, now: datetime) -> None:
        """Erase what is known of customers that Gladly deleted, before the run counts as done."""
        erased = erase_deleted_customers(
            self.warehouse,
            GLADLY_TABLES,
            self.workspace.archive,
            loader.fetched,
            self.media_store.delete,
            now,
        )
        self.report.add_changes(erased.changes, {})
        self.report.erased_customers = len(erased.customers)
        self.report.erased_rows = erased.rows
        self.report.erased_raw_lines = erased.raw_lines
        self.report.erased_media = erased.files
        self.report.deleted_but_merged = list(erased.survived)

    def _loader(self) -> Loader:
        return Loader(
            self.warehouse,
            self.workspace,
            self.progress,
            self.report,
            self.settings.max_quarantined_share,
            self.settings.keep_raw,
        )

    @contextmanager
    def _others_go_on(self) -> Iterator[None]:
        """Let the other streams load although this one failed; the run fails at its end."""
        try:
            yield
        except HelpdeskError as error:
            self._failures.append(error)
            self.progress.say(str(error))

    def _load_events(self, loader: Loader, now: datetime) -> None:
        archive = self.workspace.archive / "events"
        load_events(self.client, archive, loader, self.settings.event_entities, now)

    def _load_reference(self, loader: Loader) -> None:
        archive = self.workspace.archive / "reference"
        lists, language = self.settings.reference_lists, self.settings.public_answer_language
        load_reference(self.client, archive, loader, lists, language)

    def _load_reports(self, loader: Loader, now: datetime) -> None:
        plan, archive = report_plan(self.settings), self.workspace.archive / "reports"
        if not plan.metric_sets:
            return
        budget, trailing = self._report_budget, plan.trailing_days
        with self._others_go_on():
            load_work_sessions(self.client, budget, archive, loader, trailing, plan.begins_at, now)
        with self._others_go_on():
            requests = nightly_requests(plan, self.warehouse, now)
            errors = load_reports(self.client, budget, archive, loader, requests, now)
            if errors:
                raise errors[0]

    def _load_enrichment(self, loader: Loader, allowance: Allowance, now: datetime) -> None:
        kinds = checked_enrichment(self.settings.enrichment)
        if not kinds:
            return
        archive = self.workspace.archive / "enrichment"
        errors = load_enrichment(self.client, archive, loader, kinds, allowance, now)
        if errors:
            raise errors[0]

    def _load_media(self, loader: Loader, allowance: Allowance, now: datetime) -> None:
        kinds = checked_media(self.settings.media)
        if kinds:
            max_bytes = self.settings.media_max_bytes
            load_media(self.client, self.media_store, loader, kinds, max_bytes, now, allowance.take)

    def _heal(self, loader: Loader, exports: Exports, now: datetime) -> None:
        """Name the spans whose events no run read, then fill them."""
        gaps = self._event_gaps()
        windows = [gap.window for gap in gaps if gap.kind is not GapKind.LOST]
        if not windows:
            return
        for window in windows:
            self.progress.say(
                f"No run read the events from {window.start:%Y-%m-%d %H:%M:%S} to "
                f"{window.end:%Y-%m-%d %H:%M:%S} UTC within the 24 hours that Gladly keeps them. "
                "They are filled from the timestamps reports."
            )
        folder = self.workspace.work / "gaps"
        rows = self._gap_rows([*exports.gaps(), *gaps], now)
        self.warehouse.load([write_rows(folder, LOAD_GAPS, rows)])
        for error in self._fill(loader, windows, now):
            # days that Gladly cuts are a gap that is told; a report it refuses fails the run
            if not isinstance(error, TruncatedError):
                raise error

    def _fill(
        self, loader: Loader, windows: Iterable[Window], now: datetime
    ) -> list[HelpdeskError]:
        archive = self.workspace.archive / "reports"
        return heal_events(self.client, self._report_budget, archive, loader, windows, now)

    def _finish(self, exports: Exports, schedules: Listing) -> None:
        """Write what is known of jobs, schedules, gaps and this run."""
        folder = self.workspace.work / "ledger"
        with self.warehouse.opened():
            tables = [
                *self._listed(schedules, EXPORT_SCHEDULE, folder / "schedules"),
                *(
                    self._listed(exports.listing, EXPORT_JOB, folder / "jobs")
                    if exports.listing
                    else ()
                ),
                self._gap_table([*exports.gaps(), *self._event_gaps()], schedules.at, folder),
            ]
            if not self._failures:
                tables.append(write_rows(folder, LOAD_RUNS, [self._run_row("done", None)]))
            result = self.warehouse.load(join_files(tables))
            self.report.add_changes(result.changes, result.late)

    def _listed(self, listing: Listing, record: Record, folder: Path) -> list[TableFile]:
        return parse_listing(listing, RecordParser(record), self.report.run_id, folder)

    def _event_gaps(self) -> list[Gap]:
        with self.warehouse.opened():
            covered = ledger.loaded_windows(self.warehouse, EVENTS_STREAM)
            return find_event_gaps(covered.values(), healed_windows(self.warehouse))

    def _gap_rows(self, gaps: list[Gap], now: datetime) -> list[dict[str, Any]]:
        """Return the rows of ``load_gaps`` that change; ``gaps`` are those of all streams."""
        recorded_at = ledger.next_recording(self.warehouse, now)
        return ledger.gap_rows(gaps, ledger.open_gaps(self.warehouse), now, recorded_at)

    def _gap_table(self, gaps: list[Gap], now: datetime, folder: Path) -> TableFile:
        """Return the rows of ``load_gaps`` that change, and tell the report of all of them."""
        rows = self._gap_rows(gaps, now)
        healed = [row for row in rows if row["healed_at"]]
        # what is lost for good is told once; the ledger keeps it
        told = {ledger.gap_key(row) for row in self._gaps_before}
        current = [
            row
            for row in ledger.gap_rows(gaps, (), now, now)
            if row["kind"] != GapKind.LOST or ledger.gap_key(row) not in told
        ]
        self.report.gaps = [_gap_report(row) for row in (*current, *healed)]
        return write_rows(folder, LOAD_GAPS, rows)

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


def _window(days: DaySpan, zone: ZoneInfo) -> Window:
    return Window(day_start(days.first_day, zone), day_start(days.last_day + _DAY, zone))


def _gap_report(row: dict[str, Any]) -> GapReport:
    return GapReport(
        stream=row["stream"],
        from_at=row["from_at"],
        to_at=row["to_at"],
        kind=row["kind"],
        reason=row["reason"],
        healed=row["healed_at"] is not None,
    )
