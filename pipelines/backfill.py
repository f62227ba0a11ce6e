"""The backfill of Gladly: history of before the first run, as far as reports tell it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from pipelines import ledger
from pipelines.loading import Loader
from pipelines.report import RunReport
from pipelines.report_planning import (
    ReportPlan,
    backfill_requests,
    days_in_neither,
    report_plan,
)
from pipelines.reports import load_reports
from pipelines.run import Run
from pipelines.work_sessions import backfill_work_sessions
from sources.gladly.event_types import EVENTS_FILE
from sources.gladly.event_windows import reach
from sources.gladly.report_values import day_start
from sources.gladly.reports import DaySpan
from sources.gladly.resources import list_schedules
from sources.gladly.selection import REPORTS
from sources.gladly.settings import EVENTS_STREAM
from sources.http.errors import SettingsError
from sources.streams.windows import Window, subtract
from sources.tables.ledger import LOAD_RUNS
from sources.tables.parquet import write_rows

# two minutes of requests at ten a minute: more than that no backfill that is killed asks for twice
_REPORTS_PER_PACKAGE = 20
_UTC = ZoneInfo("UTC")
_DAY = timedelta(days=1)
_FARTHEST_EAST = timedelta(hours=14)


class GladlyBackfill(Run):
    """One backfill; killed or stopped, the next one goes on."""

    def run(self, first_day: date, last_day: date | None) -> RunReport:
        """Load history of before the first run: events, then work sessions, then reports.

        Both days are included: of UTC for events, else of the time zone of reports. What nightly
        runs read is left to them, and what an earlier backfill loaded for good is not asked for
        again; one that is stopped goes on where it stopped.

        Raises:
            Exception: the backfill could not end; it is recorded in ``load_runs`` as failed.
        """
        with self.recorded():
            plan = report_plan(self.settings)
            self.warehouse.prepare()
            now = list_schedules(self.client).at
            days = DaySpan(first_day, last_day or _latest_day(now))
            if days.last_day < days.first_day:
                raise SettingsError(
                    f"--from {first_day} lies after today. Give a day that has begun."
                )
            loader = self.loader()
            if self.selected(EVENTS_FILE):
                with self.others_go_on():
                    self._load_past_events(loader, _window(days, _UTC), now)
            if self.selected(REPORTS) and plan.metric_sets:
                self._load_past_reports(loader, plan, days, now)
            if self.failures:
                raise self.failures[0]
            folder = self.workspace.work / "ledger"
            self.warehouse.load([write_rows(folder, LOAD_RUNS, [self.run_row("done", None)])])
        return self.report

    def _load_past_events(self, loader: Loader, window: Window, now: datetime) -> None:
        """Load the events of a window that no request can bring any more, from the reports.

        What the Events API brought or still can bring is left to it. Where no run was before, the
        Events API is read first: what passes out of its reach until the first run would else be in
        neither.

            reports         [-----------------------)
            Events API                              [--- 24 hours ---] now
        """
        if not ledger.loaded_windows(self.warehouse, EVENTS_STREAM):
            self.load_events(loader, now)
        covered = ledger.loaded_windows(self.warehouse, EVENTS_STREAM).values()
        left = subtract(Window(window.start, min(window.end, reach(now))), covered)
        if errors := self.fill(loader, left, now):
            raise errors[0]

    def _load_past_reports(
        self, loader: Loader, plan: ReportPlan, days: DaySpan, now: datetime
    ) -> None:
        budget, archive = self.report_budget, self.workspace.archive / "reports"
        with self.others_go_on():
            window = _window(days, plan.timezone)
            backfill_work_sessions(self.client, budget, archive, loader, window, now)
        with self.others_go_on():
            requests = backfill_requests(plan, self.warehouse, now, days)
            errors = load_reports(
                self.client,
                budget,
                archive,
                loader,
                requests,
                now,
                requests_per_package=_REPORTS_PER_PACKAGE,
            )
            if errors:
                raise errors[0]
        if between := days_in_neither(plan, self.warehouse, now, days):
            self.progress.say(
                f"Reports of days from {between.first_day} to {between.last_day} are not loaded: "
                "nightly runs begin later. To load them: helpdesk backfill gladly --select reports "
                f"--from {between.first_day} --to {between.last_day}"
            )


def _latest_day(now: datetime) -> date:
    """Return the latest day that has begun anywhere: reports have a time zone of their own."""
    return (now.astimezone(UTC) + _FARTHEST_EAST).date()


def _window(days: DaySpan, zone: ZoneInfo) -> Window:
    return Window(day_start(days.first_day, zone), day_start(days.last_day + _DAY, zone))
