"""What a nightly run and a backfill share: where they work, and how a run is recorded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines import ledger
from pipelines.events import load_events
from pipelines.explain import explain
from pipelines.healing import heal_events
from pipelines.loading import Loader
from pipelines.media_store import MediaStore
from pipelines.progress import ProgressReporter
from pipelines.report import RunReport
from pipelines.version import VERSION
from pipelines.warehouse import Warehouse
from pipelines.workspace import Workspace
from sources.gladly.reports import report_budget
from sources.gladly.settings import GladlySettings
from sources.http.budget import RateBudget
from sources.http.client import ApiClient
from sources.http.errors import HelpdeskError
from sources.streams.windows import Window
from sources.tables.ledger import LOAD_RUNS
from sources.tables.parquet import TableFile, write_rows


@dataclass(slots=True)
class Run:
    """One run of a job of Gladly, from its settings to its report.

    Attributes:
        parsers: How many processes may parse a large file at once.
    """

    settings: GladlySettings
    client: ApiClient
    warehouse: Warehouse
    workspace: Workspace
    progress: ProgressReporter
    report: RunReport
    media_store: MediaStore
    parsers: int = 1
    selected: Callable[[str], bool] = lambda _name: True
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    report_budget: RateBudget = field(init=False)
    failures: list[HelpdeskError] = field(default_factory=list)
    _began: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        # one for all requests for reports: the limit is the organisation's
        self.report_budget = report_budget(
            self.settings.reports_per_minute, sleep=self.sleep, clock=self.clock
        )

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Measure the run; record one that fails."""
        self._began = self.clock()
        try:
            yield
        except Exception as error:
            self.record_failure(error)
            raise
        self.report.seconds = self.clock() - self._began

    def destination_is_away(self, error: Exception) -> None:
        """Save what would else be lost while the destination cannot be used."""

    @contextmanager
    def others_go_on(self) -> Iterator[None]:
        """Let the other streams load although this one failed; the run fails at its end."""
        try:
            yield
        except HelpdeskError as error:
            self.failures.append(error)
            self.progress.say(str(error))

    def loader(self) -> Loader:
        """Return what loads raw files into the warehouse of this run."""
        return Loader(
            self.warehouse,
            self.workspace,
            self.progress,
            self.report,
            self.settings.max_quarantined_share,
            self.settings.keep_raw,
            self.parsers,
            self._begun,
        )

    def _begun(self, folder: Path) -> TableFile:
        return write_rows(folder, LOAD_RUNS, [self.run_row("begun", None)])

    def load_events(self, loader: Loader, now: datetime) -> None:
        """Load what the Events API still has."""
        archive = self.workspace.archive / "events"
        load_events(self.client, archive, loader, self.settings.event_entities, now)

    def fill(self, loader: Loader, windows: Iterable[Window], now: datetime) -> list[HelpdeskError]:
        """Load the events of windows from reports; return why some could not be filled."""
        archive = self.workspace.archive / "reports"
        return heal_events(self.client, self.report_budget, archive, loader, windows, now)

    def run_row(self, status: str, error: str | None) -> dict[str, Any]:
        """Return the row of ``load_runs`` that says how this run ended."""
        files = self.report.files
        finished = self._now()
        return {
            "run_id": self.report.run_id,
            "pipeline": self.report.pipeline,
            "status": status,
            "started_at": finished - timedelta(seconds=self.clock() - self._began),
            "finished_at": finished,
            "jobs_loaded": self.report.jobs,
            "bytes": sum(file.bytes for file in files),
            "lines": sum(file.lines for file in files),
            "quarantined": self.report.quarantined,
            "open_gaps": len(self.report.open_gaps),
            "version": VERSION,
            "error": error,
        }

    def _now(self) -> datetime:
        """Return a time after that of all other runs: who asks for the last one gets the last.

        It is Gladly's where Gladly answered: the clock of this machine may be years ahead of it
        in one run and right in the next.
        """
        now = self.client.server_time() or datetime.now(UTC)
        return ledger.next_run(self.warehouse, now)

    def record_failure(self, error: Exception) -> None:
        """Record the run as failed; where even that fails, the error says so."""
        reason = explain(error)
        try:
            row = self.run_row("failed", str(reason) if reason else type(error).__name__)
            self.warehouse.load([write_rows(self.workspace.work / "failed", LOAD_RUNS, [row])])
        except Exception as second:  # noqa: BLE001 - the first error is the one to raise
            error.add_note(f"It could not be recorded in load_runs either: {explain(second)}")
