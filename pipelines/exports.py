"""Export jobs: list, download, load every package whole, wait for what is not finished."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, wait
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import groupby
from pathlib import Path

from pipelines import ledger
from pipelines.ahead import one_ahead
from pipelines.loading import Loader
from sources.gladly.gaps import Gap
from sources.gladly.jobs import (
    ExportJob,
    JobFile,
    JobPlan,
    LoadedFiles,
    find_gaps,
    is_job_loaded,
    plan_jobs,
)
from sources.gladly.resources import (
    Listing,
    archived_jobs,
    delete_job,
    fetch_file,
    jobs_of,
    list_jobs,
)
from sources.gladly.settings import GladlySettings
from sources.http.client import ApiClient
from sources.http.errors import GapError, SettingsError
from sources.streams.archive import RawFile
from sources.tables.timestamps import parse_timestamp

_TOLD_EVERY_SECONDS = 0.2
_Fetched = tuple[ExportJob, list[RawFile] | GapError]


@dataclass(slots=True)
class Exports:
    """The export jobs of one run.

    Attributes:
        listing: the jobs as Gladly listed them last.
    """

    settings: GladlySettings
    client: ApiClient
    archive: Path
    loader: Loader
    selected: Callable[[str], bool] = lambda _name: True
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    listing: Listing | None = None
    _known: dict[str, ExportJob] = field(default_factory=dict)
    _listed: dict[str, ExportJob] = field(default_factory=dict)
    _unreadable: dict[str, str] = field(default_factory=dict)
    _downloaded: int = 0

    def run(self) -> None:
        """Load what Gladly has and the warehouse lacks; wait for jobs under way."""
        warehouse = self.loader.warehouse
        with warehouse.opened():
            self._known = ledger.known_jobs(warehouse)
            loaded = ledger.loaded_files(warehouse)
        plan = self._look(loaded)
        self._load(plan.load)
        deadline = self.clock() + self.settings.wait_for_jobs
        while plan.unfinished and self.clock() < deadline:
            self.loader.progress.say(
                f"Waiting for {len(plan.unfinished)} export jobs that Gladly has not finished."
            )
            self.sleep(min(self.settings.poll_every, max(deadline - self.clock(), 0.0)))
            plan = self._look(ledger.loaded_files(warehouse))
            self._load(plan.load)
        self.loader.report.unfinished_jobs = [job.id for job in plan.unfinished]
        self.loader.report.failed_jobs = [job.id for job in plan.failed]

    def gaps(self) -> list[Gap]:
        """Return the spans whose data was not loaded and will not come by itself."""
        if self.listing is None:
            return []
        known = {**self._known, **self._listed}
        return find_gaps(
            filter(self._is_wanted, known.values()),
            loaded=ledger.loaded_files(self.loader.warehouse),
            listed_ids=frozenset(self._listed),
            unreadable=self._unreadable,
            now=self.listing.at,
        )

    def _look(self, loaded: LoadedFiles) -> JobPlan:
        """List the jobs, and plan what to do with them and with those only the archive has."""
        self.listing = list_jobs(self.client, {})
        self._listed = jobs_of(self.listing)
        done = {job.id for job in self._known.values() if is_job_loaded(job, loaded)}
        archived = {job.id: job for job in archived_jobs(self.archive, done)}
        wanted = (
            job
            for job in {**archived, **self._listed}.values()
            if self._is_wanted(job) and job.id not in self._unreadable
        )
        return plan_jobs(wanted, loaded, self.selected)

    def _is_wanted(self, job: ExportJob) -> bool:
        after = self.settings.jobs_updated_after
        before = self.settings.jobs_updated_before
        return (not after or job.updated_at >= setting_instant("jobs_updated_after", after)) and (
            not before or job.updated_at < setting_instant("jobs_updated_before", before)
        )

    def _load(self, job_files: Iterable[JobFile]) -> None:
        package: list[RawFile] = []
        jobs: list[ExportJob] = []
        for job, raw_files in self._fetched_jobs(job_files):
            package += raw_files
            jobs.append(job)
            if sum(raw.bytes for raw in package) >= self.settings.package_bytes:
                self._load_package(package, jobs)
                package, jobs = [], []
        if package:
            self._load_package(package, jobs)

    def _fetched_jobs(
        self, job_files: Iterable[JobFile]
    ) -> Iterator[tuple[ExportJob, list[RawFile]]]:
        """Yield the raw files of each job, fetched while the one before it is loaded.

        A job that lost one of its files is left out, and named as a gap.
        """
        groups = groupby(job_files, key=lambda job_file: job_file.job)
        tasks = (partial(self._fetch_job, job, [*files]) for job, files in groups)
        for job, fetched in one_ahead(tasks, self._awaited):
            if isinstance(fetched, GapError):
                self._unreadable[job.id] = str(fetched)
                self.loader.progress.say(str(fetched))
            else:
                yield job, fetched

    def _fetch_job(
        self, job: ExportJob, files: Sequence[JobFile], is_wanted: Callable[[], bool]
    ) -> _Fetched:
        def on_bytes(size: int) -> None:
            self._downloaded = size
            if not is_wanted():
                raise CancelledError

        require_final_newline = self.settings.require_final_newline
        try:
            return job, [
                fetch_file(
                    self.client,
                    self.archive,
                    job_file,
                    on_bytes=on_bytes,
                    require_final_newline=require_final_newline,
                )
                for job_file in files
            ]
        except GapError as error:
            return job, error

    def _awaited(self, fetched: Future[_Fetched]) -> _Fetched:
        """Wait for a job that is being fetched, and tell how far it is."""
        with self.loader.progress.work("download", None) as report:
            while not wait([fetched], timeout=_TOLD_EVERY_SECONDS).done:
                report(self._downloaded, 0)
        return fetched.result()

    def _load_package(self, raw_files: list[RawFile], jobs: Iterable[ExportJob]) -> None:
        self.loader.load(raw_files)
        if self.settings.delete_after_load:
            loaded = ledger.loaded_files(self.loader.warehouse)
            for job in jobs:
                if is_job_loaded(job, loaded):
                    delete_job(self.client, job)


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
