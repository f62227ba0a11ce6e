"""Reports as they are planned (`report_planning`), fetched and loaded, package by package.

requests   1 .. 64   65 .. 128  ...      two at once, in order
packages   [-------)[--------)  ...      each day replaced as a whole, also by nothing
                        x                stopped: what was loaded stays, the rest is asked for again
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pipelines.loading import Loader
from pipelines.package import Package, lineage_of
from pipelines.progress import requests_left
from pipelines.report_fetching import FetchedReport, FetchOutcome, ReportFetcher
from sources.gladly.report_rows import ReportRequest, ReportRowsParser
from sources.gladly.report_types import REPORTS
from sources.gladly.reports import REPORTS_AT_ONCE
from sources.http.budget import RateBudget
from sources.http.client import ApiClient
from sources.http.errors import (
    FAULTS_OF_AN_OUTAGE,
    HelpdeskError,
    RetryableError,
    TruncatedError,
)
from sources.tables.parquet import TableFiles, join_files

REQUESTS_PER_PACKAGE = 64


def load_reports(
    client: ApiClient,
    budget: RateBudget,
    archive: Path,
    loader: Loader,
    requests: Iterable[ReportRequest],
    now: datetime,
    *,
    requests_per_package: int = REQUESTS_PER_PACKAGE,
) -> list[HelpdeskError]:
    """Load reports in the order given, each of their days replaced as a whole.

    A report that Gladly refuses, or answers with something else, keeps no other from being loaded,
    and a day that it cuts no other day.

    Args:
        client: For Gladly.
        budget: That of all requests for reports.
        archive: The folder of raw reports.
        loader: Loads them.
        requests: What to ask for.
        now: Gladly's clock.
        requests_per_package: So many are loaded at once, and lost if the run is killed.

    Returns:
        Why some were not loaded.

    Raises:
        HelpdeskError: no report can be fetched at present; what came before is loaded.
    """
    inboxes = sorted(identifier for (identifier,) in loader.warehouse.read("inboxes", ("id",)))
    fetcher = ReportFetcher(client, budget, archive, loader.progress, now, inboxes)
    errors: list[HelpdeskError] = []
    fetching = _Fetching(fetcher)
    wanted = list(requests)
    while wanted := fetching.without_refused(wanted):
        loader.progress.say(requests_left("Reports", len(wanted), budget.starts_a_minute))
        batch, wanted = wanted[:requests_per_package], wanted[requests_per_package:]
        reports: list[FetchedReport] = []
        try:
            for outcome in fetching.outcomes(batch):
                reports += outcome.reports
                errors += outcome.errors
        except HelpdeskError:
            _load(loader, reports)
            raise
        _load(loader, reports)
    return errors


@dataclass(slots=True)
class _Fetching:
    """Fetches reports, two at once; a metric set that is refused is not asked for again."""

    fetcher: ReportFetcher
    _refused: set[str] = field(default_factory=set)
    _faults_in_a_row: int = 0

    def outcomes(self, requests: Iterable[ReportRequest]) -> Iterator[FetchOutcome]:
        """Yield what came of each request, in order.

        Raises:
            HelpdeskError: no report can be fetched at present.
        """
        with ThreadPoolExecutor(REPORTS_AT_ONCE) as executor:
            try:
                for outcome in executor.map(self._fetch, requests):
                    yield outcome
                    self._check_for_outage(outcome)
            finally:
                executor.shutdown(cancel_futures=True)

    def without_refused(self, requests: Iterable[ReportRequest]) -> list[ReportRequest]:
        """Return the requests whose metric set was not refused."""
        return [request for request in requests if request.metric_set not in self._refused]

    def _fetch(self, request: ReportRequest) -> FetchOutcome:
        if request.metric_set in self._refused:
            return FetchOutcome()
        outcome = self.fetcher.fetch(request)
        # a day that is cut says nothing of the other days
        if not all(isinstance(error, TruncatedError) for error in outcome.errors):
            self._refused.add(request.metric_set)
        return outcome

    def _check_for_outage(self, outcome: FetchOutcome) -> None:
        if outcome.reports:
            self._faults_in_a_row = 0
        for error in outcome.errors:
            if isinstance(error, RetryableError):
                self._faults_in_a_row += 1
                if self._faults_in_a_row == FAULTS_OF_AN_OUTAGE:
                    raise error


def _load(loader: Loader, reports: Sequence[FetchedReport]) -> None:
    if not reports:
        return
    package = Package([])
    with TableFiles(loader.folder) as files, loader.progress.work("parse reports", None) as done:
        for report in reports:
            parser = ReportRowsParser(REPORTS[report.request.metric_set])
            with ExitStack() as stack:
                parts = [
                    (stack.enter_context(raw.path.open("rb")), lineage_of(raw))
                    for raw in report.files
                ]
                counts = parser.parse_parts(
                    parts, report.request, files, lambda lines, size: done(size, lines)
                )
            package.counts += zip(report.files, counts, strict=True)
        package.tables = join_files(files.finish())
    loader.load_package(package)
