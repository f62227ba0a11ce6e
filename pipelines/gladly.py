"""The nightly job of Gladly: events, exports, and all that is behind them; then the ledger."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pipelines import ledger
from pipelines.allowance import Allowance
from pipelines.enrichment import checked_enrichment, load_enrichment
from pipelines.erase import check_can_erase, erase_deleted_customers, give_up_erased_bytes
from pipelines.events import keep_events
from pipelines.exports import Exports
from pipelines.gaps import GapBook
from pipelines.gladly_tables import GLADLY_TABLES
from pipelines.loading import Loader
from pipelines.media import load_media
from pipelines.package import parse_listing
from pipelines.reference import load_reference
from pipelines.report import RunReport
from pipelines.report_planning import nightly_requests, report_plan
from pipelines.reports import load_reports
from pipelines.run import Run
from pipelines.work_sessions import load_work_sessions
from sources.gladly.declarations import EXPORT_JOB, EXPORT_SCHEDULE
from sources.gladly.event_types import EVENTS_FILE
from sources.gladly.gaps import GapKind
from sources.gladly.media import checked_media
from sources.gladly.resources import Listing, list_schedules
from sources.gladly.selection import ENRICHMENT, MEDIA, REFERENCE, REPORTS
from sources.gladly.settings import ERASE
from sources.http.errors import HelpdeskError, TruncatedError
from sources.tables.declarations import Record
from sources.tables.ledger import LOAD_GAPS, LOAD_RUNS
from sources.tables.parquet import TableFile, join_files, write_rows
from sources.tables.parse import RecordParser


class GladlyRun(Run):
    """One run of the nightly job.

    Packages that are loaded stay loaded whatever happens after them; what a run could not do is
    done by the next one.
    """

    def run(self) -> RunReport:
        """Load what Gladly has and the warehouse lacks; return what was done.

        Raises:
            Exception: the run could not end; it is recorded in ``load_runs`` as failed.
        """
        with self.recorded():
            try:
                self.warehouse.declare()
                with self.warehouse.opened():
                    self.warehouse.prepare()
                    gaps = GapBook(self.warehouse, ledger.open_gaps(self.warehouse))
            except Exception as error:
                self.destination_is_away(error)
                raise
            if self.settings.on_customer_deleted == ERASE:
                check_can_erase(self.warehouse)
            self._load_everything(gaps)
        return self.report

    def destination_is_away(self, error: Exception) -> None:
        """Fetch the events of today into the raw archive: Gladly forgets them."""
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

    def _load_everything(self, gaps: GapBook) -> None:
        schedules = list_schedules(self.client)
        now = schedules.at
        loader = self.loader()
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
            with self.others_go_on():
                self.load_events(loader, now)
        exports.run()
        # after the exports: it corrects what a late one of them brought
        if self.selected(REFERENCE):
            with self.others_go_on():
                self._load_reference(loader)
        if self.selected(EVENTS_FILE) and self.settings.heal_event_gaps:
            with self.others_go_on():
                self._heal(loader, exports, gaps, now)
        if self.selected(REPORTS):
            self._load_reports(loader, now)
        allowance = Allowance(
            self.settings.enrichment_max_seconds,
            self.settings.enrichment_max_requests,
            clock=self.clock,
        )
        if self.selected(ENRICHMENT):
            with self.others_go_on():
                self._load_enrichment(loader, allowance, now)
        if self.selected(MEDIA):
            with self.others_go_on():
                self._load_media(loader, allowance, now)
        if self.settings.on_customer_deleted == ERASE:
            self._erase(loader, now)
        self._finish(exports, schedules, gaps)
        if self.settings.on_customer_deleted == ERASE:
            give_up_erased_bytes(self.warehouse)
        if self.failures:
            raise self.failures[0]

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

    def _load_reference(self, loader: Loader) -> None:
        archive = self.workspace.archive / "reference"
        lists, language = self.settings.reference_lists, self.settings.public_answer_language
        load_reference(self.client, archive, loader, lists, language)

    def _load_reports(self, loader: Loader, now: datetime) -> None:
        plan, archive = report_plan(self.settings), self.workspace.archive / "reports"
        if not plan.metric_sets:
            return
        budget, trailing = self.report_budget, plan.trailing_days
        with self.others_go_on():
            load_work_sessions(self.client, budget, archive, loader, trailing, plan.begins_at, now)
        with self.others_go_on():
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

    def _heal(self, loader: Loader, exports: Exports, book: GapBook, now: datetime) -> None:
        """Name the spans whose events no run read, then fill them."""
        gaps = book.event_gaps()
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
        rows = book.rows([*exports.gaps(), *gaps], now)
        self.warehouse.load([write_rows(folder, LOAD_GAPS, rows)])
        for error in self.fill(loader, windows, now):
            # days that Gladly cuts are a gap that is told; a report it refuses fails the run
            if not isinstance(error, TruncatedError):
                raise error

    def _finish(self, exports: Exports, schedules: Listing, book: GapBook) -> None:
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
                book.table(
                    [*exports.gaps(), *book.event_gaps()], schedules.at, folder, self.report
                ),
            ]
            if not self.failures:
                tables.append(write_rows(folder, LOAD_RUNS, [self.run_row("done", None)]))
            result = self.warehouse.load(join_files(tables))
            self.report.add_changes(result.changes, result.late)

    def _listed(self, listing: Listing, record: Record, folder: Path) -> list[TableFile]:
        return parse_listing(listing, RecordParser(record), self.report.run_id, folder)
