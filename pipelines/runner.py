"""The runner: hold the workspace, open source and destination, run, report."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
from dlt.common.destination import Destination

from pipelines.backfill import GladlyBackfill
from pipelines.destinations import Capabilities, open_destination
from pipelines.embedded import database_file, make_usable
from pipelines.enrichment import checked_enrichment
from pipelines.exclusive import hold_destination
from pipelines.gladly import GladlyRun
from pipelines.gladly_tables import GLADLY_TABLES
from pipelines.media_store import open_media_store
from pipelines.memory import DEFAULT_MEGABYTES, Memory
from pipelines.progress import ProgressReporter
from pipelines.reference import checked_lists
from pipelines.report import RunReport
from pipelines.report_planning import report_plan
from pipelines.run import Run
from pipelines.settings import checked_dataset, read_gladly_settings
from pipelines.warehouse import Warehouse
from pipelines.workspace import open_workspace
from sources.gladly.media import checked_media
from sources.gladly.settings import (
    ERASE,
    KEEP,
    REQUESTS_PER_SECOND,
    SOURCE_NAME,
    GladlySettings,
    gladly_base_url,
)
from sources.http.budget import RateBudget
from sources.http.client import DEFAULT_TIMEOUTS, ApiClient
from sources.http.errors import HelpdeskError, SettingsError
from sources.http.files import make_private_folder

_Job = TypeVar("_Job", bound=Run)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a run loads, and where it works."""

    destination_name: str
    destination: Destination[Any, Any]
    capabilities: Capabilities
    dataset: str
    data: Path
    memory: Memory

    @classmethod
    def open(
        cls,
        name: str,
        dataset: str,
        data: Path,
        max_memory_mb: int = DEFAULT_MEGABYTES,
        /,
        **settings: Any,  # noqa: ANN401 - dlt's own settings
    ) -> Target:
        """Open a destination by name; ``settings`` are dlt's, such as ``credentials``.

        The data folder is made: an embedded database lies in it.

        Raises:
            SettingsError: there is no such destination, no dataset can have this name, or no run
                does with so little memory.
        """
        checked_dataset("dataset", dataset)
        memory = Memory(max_memory_mb)
        make_private_folder(data)
        destination, capabilities = open_destination(name, data, memory, **settings)
        return cls(name, destination, capabilities, dataset, data, memory)

    def warehouse(self, folder: Path) -> Warehouse:
        """Return the dataset with all tables of Gladly; ``folder`` is for dlt's work."""
        return Warehouse(self.destination, self.capabilities, self.dataset, GLADLY_TABLES, folder)


@dataclass(frozen=True, slots=True)
class Timing:
    """How a run waits.

    Attributes:
        sleep: waits for seconds: for jobs, for rate limits, for the next attempt.
        clock: monotonic seconds, which ``sleep`` moves.
        timeouts: how long an answer may take, in seconds.
    """

    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    timeouts: httpx.Timeout = field(default_factory=lambda: DEFAULT_TIMEOUTS)


REAL_TIME = Timing()


def open_client(settings: GladlySettings, timing: Timing = REAL_TIME) -> ApiClient:
    """Return a client for the organisation's API; a rotated token is reread once.

    Raises:
        SettingsError: organisation or base URL are missing, malformed or unsafe.
    """

    def reread() -> tuple[str, str]:
        fresh = read_gladly_settings()
        return fresh.email, fresh.api_token

    return ApiClient(
        gladly_base_url(settings.organization, settings.base_url),
        settings.email,
        settings.api_token,
        budget=RateBudget(
            REQUESTS_PER_SECOND,
            share=settings.rate_share,
            sleep=timing.sleep,
            clock=timing.clock,
        ),
        credentials=reread,
        sleep=timing.sleep,
        clock=timing.clock,
        timeouts=timing.timeouts,
    )


def check_values(settings: GladlySettings) -> None:
    """Refuse settings that no run can follow, before anything is opened.

    Raises:
        SettingsError: the share of the rate limit is none, or another setting has no such value.
    """
    if not 0 < settings.rate_share <= 1:
        raise SettingsError(
            f"rate_share is {settings.rate_share:g}, which is no share. Set it above 0 and up to "
            "1, under [sources.gladly] in .dlt/config.toml or in SOURCES__GLADLY__RATE_SHARE."
        )
    checked_lists(settings.reference_lists)
    checked_enrichment(settings.enrichment)
    report_plan(settings)
    if settings.on_customer_deleted not in (KEEP, ERASE):
        raise SettingsError(
            f"on_customer_deleted is {settings.on_customer_deleted!r}. Set it to keep or erase, "
            "under [sources.gladly] in .dlt/config.toml or in "
            "SOURCES__GLADLY__ON_CUSTOMER_DELETED."
        )
    checked_media(settings.media)
    if settings.media_max_bytes < 1:
        raise SettingsError(
            f"media_max_bytes is {settings.media_max_bytes}, which lets no file through. Set it to "
            "1 or more, under [sources.gladly] in .dlt/config.toml or in "
            "SOURCES__GLADLY__MEDIA_MAX_BYTES; to store no files, leave media empty."
        )
    if settings.reports_per_minute < 1:
        raise SettingsError(
            f"reports_per_minute is {settings.reports_per_minute}. Set it to 1 or more, under "
            "[sources.gladly] in .dlt/config.toml or in SOURCES__GLADLY__REPORTS_PER_MINUTE."
        )


def run_gladly(
    settings: GladlySettings,
    target: Target,
    progress: ProgressReporter,
    selected: Callable[[str], bool] = lambda _name: True,
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    timeouts: httpx.Timeout = DEFAULT_TIMEOUTS,
) -> RunReport:
    """Run the nightly job once.

    ``sleep`` and ``clock`` are those of all it waits for: unfinished jobs, rate limits, the next
    attempt; ``timeouts`` say how long it waits for an answer.

    Raises:
        HelpdeskError: it could not end; what was loaded stays, and the next run does the rest.
    """
    timing = Timing(sleep, clock, timeouts)
    with _open_run(GladlyRun, settings, target, progress, selected, timing) as run:
        return run.run()


def backfill_gladly(
    settings: GladlySettings,
    target: Target,
    progress: ProgressReporter,
    first_day: date,
    last_day: date | None = None,
    selected: Callable[[str], bool] = lambda _name: True,
) -> RunReport:
    """Load the history from before the first run, of whole days, both included.

    The days of events are those of UTC, the days of reports those of their time zone. Without a
    last day it goes up to what the runs have, at most to Gladly's today.

    Raises:
        SettingsError: the first day has not begun anywhere yet.
        HelpdeskError: it could not end; what was loaded stays, and running it again goes on.
    """
    with _open_run(GladlyBackfill, settings, target, progress, selected) as backfill:
        return backfill.run(first_day, last_day)


@contextmanager
def _open_run(
    job: type[_Job],
    settings: GladlySettings,
    target: Target,
    progress: ProgressReporter,
    selected: Callable[[str], bool],
    timing: Timing = REAL_TIME,
) -> Iterator[_Job]:
    # tells runs apart and says when this machine began one; nothing that is asked for or kept
    # depends on it
    started = datetime.now(UTC)
    check_values(settings)
    media_store = open_media_store(settings.media_url, target.data)
    with (
        open_client(settings, timing) as client,
        open_workspace(target.data, SOURCE_NAME) as workspace,
    ):
        report = RunReport(
            run_id=f"{started:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}",
            pipeline=SOURCE_NAME,
            destination=target.destination_name,
            dataset=target.dataset,
            started_at=started,
            healed_crash=workspace.after_crash,
        )
        if workspace.after_crash:
            progress.say(
                "The last run did not end by itself. What it left is discarded and redone."
            )
        warehouse = target.warehouse(workspace.work / "dlt")
        run = job(
            settings,
            client,
            warehouse,
            workspace,
            progress,
            report,
            media_store,
            target.memory.parsers,
            selected,
            timing.sleep,
            timing.clock,
        )
        with ExitStack() as stack:
            try:
                lock = hold_destination(target, target.dataset, workspace.work / "lock")
                stack.enter_context(lock)
                if file := database_file(target):
                    for done in make_usable(file):
                        progress.say(done)
            except HelpdeskError:
                raise
            except Exception as error:
                run.destination_is_away(error)
                raise
            yield run
